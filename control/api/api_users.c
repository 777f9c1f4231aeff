/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_users.c - /user: who asks, and what he proves himself with.
 */
#include "common/base/mem.h"
#include "control/api/api_body.h"
#include "control/api/api_password.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/change/change_user.h"
#include "control/store/store_factors.h"
#include "control/store/store_users.h"

static json_t *null_or_text(struct span text)
{
    return text.len > 0 ? api_json_text(text) : json_null();
}

static enum err reply_user(struct api_request *request, struct api_reply *reply)
{
    struct store_conn *conn;
    struct store_user user;
    TRY(api_reader(request, &conn));
    TRY(store_user_get(conn, &request->actor.scope.user_id, &request->arena, &user));
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", api_json_id(&user.id), "email",
                  api_json_text(user.email), "username", api_json_text(user.email), "first_name",
                  null_or_text(user.first_name), "last_name", null_or_text(user.last_name),
                  "telephone", null_or_text(user.telephone), "country", null_or_text(user.country),
                  "zipcode", null_or_text(user.zipcode));
    json_t *rest = json_pack(
        "{s:b, s:b, s:b, s:b, s:b, s:b, s:[], s:[], s:o, s:o}", "two_factor_authentication_enabled",
        user.second_factor, "two_factor_authentication_locked", 0, "suspended", 0, "has_pro_zones",
        0, "has_business_zones", 0, "has_enterprise_zones", 0, "betas", "organizations",
        "created_on", api_json_time(user.created_at_us), "modified_on",
        api_json_time(user.modified_at_us ? user.modified_at_us : user.created_at_us));
    ASSERT(json && rest && json_object_update(json, rest) == 0);
    json_decref(rest);
    (void)json_object_set_new(json, "trunkline",
                              json_pack("{s:b}", "operator", user.platform_wide));
    return api_reply_result(reply, json);
}

static enum err user_edit(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT_GIVEN("first_name", struct change_user_edit, first_name, first_name_given,
                        CHANGE_PERSON_BYTES_MAX),
        JSON_TEXT_GIVEN("last_name", struct change_user_edit, last_name, last_name_given,
                        CHANGE_PERSON_BYTES_MAX),
        JSON_TEXT_GIVEN("telephone", struct change_user_edit, telephone, telephone_given, 20),
        JSON_TEXT_GIVEN("country", struct change_user_edit, country, country_given, 30),
        JSON_TEXT_GIVEN("zipcode", struct change_user_edit, zipcode, zipcode_given, 20),
        JSON_FIELDS_END,
    };
    struct change_user_edit edit = {.first_name_given = false};
    TRY(api_body_decode(request, reply, fields, &edit));
    TRY(api_change_begin(request, reply));
    TRY(change_user_edit(request->change, &edit, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_user(request, reply);
}

struct proof_spec {
    struct span password, old_password, new_password, code;
};

/* Decodes, and has the caller's own password checked. */
static enum err prove(struct api_request *request, struct api_reply *reply, struct proof_spec *spec,
                      struct login_found *found, bool *known)
{
    static const struct json_field fields[] = {
        JSON_TEXT("password", struct proof_spec, password, JSON_OPTIONAL, LIMIT_PASSWORD_BYTES),
        JSON_TEXT("old_password", struct proof_spec, old_password, JSON_OPTIONAL,
                  LIMIT_PASSWORD_BYTES),
        JSON_TEXT("new_password", struct proof_spec, new_password, JSON_OPTIONAL,
                  LIMIT_PASSWORD_BYTES),
        JSON_TEXT("code", struct proof_spec, code, JSON_OPTIONAL, 32),
        JSON_FIELDS_END,
    };
    struct api_password_ask ask = {.newcomer = false};
    TRY(api_body_decode(request, reply, fields, spec));
    ask.password = spec->old_password.len > 0 ? spec->old_password : spec->password;
    ask.new_password = spec->new_password;
    /* Nothing was tried when nothing was said. */
    if (ask.password.len == 0)
        return api_fail(reply, API_ERROR_FIELD, "password", "%s", "is missing");
    if (ask.new_password.len > 0)
        TRY(change_check_password(ask.new_password, &reply->problem));
    TRY(api_password_own_try(request, &ask.try_));
    TRY(api_password_ask(request, reply, &ask, found, known));
    if (!*known)
        return ERR_OK;
    TRY(api_change_begin(request, reply));
    return change_login_proved(request->change, &ask.try_, found);
}

static enum err password_edit(struct api_request *request, struct api_reply *reply)
{
    struct proof_spec spec = {.code = SPAN_EMPTY};
    struct login_found found;
    bool known;
    TRY(prove(request, reply, &spec, &found, &known));
    if (!known)
        return ERR_OK;
    if (spec.new_password.len == 0)
        return api_fail(reply, API_ERROR_FIELD, "new_password", "%s", "is missing");
    TRY(change_password_set(request->change, &found.user_id, span_str(request->job->made_hash),
                            &request->actor.token_id));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&found.user_id)));
}

static enum err reply_key(struct api_reply *reply, const char *key)
{
    reply->secret = true;
    return api_reply_result(reply, json_pack("{s:s}", "api_key", key));
}

static enum err roll_key(struct api_request *request, struct api_reply *reply,
                         const struct id *user_id)
{
    char key[CHANGE_KEY_CHARACTERS + 1];
    TRY(change_key_roll(request->change, user_id, key));
    TRY(api_change_commit(request, reply));
    (void)reply_key(reply, key);
    mem_wipe(key, sizeof(key));
    return ERR_OK;
}

static enum err key_view(struct api_request *request, struct api_reply *reply)
{
    struct proof_spec spec = {.code = SPAN_EMPTY};
    struct login_found found;
    struct store_conn *conn;
    struct buf key;
    bool known;
    TRY(prove(request, reply, &spec, &found, &known));
    if (!known)
        return ERR_OK;
    TRY(api_reader(request, &conn));
    buf_init(&key, 2 * CHANGE_KEY_CHARACTERS);
    enum err err = store_key_open(conn, &found.user_id, &key);
    if (err == ERR_NOT_FOUND) {
        err = roll_key(request, reply, &found.user_id);
    } else if (err == ERR_OK) {
        err = change_key_viewed(request->change, &found.user_id);
        if (err == ERR_OK)
            err = api_change_commit(request, reply);
        if (err == ERR_OK)
            (void)reply_key(reply, buf_cstr(&key));
        mem_wipe(key.ptr, key.len);
    }
    buf_release(&key);
    return err;
}

static enum err key_roll(struct api_request *request, struct api_reply *reply)
{
    struct proof_spec spec = {.code = SPAN_EMPTY};
    struct login_found found;
    bool known;
    TRY(prove(request, reply, &spec, &found, &known));
    return known ? roll_key(request, reply, &found.user_id) : ERR_OK;
}

/* ---- the second factor */

static enum err factor_begin(struct api_request *request, struct api_reply *reply)
{
    struct proof_spec spec = {.code = SPAN_EMPTY};
    struct login_found found;
    struct login_try own;
    uint8_t secret[TOTP_SECRET_BYTES];
    char text[TOTP_SECRET_TEXT_BYTES + 1], url[512];
    bool known;
    TRY(prove(request, reply, &spec, &found, &known));
    if (!known)
        return ERR_OK;
    TRY(change_factor_begin(request->change, secret, &reply->problem));
    TRY(api_change_commit(request, reply));
    TRY(api_password_own_try(request, &own));
    reply->secret = true;
    totp_text(span_of(secret, sizeof(secret)), text);
    (void)snprintf(url, sizeof(url),
                   "otpauth://totp/Trunkline:%.*s?secret=%s&issuer=Trunkline&digits=6&period=30",
                   SPAN_ARG(own.email), text);
    enum err err =
        api_reply_result(reply, json_pack("{s:s, s:s}", "secret", text, "otpauth_url", url));
    mem_wipe(secret, sizeof(secret));
    mem_wipe(text, sizeof(text));
    mem_wipe(url, sizeof(url));
    return err;
}

static enum err factor_confirm(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("code", struct proof_spec, code, JSON_REQUIRED, 32),
        JSON_FIELDS_END,
    };
    struct proof_spec spec = {.code = SPAN_EMPTY};
    struct change_recovery_codes codes;
    TRY(api_body_decode(request, reply, fields, &spec));
    TRY(api_change_begin(request, reply));
    TRY(change_factor_confirm(request->change, spec.code, &codes, &reply->problem));
    TRY(api_change_commit(request, reply));
    json_t *list = json_array();
    for (size_t i = 0; i < CHANGE_RECOVERY_CODES; i++)
        json_array_append_new(list, json_string(codes.texts[i]));
    mem_wipe(&codes, sizeof(codes));
    reply->secret = true;
    return api_reply_result(reply, json_pack("{s:o}", "recovery_codes", list));
}

static enum err factor_remove(struct api_request *request, struct api_reply *reply)
{
    struct proof_spec spec = {.code = SPAN_EMPTY};
    struct login_found found;
    bool known;
    TRY(prove(request, reply, &spec, &found, &known));
    if (!known)
        return ERR_OK;
    enum err err = change_factor_use(request->change, &found.user_id, spec.code);
    if (err == ERR_UNAUTHENTICATED)
        return api_fail(reply, API_ERROR_LOGIN_FACTOR, "", "%s",
                        "A code of the second factor is needed");
    TRY(err);
    TRY(change_factor_remove(request->change, &found.user_id));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&found.user_id)));
}

const struct api_route api_users_routes[] = {
    {API_GET, "/user", PERMISSION_USER_READ, reply_user, NULL, false},
    {API_PATCH, "/user", PERMISSION_USER_EDIT, user_edit, NULL, true},
    {API_POST, "/user/password", PERMISSION_USER_EDIT, password_edit, NULL, true},
    {API_POST, "/user/api_key", PERMISSION_USER_EDIT, key_view, NULL, true},
    {API_PUT, "/user/api_key", PERMISSION_USER_EDIT, key_roll, NULL, true},
    {API_POST, "/user/second_factor", PERMISSION_USER_EDIT, factor_begin, NULL, true},
    {API_PUT, "/user/second_factor", PERMISSION_USER_EDIT, factor_confirm, NULL, true},
    {API_POST, "/user/second_factor/remove", PERMISSION_USER_EDIT, factor_remove, NULL, true},
    API_ROUTES_END,
};
