/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_idempotency.c - a key and a request as digests, and what becomes of them.
 */
#include "control/api/api_idempotency.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "control/change/change_idempotency.h"

/* Not where bodies have passwords: their digest would be a password's fast hash. */
static bool is_asked(const struct api_request *request)
{
    return request->idempotency_key.ptr && request->route->method == API_POST &&
           request->route->permission != PERMISSION_PUBLIC &&
           request->route->permission != PERMISSION_USER_EDIT;
}

static enum err check_key(const struct api_request *request, struct api_reply *reply)
{
    struct span key = request->idempotency_key;
    bool visible = key.len > 0 && key.len <= LIMIT_API_IDEMPOTENCY_KEY_BYTES;
    for (size_t i = 0; visible && i < key.len; i++)
        visible = key.ptr[i] > 0x20 && key.ptr[i] < 0x7f;
    if (visible)
        return ERR_OK;
    return api_fail(reply, API_ERROR_HEADER_MALFORMED, "", "Idempotency-Key: 1 to %d visible ASCII",
                    LIMIT_API_IDEMPOTENCY_KEY_BYTES);
}

/* The digest of what is joined with bytes that no part has. */
static struct digest digest_parts(const struct span *parts, size_t count)
{
    struct digest out = {{0}};
    for (size_t i = 0; i < count; i++) {
        struct digest part = digest_of(parts[i]);
        out = digest_chain(&out, &part);
    }
    return out;
}

static void fill_row(const struct api_request *request, struct store_idempotency *row)
{
    const struct id *token = &request->actor.token_id;
    const struct span who[] = {
        token->text[0] ? id_span(token) : id_span(&request->actor.scope.user_id),
        request->idempotency_key,
    };
    const struct span what[] = {request->target, request->body};
    row->key = digest_parts(who, countof(who));
    row->request = digest_parts(what, countof(what));
}

static enum err replay(const struct store_idempotency *known, struct api_reply *reply)
{
    reply->status = (int)known->status;
    reply->revision = known->revision;
    reply->replayed = true;
    buf_append(&reply->body, known->body);
    return ERR_OK;
}

enum err api_idempotency_begin(struct api_request *request, struct api_reply *reply)
{
    struct store_idempotency asked, known;
    struct store_conn *conn;
    if (!is_asked(request))
        return ERR_OK;
    TRY(check_key(request, reply));
    fill_row(request, &asked);
    TRY(api_reader(request, &conn));
    enum err err =
        store_idempotency_find(conn, &asked.key, clock_wall_us(), &request->arena, &known);
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    if (!digest_equal(&asked.request, &known.request))
        return api_fail(reply, API_ERROR_KEY_REUSED, "", "%s",
                        "The Idempotency-Key was used for another request");
    if (!known.answered)
        return api_fail(reply, API_ERROR_CONFLICT, "", "%s",
                        "The request with this Idempotency-Key was carried out, but its answer is "
                        "not there (yet): look at what it changed");
    return replay(&known, reply);
}

enum err api_idempotency_claim(struct api_request *request, struct api_reply *reply)
{
    struct store_idempotency row = {.answered = false};
    if (!is_asked(request))
        return ERR_OK;
    fill_row(request, &row);
    enum err err = change_idempotency_claim(request->change, &row);
    if (err == ERR_EXISTS)
        return api_fail(reply, API_ERROR_CONFLICT, "", "%s",
                        "Another request with this Idempotency-Key is being carried out");
    request->key_claimed = err == ERR_OK;
    return err;
}

void api_idempotency_keep(struct api_request *request, const struct api_reply *reply)
{
    struct store_idempotency row = {
        .status = (uint64_t)reply->status,
        .revision = reply->revision,
        .body = buf_span(&reply->body),
    };
    if (!request->key_claimed || request->change || reply->status >= 300 || reply->secret)
        return;
    fill_row(request, &row);
    /* Who waits for the writer holds no reader. */
    store_read_end(&request->reader);
    /* The change stands; without its answer the key says so. */
    enum err err = change_idempotency_answer(request->api->door, &row);
    if (err != ERR_OK)
        log_warn("idempotent_answer_lost", F_ERR(err),
                 F_SPAN("request_id", id_span(&request->request_id)));
}
