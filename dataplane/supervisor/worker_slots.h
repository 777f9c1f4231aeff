/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_slots.h - which worker accepts from which sockets, and who replaces whom.
 *
 * A slot is a pair of listening sockets (https, http) that the supervisor keeps open; workers come
 * and go on it.
 *
 *                     spawn               ready, or adopted as it is
 *      slot: empty ----------> starting ---------> current        the one that accepts
 *              ^                                      | replaced (SIGHUP, outdated, SIGTERM to it)
 *              |  died: spawned again within 100 ms,  v
 *              '- after 5 quick deaths in 1 s     draining --> gone
 *
 * Limits: LIMIT_WORKERS slots.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_SLOTS_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_SLOTS_H

#include "dataplane/supervisor/replica.h"
#include "dataplane/supervisor/worker_process.h"

struct worker_slots;

struct worker_slots_events {
    void (*on_ready)(void *owner); /* each slot has a worker that accepts; once */
    /* Every worker that lives has forgotten what worker_slots_tell named. */
    void (*on_told)(void *owner, uint32_t workers_applied, uint32_t workers);
    void (*on_crashed)(void *owner); /* a worker ended itself; it is being replaced */
    void (*on_stopped)(void *owner); /* no worker is left; once, after worker_slots_stop */
};

struct worker_slots_options {
    struct loop *loop;
    const char *program;     /* its path; lent as long as the slots are, as argv is */
    const char *const *argv; /* for workers */
    int counters_fd;         /* borrowed; counter_pages.h */
    uint64_t drain_timeout_ms;
    const struct worker_slots_events *events;
    void *owner;
};

/* One process, for those who ask. */
struct worker_facts {
    unsigned slot;
    int pid;
    enum worker_state state;
    bool accepting, adopted;
    uint64_t lived_ms;
};

struct worker_slots *worker_slots_new(const struct worker_slots_options *options);
/* No worker is left. */
void worker_slots_free(struct worker_slots **slots);

/* Takes two listening sockets; returns the slot's number. */
unsigned worker_slots_add(struct worker_slots *slots, int https_fd, int http_fd);
unsigned worker_slots_count(const struct worker_slots *slots);
/* An orphan that accepts from this slot's sockets.  An outdated one serves until its replacement is
 * ready; another one stays. */
void worker_slots_adopt(struct worker_slots *slots, unsigned slot,
                        const struct worker_orphan *orphan);
/* An orphan whose sockets others have, or nobody wants: it drains. */
void worker_slots_dismiss(struct worker_slots *slots, const struct worker_orphan *orphan);
/* The same socket as one of a slot's; returns the slot, or the count. */
unsigned worker_slots_find(const struct worker_slots *slots, int https_fd);

/* Fills at most max; returns how many. */
size_t worker_slots_facts(const struct worker_slots *slots, struct worker_facts *out, size_t max);

/* Spawns what is missing or outdated; from now on the dead are replaced.  access_log_fd is borrowed
 * until the next worker_slots_reload or the end; -1: none. */
void worker_slots_start(struct worker_slots *slots, int access_log_fd);
/* A new worker for each slot; the old ones drain when it accepts. */
void worker_slots_reload(struct worker_slots *slots, int access_log_fd);
/* Everybody drains, and nobody is replaced. */
void worker_slots_stop(struct worker_slots *slots);
/* Now. */
void worker_slots_kill(struct worker_slots *slots);

/* on_told follows, maybe from inside; one for all tells that are unanswered by then. */
void worker_slots_tell(struct worker_slots *slots, uint64_t revision,
                       const struct replica_changes *changes);

#endif
