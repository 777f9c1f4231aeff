/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_tokens.c - /user/tokens and /accounts/{account}/tokens: the same, of a user or of an account.
 */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "control/api/api_body.h"
#include "control/api/api_filter.h"
#include "control/api/api_query.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/change/change_token.h"
#include "control/store/store_tokens.h"

#define ACCOUNT "/accounts/{account}/tokens"

/* Whose tokens the path is about; *at is the place of the token among its parameters. */
static enum err read_owner(const struct api_request *request, struct change_token_owner *out,
                           size_t *at)
{
    out->account = span_starts_with(span_str(request->route->pattern), SPAN("/accounts/"));
    out->id = request->actor.scope.user_id;
    *at = out->account ? 1 : 0;
    return out->account ? api_param_id(request, 0, &out->id) : ERR_OK;
}

/* The names of groups stand in the table, not in the store. */
static void name_group(json_t *group)
{
    const char *id = json_string_value(json_object_get(group, "id"));
    for (unsigned i = 0; id && i < PERMISSION_COUNT; i++) {
        const struct permission_row *row = permission_row((enum permission)i);
        if (strcmp(row->group, id) == 0)
            (void)json_object_set_new(group, "name", json_string(row->group_name));
    }
}

static void name_groups(json_t *policies)
{
    size_t at, k;
    json_t *policy, *group;
    json_array_foreach(policies, at, policy)
    {
        json_array_foreach(json_object_get(policy, "permission_groups"), k, group)
        {
            name_group(group);
        }
    }
}

static json_t *kept_json(struct span text)
{
    struct problem problem = {.code = ERR_OK};
    json_t *value = NULL;
    return text.len > 0 && json_parse(text, &value, &problem) == ERR_OK ? value : NULL;
}

static const char *status_of(const struct store_token *token)
{
    if (token->disabled)
        return "disabled";
    return token->ends_at_us != 0 && token->ends_at_us <= clock_wall_us() ? "expired" : "active";
}

/* A time that is there. */
static void set_time(json_t *json, const char *name, uint64_t unix_us)
{
    if (unix_us != 0)
        (void)json_object_set_new(json, name, api_json_time(unix_us));
}

static json_t *token_json(const struct store_token *token)
{
    json_t *policies = kept_json(token->policies), *condition = kept_json(token->condition);
    name_groups(policies);
    json_t *json = json_pack("{s:o, s:o, s:s, s:o}", "id", api_json_id(&token->id), "name",
                             api_json_text(token->name), "status", status_of(token), "policies",
                             policies ? policies : json_array());
    set_time(json, "issued_on", token->created_at_us);
    set_time(json, "modified_on", token->modified_at_us);
    set_time(json, "not_before", token->not_before_us);
    set_time(json, "expires_on", token->ends_at_us);
    set_time(json, "last_used_on", token->used_at_us);
    if (condition) {
        /* Under the name that older clients read, too. */
        (void)json_object_set(condition, "request.ip", json_object_get(condition, "request_ip"));
        (void)json_object_set_new(json, "condition", condition);
    }
    return json;
}

static enum err load(struct api_request *request, const struct change_token_owner *owner,
                     const struct id *id, struct store_token *out)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    return store_token_get(conn, &owner->id, id, &request->arena, out);
}

static enum err find(struct api_request *request, struct change_token_owner *owner, struct id *id)
{
    size_t at;
    TRY(read_owner(request, owner, &at));
    return api_param_id(request, at, id);
}

static enum err token_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {50, 20};
    struct change_token_owner owner;
    struct api_page page;
    struct store_page rows_asked;
    struct store_conn *conn;
    struct store_token_list list;
    size_t at;
    TRY(read_owner(request, &owner, &at));
    TRY(api_filter_page(request, reply, &rule, &page, &rows_asked));
    TRY(api_reader(request, &conn));
    TRY(store_token_list(conn, &owner.id, &rows_asked, &request->arena, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(rows, token_json(&list.rows[i]));
    page.count = list.count;
    page.total_count = list.total_count;
    return api_reply_page(reply, rows, &page);
}

static enum err token_details(struct api_request *request, struct api_reply *reply)
{
    struct change_token_owner owner;
    struct store_token token;
    struct id id;
    TRY(find(request, &owner, &id));
    TRY(load(request, &owner, &id, &token));
    return api_reply_result(reply, token_json(&token));
}

struct token_spec {
    struct span name, status, expires_on, not_before;
    json_t *policies, *condition;
};

static enum err read_time(struct api_reply *reply, const char *name, struct span text,
                          uint64_t *out)
{
    *out = 0;
    if (text.len == 0 || text_parse_time(text, out) == ERR_OK)
        return ERR_OK;
    return api_fail(reply, API_ERROR_FIELD, name, "%s", "must be a time like 2027-01-31T12:00:00Z");
}

static enum err read_spec(struct api_request *request, struct api_reply *reply,
                          struct change_token_spec *out)
{
    static const struct json_field fields[] = {
        JSON_TEXT("name", struct token_spec, name, JSON_REQUIRED, CHANGE_TOKEN_NAME_BYTES_MAX),
        JSON_TEXT("status", struct token_spec, status, JSON_OPTIONAL, 16),
        JSON_TEXT("expires_on", struct token_spec, expires_on, JSON_OPTIONAL, 40),
        JSON_TEXT("not_before", struct token_spec, not_before, JSON_OPTIONAL, 40),
        JSON_VALUE("policies", struct token_spec, policies, JSON_REQUIRED),
        JSON_VALUE("condition", struct token_spec, condition, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct token_spec spec = {.name = SPAN_EMPTY};
    TRY(api_body_decode(request, reply, fields, &spec));
    *out = (struct change_token_spec){
        .name = spec.name,
        .policies = spec.policies,
        .condition = spec.condition,
        .disabled = span_equal(spec.status, SPAN("disabled")),
    };
    TRY(read_time(reply, "not_before", spec.not_before, &out->not_before_us));
    return read_time(reply, "expires_on", spec.expires_on, &out->ends_at_us);
}

/* The one answer that shows the secret. */
static enum err reply_made(struct api_request *request, struct api_reply *reply,
                           const struct change_token_owner *owner, struct change_token_made *made)
{
    struct store_token token;
    enum err err = load(request, owner, &made->id, &token);
    json_t *json = err == ERR_OK ? token_json(&token) : NULL;
    reply->secret = true;
    if (json)
        (void)json_object_set_new(json, "value", json_string(made->secret.text));
    mem_wipe(&made->secret, sizeof(made->secret));
    return json ? api_reply_result(reply, json) : err;
}

static enum err token_create(struct api_request *request, struct api_reply *reply)
{
    struct change_token_owner owner;
    struct change_token_spec spec;
    struct change_token_made made;
    size_t at;
    TRY(read_owner(request, &owner, &at));
    TRY(read_spec(request, reply, &spec));
    TRY(api_change_begin(request, reply));
    TRY(change_token_create(request->change, &owner, &spec, &made, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_made(request, reply, &owner, &made);
}

static enum err token_edit(struct api_request *request, struct api_reply *reply)
{
    struct change_token_owner owner;
    struct change_token_spec spec;
    struct store_token token;
    struct id id;
    TRY(find(request, &owner, &id));
    TRY(read_spec(request, reply, &spec));
    TRY(api_change_begin(request, reply));
    TRY(change_token_edit(request->change, &owner, &id, &spec, &reply->problem));
    TRY(api_change_commit(request, reply));
    TRY(load(request, &owner, &id, &token));
    return api_reply_result(reply, token_json(&token));
}

static enum err token_roll(struct api_request *request, struct api_reply *reply)
{
    struct change_token_owner owner;
    struct change_token_made made;
    TRY(find(request, &owner, &made.id));
    TRY(api_change_begin(request, reply));
    TRY(change_token_roll(request->change, &owner, &made, &reply->problem));
    TRY(api_change_commit(request, reply));
    json_t *text = json_string(made.secret.text);
    mem_wipe(&made, sizeof(made));
    return api_reply_result(reply, text);
}

static enum err token_delete(struct api_request *request, struct api_reply *reply)
{
    struct change_token_owner owner;
    struct id id;
    TRY(find(request, &owner, &id));
    TRY(api_change_begin(request, reply));
    TRY(change_token_delete(request->change, &owner, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&id)));
}

/* Whoever comes this far has a token that works. */
static enum err token_verify(struct api_request *request, struct api_reply *reply)
{
    struct store_conn *conn;
    struct store_token token;
    TRY(api_reader(request, &conn));
    enum err err = store_token_get(conn, &request->actor.scope.user_id, &request->actor.token_id,
                                   &request->arena, &token);
    if (err == ERR_NOT_FOUND)
        return api_fail(reply, API_ERROR_VERIFY_INVALID, "", "%s", "Invalid API Token");
    TRY(err);
    json_t *json =
        json_pack("{s:o, s:s}", "id", api_json_id(&token.id), "status", status_of(&token));
    set_time(json, "not_before", token.not_before_us);
    set_time(json, "expires_on", token.ends_at_us);
    return api_reply_result(reply, json);
}

static const char *scope_of(enum permission_object object)
{
    return object == PERMISSION_OF_ZONE      ? "com.cloudflare.api.account.zone"
           : object == PERMISSION_OF_ACCOUNT ? "com.cloudflare.api.account"
                                             : "com.cloudflare.api.user";
}

/* Several permissions may come with one group: the first of them speaks for it. */
static bool heads_group(enum permission permission)
{
    const char *group = permission_row(permission)->group;
    for (unsigned i = 0; i < (unsigned)permission; i++)
        if (strcmp(permission_row((enum permission)i)->group, group) == 0)
            return false;
    return group[0] != '\0';
}

static enum err group_list(struct api_request *request, struct api_reply *reply)
{
    struct span name = SPAN_EMPTY, scope = SPAN_EMPTY;
    json_t *rows = json_array();
    (void)api_query_get(request, "name", &name);
    (void)api_query_get(request, "scope", &scope);
    for (unsigned i = 0; i < PERMISSION_COUNT; i++) {
        const struct permission_row *row = permission_row((enum permission)i);
        if (!heads_group((enum permission)i) ||
            (name.len > 0 && !span_equal_nocase(name, span_str(row->group_name))) ||
            (scope.len > 0 && !span_equal(scope, span_str(scope_of(row->object)))))
            continue;
        json_array_append_new(rows, json_pack("{s:s, s:s, s:[s]}", "id", row->group, "name",
                                              row->group_name, "scopes", scope_of(row->object)));
    }
    return api_reply_result(reply, rows);
}

static const struct api_error_map verify_errors[] = {
    {ERR_UNAUTHENTICATED, API_ERROR_VERIFY_INVALID},
    {ERR_OK, API_ERROR_NONE},
};

const struct api_route api_tokens_routes[] = {
    {API_GET, "/user/tokens", PERMISSION_USER_TOKEN_READ, token_list, NULL, false},
    {API_POST, "/user/tokens", PERMISSION_USER_TOKEN_EDIT, token_create, NULL, true},
    {API_GET, "/user/tokens/verify", PERMISSION_CALLER, token_verify, verify_errors, false},
    {API_GET, "/user/tokens/permission_groups", PERMISSION_USER_TOKEN_READ, group_list, NULL,
     false},
    {API_GET, "/user/tokens/{token}", PERMISSION_USER_TOKEN_READ, token_details, NULL, false},
    {API_PUT, "/user/tokens/{token}", PERMISSION_USER_TOKEN_EDIT, token_edit, NULL, true},
    {API_DELETE, "/user/tokens/{token}", PERMISSION_USER_TOKEN_EDIT, token_delete, NULL, false},
    {API_PUT, "/user/tokens/{token}/value", PERMISSION_USER_TOKEN_EDIT, token_roll, NULL, false},
    {API_GET, ACCOUNT, PERMISSION_ACCOUNT_TOKEN_READ, token_list, NULL, false},
    {API_POST, ACCOUNT, PERMISSION_ACCOUNT_TOKEN_EDIT, token_create, NULL, true},
    {API_GET, ACCOUNT "/verify", PERMISSION_CALLER, token_verify, verify_errors, false},
    {API_GET, ACCOUNT "/permission_groups", PERMISSION_ACCOUNT_TOKEN_READ, group_list, NULL, false},
    {API_GET, ACCOUNT "/{token}", PERMISSION_ACCOUNT_TOKEN_READ, token_details, NULL, false},
    {API_PUT, ACCOUNT "/{token}", PERMISSION_ACCOUNT_TOKEN_EDIT, token_edit, NULL, true},
    {API_DELETE, ACCOUNT "/{token}", PERMISSION_ACCOUNT_TOKEN_EDIT, token_delete, NULL, false},
    {API_PUT, ACCOUNT "/{token}/value", PERMISSION_ACCOUNT_TOKEN_EDIT, token_roll, NULL, false},
    API_ROUTES_END,
};
