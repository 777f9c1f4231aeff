/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_password.c - a password that came with a request, checked without holding a thread.
 */
#include "control/api/api_password.h"

#include "control/api/api_auth.h"
#include "control/auth/token.h"
#include "control/store/store_users.h"

struct login_try api_password_try(struct api_request *request, struct span email)
{
    struct span device;
    struct login_try out = {.email = arena_copy_lower(&request->arena, email),
                            .ip = request->remote};
    out.device_given = api_auth_cookie(request, API_COOKIE_DEVICE, &device) &&
                       token_digest(device, out.device.bytes) == ERR_OK;
    return out;
}

enum err api_password_own_try(struct api_request *request, struct login_try *out)
{
    struct store_conn *conn;
    struct store_user user;
    TRY(api_reader(request, &conn));
    TRY(store_user_get(conn, &request->actor.scope.user_id, &request->arena, &user));
    *out = api_password_try(request, user.email);
    return ERR_OK;
}

static enum err begin(struct api_request *request, struct api_reply *reply,
                      const struct api_password_ask *ask)
{
    struct login_found found;
    /* The store's reader would be held over the write. */
    store_read_end(&request->reader);
    enum err err = change_login_try(request->api->door, &ask->try_, &found);
    if (err == ERR_LIMIT) {
        reply->retry_after_s = found.wait_s;
        return api_fail(reply, API_ERROR_LOGIN_WAIT, "", "Too many tries. Wait %llu seconds.",
                        (unsigned long long)found.wait_s);
    }
    TRY(err);
    struct password_job *job = password_job_new(ask->password, ask->new_password);
    if (!ask->newcomer)
        memcpy(job->known_hash, found.password_hash, sizeof(job->known_hash));
    job->reserved = found.known_device;
    reply->job = job;
    return ERR_OK;
}

enum err api_password_refuse(struct api_request *request, struct api_reply *reply,
                             const struct login_try *try_, const struct login_found *found)
{
    uint64_t revision;
    change_abandon(&request->change);
    store_read_end(&request->reader);
    TRY(change_begin(request->api->door, &request->actor, &request->change));
    TRY(change_login_refuse(request->change, try_, found));
    TRY(change_commit(&request->change, &revision, &reply->problem));
    return api_fail(reply, API_ERROR_LOGIN_WRONG, "", "%s", "E-mail or password is not right.");
}

enum err api_password_ask(struct api_request *request, struct api_reply *reply,
                          const struct api_password_ask *ask, struct login_found *found,
                          bool *known)
{
    const struct password_job *job = request->job;
    *known = job != NULL;
    if (ask->password.len > LIMIT_PASSWORD_BYTES || ask->new_password.len > LIMIT_PASSWORD_BYTES)
        return api_fail(reply, API_ERROR_FIELD, "password", "at most %d bytes",
                        LIMIT_PASSWORD_BYTES);
    if (!job)
        return begin(request, reply, ask);
    if (job->result != ERR_OK && job->result != ERR_UNAUTHENTICATED)
        return job->result;
    store_read_end(&request->reader);
    TRY(change_login_find(request->api->door, &ask->try_, found));
    bool right = job->result == ERR_OK;
    if (!ask->newcomer)
        right = right && found->user_id.text[0] != '\0' &&
                strcmp(job->known_hash, found->password_hash) == 0;
    return right ? ERR_OK : api_password_refuse(request, reply, &ask->try_, found);
}
