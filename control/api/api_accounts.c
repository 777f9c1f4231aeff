/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_accounts.c - /accounts: who owns zones.
 */
#include "control/api/api_body.h"
#include "control/api/api_filter.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/change/change_account.h"
#include "control/store/store_accounts.h"

static json_t *account_json(const struct store_account *account)
{
    return json_pack(
        "{s:o, s:o, s:s, s:{s:b, s:n}, s:o, s:{s:o, s:o, s:o}}", "id", api_json_id(&account->id),
        "name", api_json_text(account->name), "type", "standard", "settings", "enforce_twofactor",
        0, "abuse_contact_email", "created_on", api_json_time(account->created_at_us), "trunkline",
        "zones_max", api_json_u64(account->zones_max ? account->zones_max : LIMIT_ACCOUNT_ZONES),
        "tokens_max", api_json_u64(account->tokens_max ? account->tokens_max : LIMIT_USER_TOKENS),
        "members_max",
        api_json_u64(account->members_max ? account->members_max : LIMIT_ACCOUNT_MEMBERS));
}

static enum err reply_account(struct api_request *request, struct api_reply *reply,
                              const struct id *id)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    struct store_account account;
    TRY(store_account_get(conn, &request->actor.scope, id, &request->arena, &account));
    return api_reply_result(reply, account_json(&account));
}

static enum err account_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {50, 20};
    struct api_page page;
    struct store_account_query query = {.scope = request->actor.scope};
    TRY(api_filter_page(request, reply, &rule, &page, &query.page));
    api_filter_text(request, "name", &query.name);
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    struct store_account_list list;
    TRY(store_account_list(conn, &query, &request->arena, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(rows, account_json(&list.rows[i]));
    page.count = list.count;
    page.total_count = list.total_count;
    return api_reply_page(reply, rows, &page);
}

struct account_spec {
    struct span name;
};

static enum err account_create(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("name", struct account_spec, name, JSON_REQUIRED, CHANGE_NAME_BYTES_MAX),
        JSON_FIELDS_END,
    };
    struct account_spec spec = {0};
    struct id id;
    TRY(api_body_decode(request, reply, fields, &spec));
    TRY(api_change_begin(request, reply));
    TRY(change_account_create(request->change, spec.name, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_account(request, reply, &id);
}

static enum err account_details(struct api_request *request, struct api_reply *reply)
{
    struct id id;
    TRY(api_param_id(request, 0, &id));
    return reply_account(request, reply, &id);
}

struct edit_spec {
    struct change_account_edit edit;
    json_t *ours;
};

static enum err read_edit(struct api_request *request, struct api_reply *reply,
                          struct change_account_edit *out)
{
    static const struct json_field fields[] = {
        JSON_TEXT_GIVEN("name", struct edit_spec, edit.name, edit.name_given,
                        CHANGE_NAME_BYTES_MAX),
        JSON_VALUE("trunkline", struct edit_spec, ours, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    static const struct json_field maxima[] = {
        JSON_U64("zones_max", struct change_account_edit, zones_max, JSON_OPTIONAL, 0, 10000000),
        JSON_U64("tokens_max", struct change_account_edit, tokens_max, JSON_OPTIONAL, 0, 100000),
        JSON_U64("members_max", struct change_account_edit, members_max, JSON_OPTIONAL, 0, 100000),
        JSON_FIELDS_END,
    };
    struct edit_spec spec = {.ours = NULL};
    TRY(api_body_decode(request, reply, fields, &spec));
    *out = spec.edit;
    out->maxima_given = spec.ours != NULL;
    return spec.ours ? json_decode(spec.ours, maxima, "trunkline", out, &reply->problem) : ERR_OK;
}

static enum err account_edit(struct api_request *request, struct api_reply *reply)
{
    struct change_account_edit edit;
    struct id id;
    TRY(api_param_id(request, 0, &id));
    TRY(read_edit(request, reply, &edit));
    TRY(api_change_begin(request, reply));
    TRY(change_account_edit(request->change, &id, &edit, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_account(request, reply, &id);
}

static enum err account_close(struct api_request *request, struct api_reply *reply)
{
    struct id id;
    TRY(api_param_id(request, 0, &id));
    TRY(api_change_begin(request, reply));
    TRY(change_account_close(request->change, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&id)));
}

const struct api_route api_accounts_routes[] = {
    {API_GET, "/accounts", PERMISSION_ACCOUNT_READ, account_list, NULL, false},
    {API_POST, "/accounts", PERMISSION_ACCOUNT_CREATE, account_create, NULL, true},
    {API_GET, "/accounts/{account}", PERMISSION_ACCOUNT_READ, account_details, NULL, false},
    {API_PUT, "/accounts/{account}", PERMISSION_ACCOUNT_EDIT, account_edit, NULL, true},
    {API_DELETE, "/accounts/{account}", PERMISSION_ACCOUNT_CLOSE, account_close, NULL, false},
    API_ROUTES_END,
};
