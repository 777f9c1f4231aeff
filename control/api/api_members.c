/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_members.c - /accounts/{account}/members, and /memberships: the same from the other side.
 *
 * A role is one of the account's roles; one that is limited to zones comes as a policy: the role's
 * id among its permission_groups, the zones' ids among its resource_groups.
 */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "control/api/api_body.h"
#include "control/api/api_filter.h"
#include "control/api/api_reply.h"
#include "control/api/api_roles.h"
#include "control/api/api_routes.h"
#include "control/change/change_member.h"
#include "control/change/change_user.h"
#include "control/store/store_members.h"
#include "control/store/store_users.h"

#define MEMBERS "/accounts/{account}/members"
#define ZONES_BYTES_MAX (LIMIT_MEMBER_ZONES * (ID_TEXT_BYTES + 1))

static enum role role_of(const struct store_member *member)
{
    enum role role = ROLE_VIEWER;
    return role_parse(span_str(member->role), &role) == ERR_OK ? role : ROLE_VIEWER;
}

static bool accepted(const struct store_member *member)
{
    return member->user_id.text[0] != '\0';
}

static json_t *resource_json(struct span id, const char *kind)
{
    char key[96];
    (void)snprintf(key, sizeof(key), "com.cloudflare.api.account.%s%.*s", kind, SPAN_ARG(id));
    return json_pack("{s:o, s:{s:s, s:[{s:s}]}}", "id", api_json_text(id), "scope", "key", key,
                     "objects", "key", "*");
}

/* The role once more, with what it is limited to. */
static json_t *policies_json(const struct store_member *member)
{
    const struct role_row *row = role_row(role_of(member));
    json_t *resources = json_array();
    struct span rest = member->zones;
    while (member->zones_limited && rest.len > 0)
        json_array_append_new(resources, resource_json(span_split(&rest, ','), "zone."));
    if (!member->zones_limited)
        json_array_append_new(resources, resource_json(id_span(&member->account_id), ""));
    return json_pack("[{s:o, s:s, s:[{s:s, s:s}], s:o}]", "id", api_json_id(&member->id), "access",
                     "allow", "permission_groups", "id", row->id, "name", row->title,
                     "resource_groups", resources);
}

static json_t *member_json(const struct store_member *member)
{
    json_t *user =
        json_pack("{s:o, s:o, s:o, s:b}", "email", api_json_text(member->email), "first_name",
                  api_json_text(member->first_name), "last_name", api_json_text(member->last_name),
                  "two_factor_authentication_enabled", member->second_factor);
    if (accepted(member))
        (void)json_object_set_new(user, "id", api_json_id(&member->user_id));
    else
        (void)json_object_set_new(user, "id", json_null());
    json_t *json = json_pack("{s:o, s:o, s:s, s:o, s:[o], s:o}", "id", api_json_id(&member->id),
                             "email", api_json_text(member->email), "status",
                             accepted(member) ? "accepted" : "pending", "user", user, "roles",
                             api_role_json(role_of(member)), "policies", policies_json(member));
    if (member->ends_at_us != 0)
        (void)json_object_set_new(json, "trunkline",
                                  json_pack("{s:o, s:o}", "invited_on",
                                            api_json_time(member->created_at_us), "expires_on",
                                            api_json_time(member->ends_at_us)));
    return json;
}

static enum err load(struct api_request *request, const struct id *account_id, const struct id *id,
                     struct store_member *out)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    TRY(store_member_find(conn, id, &request->arena, out));
    return id_equal(out->account_id, *account_id) ? ERR_OK : ERR_NOT_FOUND;
}

static enum err reply_member(struct api_request *request, struct api_reply *reply,
                             const struct id *account_id, const struct id *id)
{
    struct store_member member;
    TRY(load(request, account_id, id, &member));
    return api_reply_result(reply, member_json(&member));
}

static enum err read_status(struct api_request *request, struct api_reply *reply,
                            struct store_member_query *query)
{
    static const char *const words[] = {"", "accepted", "pending", "rejected", NULL};
    size_t status;
    TRY(api_filter_word(request, reply, "status", words, &status));
    query->members = status == 0 || status == 1;
    query->invitations = status == 0 || status == 2;
    return ERR_OK;
}

static enum err reply_list(struct api_request *request, struct api_reply *reply,
                           struct store_member_query *query,
                           json_t *(*to_json)(const struct store_member *))
{
    static const struct api_page_rule rule = {50, 20};
    struct api_page page;
    struct store_conn *conn;
    struct store_member_list list;
    TRY(api_filter_page(request, reply, &rule, &page, &query->page));
    TRY(read_status(request, reply, query));
    TRY(api_reader(request, &conn));
    TRY(store_member_list(conn, query, &request->arena, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(rows, to_json(&list.rows[i]));
    page.count = list.count;
    page.total_count = list.total_count;
    return api_reply_page(reply, rows, &page);
}

static enum err member_list(struct api_request *request, struct api_reply *reply)
{
    struct store_member_query query = {.members = true};
    TRY(api_param_id(request, 0, &query.account_id));
    return reply_list(request, reply, &query, member_json);
}

static enum err find(const struct api_request *request, struct id *account_id, struct id *id)
{
    TRY(api_param_id(request, 0, account_id));
    return api_param_id(request, 1, id);
}

static enum err member_details(struct api_request *request, struct api_reply *reply)
{
    struct id account_id, id;
    TRY(find(request, &account_id, &id));
    return reply_member(request, reply, &account_id, &id);
}

struct member_spec {
    struct span email, status;
    json_t *roles, *policies;
};

/* "id" or {"id": ...} */
static struct span id_of(const json_t *value)
{
    const json_t *id = json_is_object(value) ? json_object_get(value, "id") : value;
    return json_is_string(id) ? span_of(json_string_value(id), json_string_length(id)) : SPAN_EMPTY;
}

static enum err read_role(struct api_reply *reply, const json_t *list, const char *path,
                          enum role *out)
{
    if (json_array_size(list) == 1 && api_role_find(id_of(json_array_get(list, 0)), out) == ERR_OK)
        return ERR_OK;
    return api_fail(reply, API_ERROR_FIELD, path, "%s",
                    "must be a list of one of the account's roles");
}

static enum err read_policy(struct api_request *request, struct api_reply *reply,
                            const json_t *list, struct change_member_role *out)
{
    const json_t *policy = json_array_get(list, 0);
    const json_t *groups = json_object_get(policy, "resource_groups");
    struct span account = request->params[0];
    struct buf zones;
    size_t at;
    json_t *item;
    if (json_array_size(list) != 1 || json_array_size(groups) == 0)
        return api_fail(reply, API_ERROR_FIELD, "policies", "%s",
                        "must be one policy with permission_groups and resource_groups");
    TRY(read_role(reply, json_object_get(policy, "permission_groups"),
                  "policies[0].permission_groups", &out->role));
    out->zones_limited = true;
    buf_init(&zones, ZONES_BYTES_MAX);
    json_array_foreach(groups, at, item)
    {
        struct span id = id_of(item);
        if (span_equal(id, account))
            out->zones_limited = false;
        buf_appendf(&zones, "%s%.*s", zones.len > 0 ? "," : "", SPAN_ARG(id));
    }
    bool whole = !zones.overflowed;
    out->zones = arena_copy(&request->arena, buf_span(&zones));
    buf_release(&zones);
    return whole ? ERR_OK
                 : api_fail(reply, API_ERROR_FIELD, "policies", "at most %d zones",
                            LIMIT_MEMBER_ZONES);
}

static enum err read_spec(struct api_request *request, struct api_reply *reply, struct span *email,
                          struct change_member_role *out)
{
    static const struct json_field fields[] = {
        JSON_TEXT("email", struct member_spec, email, JSON_OPTIONAL, CHANGE_EMAIL_BYTES_MAX),
        JSON_VALUE("roles", struct member_spec, roles, JSON_OPTIONAL),
        JSON_VALUE("policies", struct member_spec, policies, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct member_spec spec = {.email = SPAN_EMPTY};
    *out = (struct change_member_role){.role = ROLE_VIEWER};
    TRY(api_body_decode(request, reply, fields, &spec));
    *email = spec.email;
    if (spec.policies)
        return read_policy(request, reply, spec.policies, out);
    return read_role(reply, spec.roles, "roles", &out->role);
}

/* The link is shown once: there is no mailer. */
static enum err reply_invited(struct api_request *request, struct api_reply *reply,
                              const struct id *account_id, struct change_invitation *made)
{
    struct store_member member;
    char url[256];
    enum err err = load(request, account_id, &made->id, &member);
    json_t *json = err == ERR_OK ? member_json(&member) : NULL;
    if (json) {
        reply->secret = true;
        json_t *ours = json_object_get(json, "trunkline");
        (void)snprintf(url, sizeof(url), "%.*s/invite/%s", SPAN_ARG(request->api->public_origin),
                       made->secret.text);
        (void)json_object_set_new(ours, "invite_url", json_string(url));
        (void)json_object_set_new(ours, "invite_token", json_string(made->secret.text));
        mem_wipe(url, sizeof(url));
    }
    mem_wipe(made, sizeof(*made));
    return json ? api_reply_result(reply, json) : err;
}

static enum err member_invite(struct api_request *request, struct api_reply *reply)
{
    struct id account_id;
    struct span email;
    struct change_member_role role;
    struct change_invitation made;
    TRY(api_param_id(request, 0, &account_id));
    TRY(read_spec(request, reply, &email, &role));
    TRY(api_change_begin(request, reply));
    TRY(change_member_invite(request->change, &account_id, email, &role, &made, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_invited(request, reply, &account_id, &made);
}

static enum err member_edit(struct api_request *request, struct api_reply *reply)
{
    struct id account_id, id;
    struct span email;
    struct change_member_role role;
    TRY(find(request, &account_id, &id));
    TRY(read_spec(request, reply, &email, &role));
    TRY(api_change_begin(request, reply));
    TRY(change_member_edit(request->change, &account_id, &id, &role, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_member(request, reply, &account_id, &id);
}

static enum err member_delete(struct api_request *request, struct api_reply *reply)
{
    struct id account_id, id;
    TRY(find(request, &account_id, &id));
    TRY(api_change_begin(request, reply));
    TRY(change_member_delete(request->change, &account_id, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&id)));
}

/* ---- memberships */

static json_t *membership_json(const struct store_member *member)
{
    const enum role role = role_of(member);
    return json_pack("{s:o, s:s, s:{s:o, s:o, s:s, s:{s:b}}, s:[s], s:o, s:b, s:o}", "id",
                     api_json_id(&member->id), "status", accepted(member) ? "accepted" : "pending",
                     "account", "id", api_json_id(&member->account_id), "name",
                     api_json_text(member->account_name), "type", "standard", "settings",
                     "enforce_twofactor", 0, "roles", role_row(role)->title, "permissions",
                     api_role_permissions(role), "api_access_enabled", 1, "policies",
                     policies_json(member));
}

static enum err load_self(struct api_request *request, struct store_user *out)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    return store_user_get(conn, &request->actor.scope.user_id, &request->arena, out);
}

static enum err membership_list(struct api_request *request, struct api_reply *reply)
{
    struct store_user user;
    TRY(load_self(request, &user));
    struct store_member_query query = {.user_id = user.id, .email = user.email, .members = true};
    return reply_list(request, reply, &query, membership_json);
}

static enum err load_membership(struct api_request *request, const struct id *id,
                                struct store_member *out)
{
    struct store_conn *conn;
    struct store_user user;
    TRY(load_self(request, &user));
    TRY(api_reader(request, &conn));
    TRY(store_member_find(conn, id, &request->arena, out));
    return span_equal(out->email, user.email) ? ERR_OK : ERR_NOT_FOUND;
}

static enum err membership_details(struct api_request *request, struct api_reply *reply)
{
    struct id id;
    struct store_member member;
    TRY(api_param_id(request, 0, &id));
    TRY(load_membership(request, &id, &member));
    return api_reply_result(reply, membership_json(&member));
}

static enum err end_membership(struct api_request *request, struct api_reply *reply,
                               const struct id *id)
{
    TRY(api_change_begin(request, reply));
    TRY(change_membership_end(request->change, id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(id)));
}

static enum err membership_edit(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("status", struct member_spec, status, JSON_REQUIRED, 16),
        JSON_FIELDS_END,
    };
    struct member_spec spec = {.email = SPAN_EMPTY};
    struct store_member member;
    struct id id;
    TRY(api_param_id(request, 0, &id));
    TRY(api_body_decode(request, reply, fields, &spec));
    if (span_equal(spec.status, SPAN("rejected")))
        return end_membership(request, reply, &id);
    if (!span_equal(spec.status, SPAN("accepted")))
        return api_fail(reply, API_ERROR_FIELD, "status", "%s", "must be accepted or rejected");
    TRY(api_change_begin(request, reply));
    TRY(change_membership_accept(request->change, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    TRY(load_membership(request, &id, &member));
    return api_reply_result(reply, membership_json(&member));
}

static enum err membership_delete(struct api_request *request, struct api_reply *reply)
{
    struct id id;
    TRY(api_param_id(request, 0, &id));
    return end_membership(request, reply, &id);
}

const struct api_route api_members_routes[] = {
    {API_GET, MEMBERS, PERMISSION_ACCOUNT_READ, member_list, NULL, false},
    {API_POST, MEMBERS, PERMISSION_ACCOUNT_EDIT, member_invite, NULL, true},
    {API_GET, MEMBERS "/{member}", PERMISSION_ACCOUNT_READ, member_details, NULL, false},
    {API_PUT, MEMBERS "/{member}", PERMISSION_ACCOUNT_EDIT, member_edit, NULL, true},
    {API_DELETE, MEMBERS "/{member}", PERMISSION_ACCOUNT_EDIT, member_delete, NULL, false},
    {API_GET, "/memberships", PERMISSION_MEMBERSHIP_READ, membership_list, NULL, false},
    {API_GET, "/memberships/{membership}", PERMISSION_MEMBERSHIP_READ, membership_details, NULL,
     false},
    {API_PUT, "/memberships/{membership}", PERMISSION_MEMBERSHIP_EDIT, membership_edit, NULL, true},
    {API_DELETE, "/memberships/{membership}", PERMISSION_MEMBERSHIP_EDIT, membership_delete, NULL,
     false},
    API_ROUTES_END,
};
