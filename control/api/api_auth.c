/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_auth.c - who asks: a token, a global key, or a login's cookie, in this order.
 */
#include "control/api/api_auth.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "control/api/api_body.h"
#include "control/api/api_uses.h"
#include "control/auth/token.h"
#include "control/change/change_user.h"
#include "control/change/token_policy.h"
#include "control/store/store_factors.h"
#include "control/store/store_tokens.h"

#define AUTHORIZATION_BYTES_MAX 512

/* RFC 6750 2.1: b64token. */
static bool is_bearer_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text_is_tchar(text.ptr[i]) && text.ptr[i] != '/' && text.ptr[i] != '=')
            return false;
    return text.len > 0;
}

static enum err read_bearer(struct api_request *request, struct api_reply *reply, struct span *out)
{
    struct span rest = span_trim(request->authorization);
    struct span scheme = span_split(&rest, ' ');
    *out = span_trim(rest);
    if (request->authorization.len <= AUTHORIZATION_BYTES_MAX &&
        span_equal_nocase(scheme, SPAN("Bearer")) && is_bearer_text(*out))
        return ERR_OK;
    return api_fail(reply, API_ERROR_HEADER_MALFORMED, "", "%s",
                    "Invalid format for Authorization header");
}

static void set_actor(struct api_request *request, const struct id *user_id,
                      const struct id *credential_id)
{
    request->actor = (struct change_actor){
        .scope = {.user_id = *user_id},
        .token_id = *credential_id,
        .ip = request->remote,
        .request_id = id_span(&request->request_id),
    };
}

void api_auth_nobody(struct api_request *request)
{
    const struct id nobody = {{0}};
    set_actor(request, &nobody, &nobody);
}

/* Whether the token may be used now and from there. */
static enum err check_token(struct api_request *request, const struct store_token *token)
{
    bool from_there = true;
    uint64_t now_us = clock_wall_us();
    if (token->disabled || now_us < token->not_before_us ||
        (token->ends_at_us != 0 && now_us >= token->ends_at_us))
        return ERR_UNAUTHENTICATED;
    TRY(token_condition_check(token->condition, request->remote, &from_there));
    return from_there ? ERR_OK : ERR_UNAUTHENTICATED;
}

static enum err use_token(struct api_request *request, struct span text)
{
    struct digest digest;
    struct store_conn *conn;
    struct store_token token;
    TRY(token_digest(text, digest.bytes));
    TRY(api_reader(request, &conn));
    enum err err = store_token_find(conn, &digest, &request->arena, &token);
    mem_wipe(&digest, sizeof(digest));
    if (err == ERR_NOT_FOUND)
        err = ERR_UNAUTHENTICATED;
    TRY(err);
    TRY(check_token(request, &token));
    set_actor(request, &token.user_id, &token.id);
    request->actor.scope.platform_wide = token.user_platform_wide;
    request->actor.scope.zones_limited = token.user_zones_limited;
    api_uses_note(request->api->uses, &token.id, token.used_at_us);
    return token_policies_load(token.policies, &request->arena, &request->actor.policies);
}

static bool is_key_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text_is_digit(text.ptr[i]) && (text.ptr[i] < 'a' || text.ptr[i] > 'f'))
            return false;
    return text.len == CHANGE_KEY_CHARACTERS;
}

static enum err use_key(struct api_request *request, struct api_reply *reply)
{
    struct problem unasked = {.code = ERR_OK};
    struct store_conn *conn;
    struct store_key key;
    if (!is_key_text(request->auth_key))
        return api_fail(reply, API_ERROR_KEY_MALFORMED, "", "%s",
                        "Invalid format for X-Auth-Key header");
    if (change_check_email(request->auth_email, &unasked) != ERR_OK)
        return api_fail(reply, API_ERROR_EMAIL_MALFORMED, "", "%s",
                        "Invalid format for X-Auth-Email header");
    TRY(api_reader(request, &conn));
    const struct digest digest = digest_of(request->auth_key);
    enum err err = store_key_find(conn, &digest, &request->arena, &key);
    if (err == ERR_NOT_FOUND ||
        (err == ERR_OK && !span_equal_nocase(key.user_email, request->auth_email)))
        return api_fail(reply, API_ERROR_KEY_UNKNOWN, "", "%s",
                        "Unknown X-Auth-Key or X-Auth-Email");
    TRY(err);
    set_actor(request, &key.user_id, &key.id);
    request->actor.scope.platform_wide = key.user_platform_wide;
    request->actor.scope.zones_limited = key.user_zones_limited;
    return ERR_OK;
}

bool api_auth_cookie(const struct api_request *request, const char *name, struct span *out)
{
    struct span rest = request->cookie;
    while (rest.len > 0) {
        struct span value = span_trim(span_split(&rest, ';'));
        struct span key = span_split(&value, '=');
        if (request->api->secure) {
            if (!span_starts_with(key, SPAN(API_COOKIE_PREFIX)))
                continue;
            key = span_skip(key, sizeof(API_COOKIE_PREFIX) - 1);
        }
        *out = value;
        if (span_equal(key, span_str(name)))
            return true;
    }
    return false;
}

enum err api_auth_login(struct api_request *request, struct store_login *out)
{
    struct span text;
    struct digest digest;
    struct store_conn *conn;
    uint64_t now_us = clock_wall_us();
    if (!api_auth_cookie(request, API_COOKIE_LOGIN, &text) ||
        token_digest(text, digest.bytes) != ERR_OK)
        return ERR_NOT_FOUND;
    TRY(api_reader(request, &conn));
    TRY(store_login_find(conn, &digest, &request->arena, out));
    bool ended = now_us > out->created_at_us + LIMIT_LOGIN_S * UINT64_C(1000000) ||
                 now_us > out->seen_at_us + LIMIT_LOGIN_IDLE_S * UINT64_C(1000000);
    return ended ? ERR_NOT_FOUND : ERR_OK;
}

bool api_auth_same_site(const struct api_request *request, bool headers_needed)
{
    struct span site = request->fetch_site;
    if (site.ptr)
        return span_equal(site, SPAN("same-origin")) || span_equal(site, SPAN("none"));
    if (request->origin.ptr)
        return span_equal_nocase(request->origin, request->api->public_origin);
    return !headers_needed;
}

static bool is_safe(const struct api_request *request)
{
    return request->route->method == API_GET;
}

static bool has_body(const struct api_request *request)
{
    return request->route->takes_json || request->body.len > 0;
}

/* What is asked for again when the password was given long ago: who may do what, where requests go,
 * and what cannot be taken back. */
static bool needs_fresh(const struct api_route *route)
{
    switch ((unsigned)route->permission) {
    case PERMISSION_CALLER:
        return false;
    case PERMISSION_USER_TOKEN_EDIT:
    case PERMISSION_ACCOUNT_TOKEN_EDIT:
    case PERMISSION_ACCOUNT_EDIT:
    case PERMISSION_ACCOUNT_CLOSE:
    case PERMISSION_RECORD_EDIT:
        return true;
    default:
        return route->method == API_DELETE;
    }
}

static enum err use_login(struct api_request *request, struct api_reply *reply)
{
    struct store_login login;
    enum err err = api_auth_login(request, &login);
    if (err == ERR_NOT_FOUND)
        return api_fail(reply, API_ERROR_LOGIN_ENDED, "", "%s",
                        "You are signed out: sign in again");
    TRY(err);
    if (!is_safe(request) &&
        (!api_auth_same_site(request, true) ||
         !span_equal(request->requested_by, SPAN("console")) ||
         (has_body(request) && (!request->content_type.ptr || !api_body_is_json(request)))))
        return api_fail(reply, API_ERROR_LOGIN_FOREIGN, "", "%s",
                        "A change that comes with a cookie must come from the dashboard");
    uint64_t stale_at_us = login.proved_at_us + LIMIT_LOGIN_FRESH_S * UINT64_C(1000000);
    if (!is_safe(request) && needs_fresh(request->route) && clock_wall_us() > stale_at_us)
        return api_fail(reply, API_ERROR_LOGIN_STALE, "", "%s",
                        "Sign in again: the password was last given more than 15 minutes ago");
    set_actor(request, &login.user_id, &login.id);
    request->by_login = true;
    request->actor.scope.platform_wide = login.user_platform_wide;
    request->actor.scope.zones_limited = login.user_zones_limited;
    api_uses_note(request->api->uses, &login.id, login.seen_at_us);
    return ERR_OK;
}

enum err api_auth_require(struct api_request *request, struct api_reply *reply)
{
    struct span text;
    if (request->authorization.ptr) {
        TRY(read_bearer(request, reply, &text));
        return use_token(request, text);
    }
    if (request->auth_email.ptr && request->auth_key.ptr)
        return use_key(request, reply);
    if (!request->auth_email.ptr && !request->auth_key.ptr &&
        api_auth_cookie(request, API_COOKIE_LOGIN, &text))
        return use_login(request, reply);
    return api_fail(reply, API_ERROR_CREDENTIALS_MISSING, "", "%s",
                    "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
}
