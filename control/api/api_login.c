/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_login.c - /login: the dashboard's cookie comes and goes; /invitations: who was invited
 * becomes a member.
 */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "control/api/api_auth.h"
#include "control/api/api_body.h"
#include "control/api/api_password.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/change/change_member.h"
#include "control/change/change_user.h"
#include "control/store/store_members.h"
#include "control/store/store_users.h"

#define DEVICE_AGE_S (365 * 86400)
#define SECOND_US UINT64_C(1000000)

static json_t *login_json(const struct store_login *login, bool current)
{
    uint64_t idle_us = login->seen_at_us + LIMIT_LOGIN_IDLE_S * SECOND_US;
    uint64_t end_us = login->created_at_us + LIMIT_LOGIN_S * SECOND_US;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "id", api_json_id(&login->id),
                     "created_on", api_json_time(login->created_at_us), "last_seen_on",
                     api_json_time(login->seen_at_us), "expires_on", api_json_time(end_us),
                     "idle_expires_on", api_json_time(idle_us < end_us ? idle_us : end_us),
                     "fresh_until",
                     api_json_time(login->proved_at_us + LIMIT_LOGIN_FRESH_S * SECOND_US), "ip",
                     api_json_text(login->ip), "current", current);
}

static enum err reply_login(struct api_request *request, struct api_reply *reply,
                            const struct store_login *login)
{
    struct store_conn *conn;
    struct store_user user;
    TRY(api_reader(request, &conn));
    TRY(store_user_get(conn, &login->user_id, &request->arena, &user));
    json_t *json = login_json(login, true);
    (void)json_object_set_new(
        json, "user",
        json_pack("{s:o, s:o, s:o, s:o, s:b, s:b}", "id", api_json_id(&user.id), "email",
                  api_json_text(user.email), "first_name", api_json_text(user.first_name),
                  "last_name", api_json_text(user.last_name), "two_factor_authentication_enabled",
                  user.second_factor, "operator", user.platform_wide));
    return api_reply_result(reply, json);
}

static void set_cookie(struct api_cookie *cookie, const char *name, const char *value,
                       uint64_t age_s)
{
    cookie->name = name;
    cookie->age_s = age_s;
    ASSERT(span_to_cstr(span_str(value), cookie->value, sizeof(cookie->value)));
}

struct login_spec {
    struct span email, password, code, token;
};

static enum err log_in(struct api_request *request, struct api_reply *reply,
                       const struct login_try *try_, const struct login_found *found,
                       struct span code)
{
    struct login_made made;
    struct store_login older = {.ip = SPAN_EMPTY};
    bool had = api_auth_login(request, &older) == ERR_OK;
    TRY(api_change_begin(request, reply));
    enum err err = change_login_begin(request->change, try_, found, code, &made);
    if (err == ERR_UNAUTHENTICATED)
        return api_password_refuse(request, reply, try_, found);
    TRY(err);
    /* A new id for every login: the one that the browser had ends. */
    if (had && id_equal(older.user_id, found->user_id))
        TRY(change_login_replace(request->change, &older));
    TRY(api_change_commit(request, reply));
    set_cookie(&reply->cookies[0], API_COOKIE_LOGIN, made.secret.text, 0);
    if (made.device.text[0] != '\0')
        set_cookie(&reply->cookies[1], API_COOKIE_DEVICE, made.device.text, DEVICE_AGE_S);
    struct digest digest;
    struct store_conn *conn;
    struct store_login login;
    TRY(token_digest(span_str(made.secret.text), digest.bytes));
    mem_wipe(&made, sizeof(made));
    TRY(api_reader(request, &conn));
    TRY(store_login_find(conn, &digest, &request->arena, &login));
    return reply_login(request, reply, &login);
}

static enum err login_create(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("email", struct login_spec, email, JSON_REQUIRED, CHANGE_EMAIL_BYTES_MAX),
        JSON_TEXT("password", struct login_spec, password, JSON_REQUIRED, LIMIT_PASSWORD_BYTES),
        JSON_TEXT("code", struct login_spec, code, JSON_OPTIONAL, 32),
        JSON_FIELDS_END,
    };
    struct login_spec spec = {.code = SPAN_EMPTY};
    struct login_found found;
    bool known;
    TRY(api_body_decode(request, reply, fields, &spec));
    const struct api_password_ask ask = {.try_ = api_password_try(request, spec.email),
                                         .password = spec.password};
    TRY(api_password_ask(request, reply, &ask, &found, &known));
    if (!known)
        return ERR_OK;
    if (found.second_factor && spec.code.len == 0)
        return api_fail(reply, API_ERROR_LOGIN_FACTOR, "", "%s",
                        "A code of the second factor is needed");
    return log_in(request, reply, &ask.try_, &found, spec.code);
}

static enum err login_details(struct api_request *request, struct api_reply *reply)
{
    struct store_login login;
    enum err err = api_auth_login(request, &login);
    if (err == ERR_NOT_FOUND || !request->by_login)
        return api_fail(reply, API_ERROR_LOGIN_ENDED, "", "%s",
                        "You are signed out: sign in again");
    TRY(err);
    return reply_login(request, reply, &login);
}

static enum err login_delete(struct api_request *request, struct api_reply *reply)
{
    TRY(api_change_begin(request, reply));
    TRY(change_login_end(request->change, &request->actor.token_id, &reply->problem));
    TRY(api_change_commit(request, reply));
    set_cookie(&reply->cookies[0], API_COOKIE_LOGIN, "", 0);
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&request->actor.token_id)));
}

static enum err login_list(struct api_request *request, struct api_reply *reply)
{
    struct store_conn *conn;
    struct store_login_list list;
    TRY(api_reader(request, &conn));
    TRY(store_login_list(conn, &request->actor.scope.user_id, &request->arena, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(
            rows, login_json(&list.rows[i], id_equal(list.rows[i].id, request->actor.token_id)));
    return api_reply_result(reply, rows);
}

static enum err login_end(struct api_request *request, struct api_reply *reply)
{
    struct id id;
    TRY(api_param_id(request, 0, &id));
    TRY(api_change_begin(request, reply));
    TRY(change_login_end(request->change, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&id)));
}

/* ---- invitations */

static enum err find_invitation(struct api_request *request, struct span token,
                                struct digest *digest, struct store_member *out)
{
    struct store_conn *conn;
    struct id id;
    if (token_digest(token, digest->bytes) != ERR_OK)
        return ERR_NOT_FOUND;
    TRY(api_reader(request, &conn));
    TRY(store_invitation_find(conn, digest, clock_wall_us(), &id));
    return store_member_find(conn, &id, &request->arena, out);
}

static json_t *invitation_json(const struct store_member *member)
{
    return json_pack("{s:o, s:o, s:{s:o}, s:s, s:o}", "id", api_json_id(&member->id), "email",
                     api_json_text(member->email), "account", "name",
                     api_json_text(member->account_name), "role", member->role, "expires_on",
                     api_json_time(member->ends_at_us));
}

static enum err invitation_details(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("token", struct login_spec, token, JSON_REQUIRED, TOKEN_TEXT_BYTES),
        JSON_FIELDS_END,
    };
    struct login_spec spec = {.code = SPAN_EMPTY};
    struct digest digest;
    struct store_member member;
    TRY(api_body_decode(request, reply, fields, &spec));
    TRY(find_invitation(request, spec.token, &digest, &member));
    return api_reply_result(reply, invitation_json(&member));
}

/* Whether the invited person can log in already: then it must be his password. */
static enum err is_newcomer(struct api_request *request, struct span email, bool *out)
{
    struct store_conn *conn;
    struct store_user user;
    TRY(api_reader(request, &conn));
    enum err err = store_user_find(conn, email, &request->arena, &user);
    *out = err == ERR_NOT_FOUND;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err invitation_accept(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("token", struct login_spec, token, JSON_REQUIRED, TOKEN_TEXT_BYTES),
        JSON_TEXT("password", struct login_spec, password, JSON_REQUIRED, LIMIT_PASSWORD_BYTES),
        JSON_FIELDS_END,
    };
    struct login_spec spec = {.code = SPAN_EMPTY};
    struct login_found found;
    struct digest digest;
    struct store_member member;
    struct api_password_ask ask = {.newcomer = false};
    bool known;
    TRY(api_body_decode(request, reply, fields, &spec));
    TRY(find_invitation(request, spec.token, &digest, &member));
    TRY(is_newcomer(request, member.email, &ask.newcomer));
    ask.try_ = api_password_try(request, member.email);
    ask.password = spec.password;
    ask.new_password = ask.newcomer ? spec.password : SPAN_EMPTY;
    TRY(change_check_password(spec.password, &reply->problem));
    TRY(api_password_ask(request, reply, &ask, &found, &known));
    if (!known)
        return ERR_OK;
    TRY(api_change_begin(request, reply));
    TRY(change_login_proved(request->change, &ask.try_, &found));
    TRY(change_invitation_accept(request->change, &digest, span_str(request->job->made_hash),
                                 &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, invitation_json(&member));
}

const struct api_route api_login_routes[] = {
    {API_POST, "/login", PERMISSION_PUBLIC, login_create, NULL, true},
    {API_GET, "/login", PERMISSION_CALLER, login_details, NULL, false},
    {API_DELETE, "/login", PERMISSION_CALLER, login_delete, NULL, false},
    {API_GET, "/user/logins", PERMISSION_USER_READ, login_list, NULL, false},
    {API_DELETE, "/user/logins/{login}", PERMISSION_USER_EDIT, login_end, NULL, false},
    {API_POST, "/invitations/details", PERMISSION_PUBLIC, invitation_details, NULL, true},
    {API_POST, "/invitations/accept", PERMISSION_PUBLIC, invitation_accept, NULL, true},
    API_ROUTES_END,
};
