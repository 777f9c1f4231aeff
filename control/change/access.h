/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - what a caller is to an account or a zone, and so what he may do to it.
 *
 * The facts come from the store (his membership, the zone's account), the decision from
 * control/auth/permission.h.  Asked once by the API before anything else is looked at, and again by
 * every change within its transaction: a right that was taken away meanwhile is gone.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_ACCESS_H
#define TRUNKLINE_CONTROL_CHANGE_ACCESS_H

#include "control/auth/permission.h"
#include "control/change/change.h"

/* An account, or one of its zones; a zone alone has its account looked up. */
struct access_object {
    struct id account_id, zone_id;
};

/* ERR_OK; ERR_NOT_FOUND when the object is not there for the caller: the same steps are taken then
 * as for one that is not there at all; ERR_FORBIDDEN when he sees it and may not do that. */
MUST_USE enum err access_check(struct store_conn *conn, const struct change_actor *actor,
                               enum permission permission, const struct access_object *object);

/* The same for what has no account: the caller's own, and the platform. */
MUST_USE enum err access_check_own(const struct change_actor *actor, enum permission permission);

/* Says in the audit that the caller was refused: what is method and pattern of the route. */
MUST_USE enum err change_refused(const struct change_door *door, const struct change_actor *actor,
                                 const struct access_object *object, struct span what);

/* What lists show to a token with these policies. */
const struct store_reach *access_reach(const struct policies *policies, enum permission permission,
                                       struct arena *arena);

#endif
