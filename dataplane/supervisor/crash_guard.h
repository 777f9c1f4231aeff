/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_guard.h - which zones changed right before workers crashed, and what they had before.
 *
 *      a new document --note--> [noted] --committed--> [suspect] --crashed, crashed--> [convicted]
 *                                  | dropped               | LIMIT_CRASH_WINDOW_MS        | taken
 *                                  v                       v                              v
 *                                nothing               forgotten                 the former
 * document
 *
 * Two workers that crash within the window of one change are no coincidence; whose change it was is
 * not known, so that all zones of that window go back.  A document that somebody crashed of does
 * not become the former one of the next.
 *
 * Ownership: keeps copies of former documents.
 * Limits:    LIMIT_CRASH_SUSPECTS, LIMIT_CRASH_SUSPECT_BYTES: past them the oldest are trusted.
 *            A full copy is not guarded.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_CRASH_GUARD_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_CRASH_GUARD_H

#include "common/base/list.h"
#include "dataplane/supervisor/replica.h"

struct crash_suspect {
    struct list_node node;
    struct id zone_id;
    uint64_t revision; /* of the document under suspicion */
    uint64_t committed_at_ms;
    bool committed;
    unsigned crash_count;
    uint64_t former_revision;
    struct buf former; /* empty: the zone was new */
};

struct crash_guard {
    struct list suspects; /* oldest change first */
    size_t held_bytes;
};

void crash_guard_init(struct crash_guard *guard);
void crash_guard_release(struct crash_guard *guard);

/* Inside a revision's transaction, before the zone's document is replaced. */
MUST_USE enum err crash_guard_note(struct crash_guard *guard, struct replica *replica,
                                   const struct id *zone_id, uint64_t revision);
/* Inside a revision's transaction: forgets suspects whose window is over, and the certificates that
 * only their former documents named. */
MUST_USE enum err crash_guard_expire(struct crash_guard *guard, struct replica *replica,
                                     uint64_t now_ms);
/* The zone was deleted. */
void crash_guard_forget(struct crash_guard *guard, const struct id *zone_id);
void crash_guard_committed(struct crash_guard *guard, uint64_t now_ms);
/* What was noted since the last commit did not happen. */
void crash_guard_dropped(struct crash_guard *guard);
/* Whether somebody is convicted now. */
bool crash_guard_crashed(struct crash_guard *guard, uint64_t now_ms);

/* A convict, the caller's to free with crash_suspect_free; NULL: no more. */
struct crash_suspect *crash_guard_take(struct crash_guard *guard);
void crash_suspect_free(struct crash_suspect **suspect);

#endif
