/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.h - the one door through which anything in the store changes.
 *
 * A change is one transaction: rows, their audit entries, the new document of every zone it
 * touched, and last the revision.  Operations (change_<noun>.h) check permission and validity,
 * write rows and leave an audit entry; change_commit encodes and checks the documents, takes the
 * revision, commits, and wakes the publisher.  A change without an audit entry is refused.
 *
 *      change_begin --> change_zone_create, change_record_put ... --> change_commit
 *                                    '--- an error ---------------> change_abandon
 *
 * Errors of operations, for the API: ERR_NOT_FOUND (not there, or not visible to the actor),
 * ERR_FORBIDDEN (role or plan), ERR_INVALID (problem.path names the member), ERR_EXISTS (the same
 * zone name or an identical record), ERR_CONFLICT (another object excludes it), ERR_LIMIT,
 * ERR_ORIGIN_ADDRESS (record content that policy forbids).  After an error: abandon.
 *
 * Ownership: change_begin gives a change; change_commit and change_abandon take it and leave NULL.
 *            The door is the caller's and outlives its changes.
 * Threads:   any; a change holds the store's one write place, so decode and read bodies before.
 * Limits:    CHANGE_ZONES_MAX zones in one change.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_H

#include "common/model/address_policy.h"
#include "control/auth/policy.h"
#include "control/store/store.h"

#define CHANGE_ZONES_MAX 64

/* Called after a commit with its revision, in the thread of the change. */
typedef void change_revision_fn(void *owner, uint64_t revision);

/* Filled once before the first change; read-only afterwards. */
struct change_door {
    struct store *store;
    struct address_policy addresses;
    struct span name_servers;        /* "a.example,b.example": what new zones are told */
    change_revision_fn *on_revision; /* may be NULL */
    void *on_revision_owner;
};

struct change_actor {
    struct store_scope scope;
    struct id token_id;              /* of the token, the login or the key that he came with */
    const struct policies *policies; /* of a limited token; NULL: all that the user may */
    struct span ip, request_id;      /* borrowed until the change ends */
};

struct change;

MUST_USE enum err change_begin(const struct change_door *door, const struct change_actor *actor,
                               struct change **out);
/* *revision_out is 0 when no zone changed.  Takes the change, also when it fails. */
MUST_USE enum err change_commit(struct change **change, uint64_t *revision_out,
                                struct problem *problem);
/* Undoes everything; NULL is fine. */
void change_abandon(struct change **change);

#endif
