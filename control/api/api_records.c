/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_records.c - /zones/{zone}/dns_records: the proxied ones are where origins come from.
 */
#include "common/base/text.h"
#include "control/api/api_body.h"
#include "control/api/api_filter.h"
#include "control/api/api_query.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"
#include "control/change/change_record.h"
#include "control/store/store_records.h"

#define PORT_MAX 65535
#define PRIORITY_MAX 65535

static json_t *text_or_null(struct span text)
{
    return text.len ? api_json_text(text) : json_null();
}

static json_t *record_json(const struct store_zone *zone, const struct store_record *record)
{
    bool proxiable = record_type_proxiable(record->type);
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:b, s:o, s:b, s:{}, s:o, s:[]}",
                             "id", api_json_id(&record->id), "zone_id", api_json_id(&zone->id),
                             "zone_name", api_json_text(zone->name), "name",
                             api_json_text(record->name), "type", record_type_name(record->type),
                             "content", api_json_text(record->content), "proxiable", proxiable,
                             "proxied", record->proxied, "ttl", api_json_u64(record->ttl_s),
                             "locked", 0, "meta", "comment", text_or_null(record->comment), "tags");
    ASSERT(json != NULL);
    if (record->priority_given)
        json_object_set_new(json, "priority", api_json_u64(record->priority));
    if (proxiable) {
        json_object_set_new(json, "origin_port",
                            record->origin_port ? api_json_u64(record->origin_port) : json_null());
        json_object_set_new(json, "origin_host_header", text_or_null(record->origin_host_header));
        json_object_set_new(json, "origin_sni", text_or_null(record->origin_sni));
    }
    json_object_set_new(json, "created_on", api_json_time(record->created_at_us));
    json_object_set_new(json, "modified_on", api_json_time(record->modified_at_us));
    return json;
}

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
    return api_reply_result(reply, record_json(&zone, &record));
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

static enum err read_query(struct api_request *request, struct api_reply *reply,
                           struct store_record_query *query)
{
    static const char *const orders[] = {"name", "type", "content", "ttl", "proxied", NULL};
    static const char *const truths[] = {"", "true", "false", NULL};
    size_t order, truth;
    TRY(api_filter_word(request, reply, "order", orders, &order));
    TRY(api_filter_word(request, reply, "proxied", truths, &truth));
    TRY(api_filter_match(request, reply, &query->match_any));
    query->order = (enum store_record_order)order;
    query->proxied_given = truth != 0;
    query->proxied = truth == 1;
    api_filter_text(request, "type", &query->type);
    filter_field(request, "name", &query->name);
    query->name.text = arena_copy_lower(&request->arena, query->name.text);
    filter_field(request, "content", &query->content);
    filter_field(request, "comment", &query->comment);
    return ERR_OK;
}

static enum err record_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {1, 5000, 100};
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
        json_array_append_new(rows, record_json(&zone, &list.rows[i]));
    page.count = list.count;
    page.total_count = list.total_count;
    return api_reply_page(reply, rows, &page);
}

#define RECORD_TEXT(n, member, bytes_max) \
    JSON_TEXT_GIVEN(n, struct change_record_spec, member, member##_given, bytes_max)

static enum err decode_record(struct api_request *request, struct api_reply *reply,
                              struct change_record_spec *out)
{
    static const struct json_field fields[] = {
        RECORD_TEXT("type", type, 16),
        RECORD_TEXT("name", name, 1024),
        RECORD_TEXT("content", content, RECORD_CONTENT_BYTES_MAX),
        RECORD_TEXT("comment", comment, CHANGE_COMMENT_BYTES_MAX),
        RECORD_TEXT("origin_host_header", origin_host_header, 1024),
        RECORD_TEXT("origin_sni", origin_sni, 1024),
        JSON_U64_GIVEN("ttl", struct change_record_spec, ttl_s, ttl_given, 0, CHANGE_TTL_S_MAX),
        JSON_U64_GIVEN("priority", struct change_record_spec, priority, priority_given, 0,
                       PRIORITY_MAX),
        JSON_U64_GIVEN("origin_port", struct change_record_spec, origin_port, origin_port_given, 0,
                       PORT_MAX),
        JSON_BOOL_GIVEN("proxied", struct change_record_spec, proxied, proxied_given),
        JSON_FIELDS_END,
    };
    *out = (struct change_record_spec){0};
    return api_body_decode(request, reply, fields, out);
}

static enum err record_create(struct api_request *request, struct api_reply *reply)
{
    struct change_record_spec spec;
    struct id zone_id, record_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(decode_record(request, reply, &spec));
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
    TRY(decode_record(request, reply, &spec));
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

static const struct api_error_map record_errors[] = {
    {ERR_EXISTS, API_ERROR_RECORD_EXISTS},
    {ERR_CONFLICT, API_ERROR_RECORD_CLASH},
    {ERR_INVALID, API_ERROR_RECORD_INVALID},
    {ERR_ORIGIN_ADDRESS, API_ERROR_RECORD_INVALID},
    {ERR_OK, API_ERROR_NONE},
};

const struct api_route api_records_routes[] = {
    {API_GET, "/zones/{zone}/dns_records", PERMISSION_RECORD_READ, record_list, NULL, false},
    {API_POST, "/zones/{zone}/dns_records", PERMISSION_RECORD_EDIT, record_create, record_errors,
     true},
    {API_GET, "/zones/{zone}/dns_records/{record}", PERMISSION_RECORD_READ, record_details, NULL,
     false},
    {API_PUT, "/zones/{zone}/dns_records/{record}", PERMISSION_RECORD_EDIT, record_put,
     record_errors, true},
    {API_PATCH, "/zones/{zone}/dns_records/{record}", PERMISSION_RECORD_EDIT, record_patch,
     record_errors, true},
    {API_DELETE, "/zones/{zone}/dns_records/{record}", PERMISSION_RECORD_EDIT, record_delete, NULL,
     false},
    API_ROUTES_END,
};
