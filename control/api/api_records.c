/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_records.c - /zones/{zone}/dns_records: the proxied ones are where origins come from.
 */
#include "common/base/text.h"
#include "control/api/api_filter.h"
#include "control/api/api_query.h"
#include "control/api/api_record.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"

static enum err reply_record(struct api_request *request, struct api_reply *reply,
                             const struct id *record_id)
{
    struct store_conn *conn;
    struct store_zone zone;
    struct store_record record;
    TRY(api_zone_read(request, &zone));
    TRY(api_reader(request, &conn));
    TRY(store_record_get(conn, &request->actor.scope, &zone.id, record_id, &request->arena,
                         &record));
    return api_reply_result(reply, api_record_json(&zone, &record));
}

/* `name` with prefixes, or the original's `name.contains=` and its like. */
static void filter_field(struct api_request *request, const char *name, struct store_filter *out)
{
    static const struct {
        const char *suffix;
        enum store_match match;
    } forms[] = {
        {".exact", STORE_MATCH_EQUAL},
        {".contains", STORE_MATCH_CONTAINS},
        {".startswith", STORE_MATCH_STARTS_WITH},
        {".endswith", STORE_MATCH_ENDS_WITH},
    };
    api_filter_text(request, name, out);
    for (size_t i = 0; i < countof(forms); i++) {
        char full[32];
        struct span text;
        text_format(full, sizeof(full), "%s%s", name, forms[i].suffix);
        if (api_query_get(request, full, &text) && text.len > 0)
            *out = (struct store_filter){forms[i].match, text};
    }
}

/* A filter that were passed over would list, and let a script delete, what was not meant. */
static enum err refuse_absent_filters(struct api_request *request, struct api_reply *reply)
{
    static const char *const absent[] = {
        "search",         "tag",          "tag.exact",
        "tag.present",    "tag.absent",   "tag.contains",
        "tag.startswith", "tag.endswith", "comment.present",
        "comment.absent",
    };
    for (size_t i = 0; i < countof(absent); i++) {
        struct span text;
        if (api_query_get(request, absent[i], &text))
            return api_fail(reply, API_ERROR_FIELD, absent[i], "%s",
                            "is a filter that Trunkline does not have");
    }
    return ERR_OK;
}

static enum err read_query(struct api_request *request, struct api_reply *reply,
                           struct store_record_query *query)
{
    static const char *const orders[] = {"name", "type", "content", "ttl", "proxied", NULL};
    static const char *const truths[] = {"", "true", "false", NULL};
    size_t order, truth;
    TRY(refuse_absent_filters(request, reply));
    TRY(api_filter_word(request, reply, "order", orders, &order));
    TRY(api_filter_word(request, reply, "proxied", truths, &truth));
    TRY(api_filter_match(request, reply, &query->match_any));
    query->order = (enum store_record_order)order;
    query->proxied_given = truth != 0;
    query->proxied = truth == 1;
    api_filter_words(request, "type", &query->type);
    filter_field(request, "name", &query->name);
    api_filter_hostname(request, &query->name);
    filter_field(request, "content", &query->content);
    filter_field(request, "comment", &query->comment);
    return ERR_OK;
}

static enum err record_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {5000, 100};
    struct api_page page;
    struct store_zone zone;
    struct store_conn *conn;
    struct store_record_query query = {.scope = request->actor.scope};
    TRY(api_filter_page(request, reply, &rule, &page, &query.page));
    TRY(read_query(request, reply, &query));
    TRY(api_zone_read(request, &zone));
    TRY(api_reader(request, &conn));
    query.zone_id = zone.id;
    struct store_record_list list;
    TRY(store_record_list(conn, &query, &request->arena, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(rows, api_record_json(&zone, &list.rows[i]));
    page.count = list.count;
    page.total_count = list.total_count;
    return api_reply_page(reply, rows, &page);
}

static enum err record_create(struct api_request *request, struct api_reply *reply)
{
    struct change_record_spec spec;
    struct id zone_id, record_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_record_decode(request, reply, request->json, "", &spec));
    TRY(api_change_begin(request, reply));
    TRY(change_record_create(request->change, &zone_id, &spec, &record_id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_record(request, reply, &record_id);
}

static enum err record_details(struct api_request *request, struct api_reply *reply)
{
    struct id record_id;
    TRY(api_param_id(request, 1, &record_id));
    return reply_record(request, reply, &record_id);
}

typedef enum err record_change_fn(struct change *change, const struct id *zone_id,
                                  const struct id *record_id, const struct change_record_spec *spec,
                                  struct problem *problem);

static enum err record_edit(struct api_request *request, struct api_reply *reply,
                            record_change_fn *apply)
{
    struct change_record_spec spec;
    struct id zone_id, record_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_param_id(request, 1, &record_id));
    TRY(api_record_decode(request, reply, request->json, "", &spec));
    TRY(api_change_begin(request, reply));
    TRY(apply(request->change, &zone_id, &record_id, &spec, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_record(request, reply, &record_id);
}

static enum err record_put(struct api_request *request, struct api_reply *reply)
{
    return record_edit(request, reply, change_record_put);
}

static enum err record_patch(struct api_request *request, struct api_reply *reply)
{
    return record_edit(request, reply, change_record_patch);
}

static enum err record_delete(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id, record_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_param_id(request, 1, &record_id));
    TRY(api_change_begin(request, reply));
    TRY(change_record_delete(request->change, &zone_id, &record_id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&record_id)));
}

const struct api_route api_records_routes[] = {
    {API_GET, "/zones/{zone}/dns_records", PERMISSION_RECORD_READ, record_list, NULL, false},
    {API_POST, "/zones/{zone}/dns_records", PERMISSION_RECORD_EDIT, record_create,
     api_record_errors, true},
    {API_GET, "/zones/{zone}/dns_records/{record}", PERMISSION_RECORD_READ, record_details, NULL,
     false},
    {API_PUT, "/zones/{zone}/dns_records/{record}", PERMISSION_RECORD_EDIT, record_put,
     api_record_errors, true},
    {API_PATCH, "/zones/{zone}/dns_records/{record}", PERMISSION_RECORD_EDIT, record_patch,
     api_record_errors, true},
    {API_DELETE, "/zones/{zone}/dns_records/{record}", PERMISSION_RECORD_EDIT, record_delete, NULL,
     false},
    API_ROUTES_END,
};
