/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_apply.h - the steps of one revision from control's feed to the workers.
 *
 *      IDLE --BEGIN--> RECEIVING --COMMIT--> TELLING --all workers answered--> IDLE
 *                      | DOCUMENT, CERTIFICATE, TOMBSTONE:         |
 *                      |   decode -> check -> store                ack
 *                      |   a bad one: nack, its zone stays as it was, the others go on
 *
 * Who tells the workers and who talks to control is given as functions (upward calls), so that the
 * steps are tested without either.
 *
 * Ownership: borrows the replica through *replica, which may be replaced between two messages.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_APPLY_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_APPLY_H

#include "dataplane/supervisor/crash_guard.h"

struct replica_apply_events {
    /* Has every worker forget these zones; replica_apply_told follows, later or at once. */
    void (*tell)(void *owner, uint64_t revision, const struct replica_changes *changes);
    /* An ACK or a NACK for control. */
    void (*answer)(void *owner, const struct message *message);
};

enum replica_apply_state { APPLY_IDLE, APPLY_RECEIVING, APPLY_TELLING };

struct replica_apply {
    struct replica **replica;
    const struct replica_apply_events *events;
    void *owner;
    enum replica_apply_state state;
    struct message_begin begun;
    uint64_t zone_count; /* of this revision, the refused ones too */
    uint64_t commit_read_at_us;
    bool link_lost; /* while telling: nobody waits for the ack */
    struct crash_guard guard;
    bool convicted; /* zones wait to be set aside */
};

void replica_apply_init(struct replica_apply *apply, struct replica **replica,
                        const struct replica_apply_events *events, void *owner);

void replica_apply_release(struct replica_apply *apply);

/* One message of the feed.  Not OK: the feed is lost (what came since BEGIN is rolled back) and the
 * link must begin anew; the problem says why.  A bad zone is not that: it is nacked. */
MUST_USE enum err replica_apply_message(struct replica_apply *apply, const struct message *message,
                                        struct problem *problem);
/* Every worker that lives has answered. */
void replica_apply_told(struct replica_apply *apply, uint32_t workers_applied, uint32_t workers);
/* A worker crashed.  Twice soon after a change, the zones changed then get their former documents
 * back, now or when the revision that is coming in is over: nack, and tell with the old revision.
 */
void replica_apply_worker_crashed(struct replica_apply *apply);
/* The link is gone: what came since BEGIN is rolled back. */
void replica_apply_reset(struct replica_apply *apply);

#endif
