/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_permit.c - may the caller do what the route is for?
 */
#include "control/api/api_permit.h"

#include "control/change/access.h"

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

enum err api_permit(struct api_request *request, struct api_reply *reply)
{
    struct access_object object;
    struct id *slot;
    struct store_conn *conn;
    (void)reply;
    if (request->route->permission == PERMISSION_PUBLIC)
        return ERR_OK;
    const struct permission_row *row = permission_row(request->route->permission);
    bool named = path_object(request, &slot, &object);
    if (!named && row->object != PERMISSION_OF_ACCOUNT && row->object != PERMISSION_OF_ZONE)
        return access_check_own(&request->actor, request->route->permission);
    if (!named) {
        if (request->actor.policies)
            request->actor.scope.reach =
                access_reach(request->actor.policies, request->route->permission, &request->arena);
        return ERR_OK;
    }
    TRY(api_param_id(request, 0, slot));
    TRY(api_reader(request, &conn));
    return access_check(conn, &request->actor, request->route->permission, &object);
}
