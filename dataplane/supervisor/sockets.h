/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets.h - the listening sockets of all slots, before the first worker: adopted or bound.
 *
 * Sockets of orphans that listen on the wanted addresses become slots, also more of them than
 * wanted (supervisor.h says why).  What is missing is bound anew.  With port 0 all slots share the
 * port that the first one got.
 *
 * Where systemd passed sockets (activation.h), these are what is wanted, and nothing is bound.
 *
 * Orphans on other addresses than the wanted ones are surplus: they drain, and their sockets close
 * with them.  The counters are those that the first orphan shares with its siblings.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_SOCKETS_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_SOCKETS_H

#include "dataplane/net/counter_pages.h"
#include "dataplane/supervisor/activation.h"
#include "dataplane/supervisor/adoption.h"

#define SOCKET_ADDRESS_BYTES 64

struct sockets_options {
    const char *state;
    const struct adoption_door *door;
    const struct activation *activation; /* what it has is not bound, and https, http not asked */
    const char *https, *http;
    unsigned slot_count; /* more, if more sockets were passed */
};

struct socket_pair {
    int https_fd, http_fd;
    int channel_fd; /* of the orphan that accepts from them; -1: nobody does */
    pid_t orphan_pid;
    struct digest orphan_identity;
};

struct sockets {
    struct socket_pair slots[LIMIT_WORKERS];
    unsigned slot_count;
    unsigned adopted_count;
    struct adopted surplus[LIMIT_WORKERS]; /* without sockets */
    unsigned surplus_count;
    struct counter_pages counters; /* without memory: no orphan had ours */
};

/* On failure nothing stays open but the orphans, which keep serving. */
MUST_USE enum err sockets_open(const struct sockets_options *options, struct sockets *out,
                               struct problem *problem);

/* "0.0.0.0:8443" wants what is bound to "0.0.0.0:8443"; port 0 wants every port of that address. */
bool sockets_address_wanted(const char *wanted, const char *bound);

#endif
