/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_zones.c - /zones: the domains of a tenant.
 */
#include "control/api/api_body.h"
#include "control/api/api_filter.h"
#include "control/api/api_query.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"
#include "control/change/change_zone.h"

#define WORDS_MAX 16

static enum err reply_zone(struct api_request *request, struct api_reply *reply,
                           const struct id *id)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    struct store_zone zone;
    TRY(store_zone_get(conn, &request->actor.scope, id, &request->arena, &zone));
    return api_reply_result(reply, api_zone_json(&zone));
}

static size_t find_word(const char *const *words, struct span word)
{
    size_t at = 0;
    while (words[at] && !span_equal(word, span_str(words[at])))
        at++;
    return at;
}

/* One of several words is enough.  `stored` are all that rows have: a list that names each of them
 * is no filter, and one that names none finds nothing. */
static void filter_words(struct api_request *request, const char *name, const char *const *stored,
                         struct store_filter *out)
{
    struct span words[WORDS_MAX];
    size_t count = api_query_list(request, name, words, WORDS_MAX);
    uint32_t named = 0, all = 0;
    if (count == 0)
        return;
    *out = (struct store_filter){STORE_MATCH_EQUAL, words[0]};
    for (size_t at = 0; stored[at]; at++)
        all |= 1u << at;
    for (size_t i = 0; i < count; i++) {
        size_t at = find_word(stored, words[i]);
        if (!stored[at])
            continue;
        named |= 1u << at;
        out->text = words[i];
    }
    if (named == all)
        *out = (struct store_filter){STORE_MATCH_ALL, SPAN_EMPTY};
}

static enum err read_query(struct api_request *request, struct api_reply *reply,
                           struct store_zone_query *query)
{
    static const char *const statuses[] = {"active", "pending", NULL};
    static const char *const types[] = {"full", NULL};
    static const char *const orders[] = {"name", "status", "account.id", "account.name", NULL};
    size_t order;
    TRY(api_filter_word(request, reply, "order", orders, &order));
    TRY(api_filter_match(request, reply, &query->match_any));
    query->order = (enum store_zone_order)order;
    api_filter_text(request, "name", &query->name);
    api_filter_hostname(request, &query->name);
    api_filter_text(request, "account.name", &query->account_name);
    filter_words(request, "status", statuses, &query->status);
    filter_words(request, "type", types, &query->type);
    struct span account;
    if (api_query_get(request, "account.id", &account) && account.len > 0 &&
        id_parse(account, &query->account_id) != ERR_OK)
        return api_fail(reply, API_ERROR_FIELD, "account.id", "%s", "must be 32 hex digits");
    return ERR_OK;
}

static enum err zone_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {50, 20};
    struct api_page page;
    struct store_zone_query query = {.scope = request->actor.scope};
    TRY(api_filter_page(request, reply, &rule, &page, &query.page));
    TRY(read_query(request, reply, &query));
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    struct store_zone_list list;
    TRY(store_zone_list(conn, &query, &request->arena, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(rows, api_zone_json(&list.rows[i]));
    page.count = list.count;
    page.total_count = list.total_count;
    return api_reply_page(reply, rows, &page);
}

struct zone_spec {
    struct span name, type;
    json_t *account, *organization;
};

struct owner_spec {
    struct span id;
};

/* `account.id`, or `organization.id` as older clients send it. */
static enum err decode_account(const struct zone_spec *spec, struct api_reply *reply,
                               struct id *out)
{
    static const struct json_field fields[] = {
        JSON_TEXT("id", struct owner_spec, id, JSON_REQUIRED, ID_TEXT_BYTES),
        JSON_FIELDS_END,
    };
    const json_t *json = spec->account ? spec->account : spec->organization;
    const char *path = spec->account ? "account" : "organization";
    struct owner_spec owner = {0};
    if (!json)
        return ERR_OK;
    TRY(json_decode(json, fields, path, &owner, &reply->problem));
    if (id_parse(owner.id, out) != ERR_OK)
        return problem_set(&reply->problem, ERR_INVALID, path, "id must be 32 hex digits");
    return ERR_OK;
}

static enum err zone_create(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("name", struct zone_spec, name, JSON_REQUIRED, 1024),
        JSON_TEXT("type", struct zone_spec, type, JSON_OPTIONAL, 32),
        JSON_VALUE("account", struct zone_spec, account, JSON_OPTIONAL),
        JSON_VALUE("organization", struct zone_spec, organization, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct zone_spec spec = {0};
    struct id id;
    TRY(api_body_decode(request, reply, fields, &spec));
    struct change_zone_spec made = {.name = spec.name, .type = spec.type};
    TRY(decode_account(&spec, reply, &made.account_id));
    TRY(api_change_begin(request, reply));
    enum err err = change_zone_create(request->change, &made, &id, &reply->problem);
    if (err == ERR_INVALID && strcmp(reply->problem.path, "name") == 0)
        reply->error = API_ERROR_ZONE_NAME;
    TRY(err);
    TRY(api_change_commit(request, reply));
    return reply_zone(request, reply, &id);
}

static enum err zone_details(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    return api_reply_result(reply, api_zone_json(&zone));
}

struct plan_spec {
    struct span id, legacy_id;
};

static enum err decode_plan(const json_t *plan, struct api_reply *reply, struct span *out)
{
    static const struct json_field fields[] = {
        JSON_TEXT("id", struct plan_spec, id, JSON_OPTIONAL, 64),
        JSON_TEXT("legacy_id", struct plan_spec, legacy_id, JSON_OPTIONAL, 64),
        JSON_FIELDS_END,
    };
    struct plan_spec spec = {0};
    TRY(json_decode(plan, fields, "plan", &spec, &reply->problem));
    *out = api_plan_slug(spec.id.len ? spec.id : spec.legacy_id);
    return ERR_OK;
}

struct zone_edit_spec {
    struct change_zone_edit edit;
    json_t *plan;
};

static enum err zone_edit(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_BOOL_GIVEN("paused", struct zone_edit_spec, edit.paused, edit.paused_given),
        JSON_VALUE("plan", struct zone_edit_spec, plan, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct zone_edit_spec spec = {0};
    struct id id;
    TRY(api_param_id(request, 0, &id));
    TRY(api_body_decode(request, reply, fields, &spec));
    spec.edit.plan_given = spec.plan != NULL;
    if (spec.plan)
        TRY(decode_plan(spec.plan, reply, &spec.edit.plan));
    TRY(api_change_begin(request, reply));
    TRY(change_zone_edit(request->change, &id, &spec.edit, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_zone(request, reply, &id);
}

static enum err zone_delete(struct api_request *request, struct api_reply *reply)
{
    struct id id;
    TRY(api_param_id(request, 0, &id));
    TRY(api_change_begin(request, reply));
    TRY(change_zone_delete(request->change, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&id)));
}

/* An operator approves; for others the proof is looked at soon. */
static enum err zone_activation_check(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    const struct api_verify *verify = &request->api->verify;
    if (store_zone_is_pending(&zone) && request->actor.scope.platform_wide) {
        TRY(api_change_begin(request, reply));
        TRY(change_zone_activate(request->change, &zone.id, &reply->problem));
        TRY(api_change_commit(request, reply));
    } else if (store_zone_is_pending(&zone) && verify->ask) {
        verify->ask(verify->owner, &zone.id);
    }
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&zone.id)));
}

static const struct api_error_map zone_errors[] = {
    {ERR_EXISTS, API_ERROR_ZONE_EXISTS},
    {ERR_OK, API_ERROR_NONE},
};

const struct api_route api_zones_routes[] = {
    {API_GET, "/zones", PERMISSION_ZONE_READ, zone_list, NULL, false},
    {API_POST, "/zones", PERMISSION_ZONE_EDIT, zone_create, zone_errors, true},
    {API_GET, "/zones/{zone}", PERMISSION_ZONE_READ, zone_details, NULL, false},
    {API_PATCH, "/zones/{zone}", PERMISSION_ZONE_EDIT, zone_edit, NULL, true},
    {API_DELETE, "/zones/{zone}", PERMISSION_ZONE_EDIT, zone_delete, NULL, false},
    {API_PUT, "/zones/{zone}/activation_check", PERMISSION_ZONE_EDIT, zone_activation_check, NULL,
     false},
    API_ROUTES_END,
};
