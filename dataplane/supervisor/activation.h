/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activation.h - listening sockets that systemd made, so that the edge needs no capability for 443.
 *
 *      https.socket: ListenStream= once     one socket, accepted from by all workers
 *                    ListenStream= N times  (ReusePort=yes) a socket for each of N slots
 *
 * Each slot gets a copy of the socket that the fewest slots have, and there are at least as many
 * slots as sockets: one that nobody accepts from would swallow its share of the visitors.
 * A kind that was not passed is bound as --https and --http say.
 *
 * Ownership: the sockets stay open for the life of the process.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_ACTIVATION_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_ACTIVATION_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/model/limits.h"

struct activated {
    int fds[LIMIT_WORKERS];
    unsigned count;
};

struct activation {
    struct activated https, http;
};

/* By their names, "https" and "http"; nothing without systemd. */
MUST_USE enum err activation_take(struct activation *out, struct problem *problem);

/* It is one of these. */
bool activation_has(const struct activated *activated, int fd);
/* A copy for the caller of the one that is least among used; at least one was passed.  -1: no
 * descriptor is left. */
int activation_copy(const struct activated *activated, const int *used, unsigned used_count);

#endif
