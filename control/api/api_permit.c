/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_permit.c - may the caller do what the route is for?
 */
#include "control/api/api_permit.h"

#include <stdio.h>

#include "common/base/log.h"

/* What the path names first; false when it is neither a zone nor an account. */
static bool path_object(const struct api_request *request, struct id **slot,
                        struct access_object *out)
{
    struct span pattern = span_str(request->route->pattern);
    *out = (struct access_object){{{0}}, {{0}}};
    *slot = span_starts_with(pattern, SPAN("/zones/{zone}"))         ? &out->zone_id
            : span_starts_with(pattern, SPAN("/accounts/{account}")) ? &out->account_id
                                                                     : NULL;
    return *slot != NULL;
}

static enum err decide(struct api_request *request, struct access_object *object)
{
    struct id *slot;
    struct store_conn *conn;
    const enum permission permission = request->route->permission;
    const enum permission_object about = permission_row(permission)->object;
    bool named = path_object(request, &slot, object);
    if (!named && about != PERMISSION_OF_ACCOUNT && about != PERMISSION_OF_ZONE)
        return access_check_own(&request->actor, permission);
    if (!named) {
        if (request->actor.policies && !policies_mention(request->actor.policies, permission))
            return ERR_FORBIDDEN;
        if (request->actor.policies)
            request->actor.scope.reach =
                access_reach(request->actor.policies, permission, &request->arena);
        return ERR_OK;
    }
    TRY(api_param_id(request, 0, slot));
    TRY(api_reader(request, &conn));
    return access_check(conn, &request->actor, permission, object);
}

/* Who tried to change what he may not is in the audit, as if he had. */
static void note_refusal(struct api_request *request, const struct access_object *object)
{
    char what[256];
    if (request->route->method == API_GET)
        return;
    (void)snprintf(what, sizeof(what), "%s %s", api_method_name(request->route->method),
                   request->route->pattern);
    store_read_end(&request->reader);
    enum err err = change_refused(request->api->door, &request->actor, object, span_str(what));
    if (err != ERR_OK)
        log_warn("refusal_not_audited", F_ERR(err));
}

static enum err settle(struct api_request *request, struct api_reply *reply,
                       const struct access_object *object, enum err err)
{
    /* Whatever these mean to the route's own steps. */
    if (err == ERR_NOT_FOUND)
        reply->error = API_ERROR_NO_OBJECT;
    if (err == ERR_FORBIDDEN)
        reply->error = API_ERROR_NOT_ALLOWED;
    if (err == ERR_FORBIDDEN)
        note_refusal(request, object);
    return err;
}

enum err api_permit_object(struct api_request *request, struct api_reply *reply,
                           const struct access_object *object)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    return settle(request, reply, object,
                  access_check(conn, &request->actor, request->route->permission, object));
}

enum err api_permit(struct api_request *request, struct api_reply *reply)
{
    struct access_object object;
    if (request->route->permission == PERMISSION_PUBLIC)
        return ERR_OK;
    return settle(request, reply, &object, decide(request, &object));
}
