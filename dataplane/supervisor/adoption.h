/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adoption.h - a new supervisor takes over the workers that a dead one left behind.
 *
 *      orphan                                     new supervisor
 *      holds slot-N.lock, keeps serving           looks which slots are held, before it binds
 *      dials supervisor.sock  --ADOPT + 3 fds-->  uses the sockets for slot N, and reads on
 *                                                 from the counters that all share
 *                                                 keeps it, if it is what it would start itself
 *                             <--DRAIN----------  else, once a new worker accepts from the same
 * sockets
 *
 * What queues on a listening socket is reset when its last copy is closed; so the sockets are
 * handed on and never bound anew while an orphan lives.
 *
 * Limits: LIMIT_ADOPT_MS for all orphans together; who comes later is adopted too, from the loop.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_ADOPTION_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_ADOPTION_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"
#include "common/model/digest.h"
#include "common/model/limits.h"

struct adopted {
    pid_t pid;
    unsigned slot;
    int https_fd, http_fd; /* listening */
    int channel_fd;
    int counters_fd;        /* counter_pages.h */
    struct digest identity; /* worker_identity.h */
};

/* Where orphans come to. */
struct adoption_door {
    int fd;
    uid_t worker_uid; /* theirs; ours is welcome too */
};

/* supervisor.sock in dir, in place of one that was there. */
MUST_USE enum err adoption_listen(const char *dir, int *fd_out, struct problem *problem);

/* The next orphan, whose descriptors are the caller's from here on.  ERR_MORE: nobody waits.  Other
 * errors: somebody who is no worker of ours; try again. */
MUST_USE enum err adoption_accept(const struct adoption_door *door, struct adopted *out);

/* Waits until each held slot has come, or for LIMIT_ADOPT_MS; returns how many are in out. */
size_t adoption_collect(const char *dir, const struct adoption_door *door, struct adopted *out,
                        size_t out_max);
/* A slot is held by a worker that is not among these. */
bool adoption_missing(const char *dir, const struct adopted *adopted, size_t count);

#endif
