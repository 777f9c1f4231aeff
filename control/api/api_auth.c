/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_auth.c - who asks.
 */
#include "control/api/api_auth.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "control/auth/token.h"
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

static enum err find_token(struct api_request *request, struct span text, struct store_token *out)
{
    struct digest digest;
    TRY(token_digest(text, digest.bytes));
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    enum err err = store_token_find(conn, &digest, &request->arena, out);
    mem_wipe(&digest, sizeof(digest));
    return err == ERR_NOT_FOUND || (err == ERR_OK && out->disabled) ? ERR_UNAUTHENTICATED : err;
}

enum err api_auth_require(struct api_request *request, struct api_reply *reply)
{
    if (!request->authorization.ptr && (request->auth_email.ptr || request->auth_key.ptr))
        return api_fail(reply, API_ERROR_KEY_UNKNOWN, "", "%s",
                        "Unknown X-Auth-Key or X-Auth-Email");
    if (!request->authorization.ptr)
        return api_fail(reply, API_ERROR_CREDENTIALS_MISSING, "", "%s",
                        "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
    struct span text;
    TRY(read_bearer(request, reply, &text));
    struct store_token token;
    TRY(find_token(request, text, &token));
    request->actor = (struct change_actor){
        .scope = {.user_id = token.user_id, .platform_wide = token.user_platform_wide},
        .token_id = token.id,
        .ip = request->remote,
        .request_id = id_span(&request->request_id),
    };
    return ERR_OK;
}
