/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_limits.h - who may connect to one worker: how many of one address, how many at all.
 *
 *      accept -> [client_limits_charge] too many of this address -> closed before TLS
 *                [client_limits_enter]  waiting <--[client_limits_wait, _run]--> running
 *                [client_limits_leave]
 *
 * An address is an IPv4 address or an IPv6 /64.  It may hold so many connections, and may make so
 * many TLS handshakes a second (a bucket of tokens).  The worker has its share of the operator's
 * figures: the kernel spreads an address's connections evenly over the workers' sockets.
 *
 * A connection without an exchange is waiting, in a list by when it began to.  Past LIMIT_CLIENT_
 * CROWDED each newcomer takes the place of who has waited longest: of all visitors the least
 * likely to come back.  The other order (the last in is the first out) would close who has just
 * been answered and asks next, and make every request of a crowded worker a handshake; a flood of
 * idle connections becomes the oldest of the list by itself.  What runs is never evicted.
 *
 * Ownership: a seat is embedded in its connection; zeroed memory is a seat that nobody has taken.
 * Threads:   one loop.
 * Limits:    LIMIT_CLIENT_CONNS, LIMIT_CLIENT_DESCRIPTORS, LIMIT_CLIENT_ADDRESSES.
 */
#ifndef TRUNKLINE_DATAPLANE_CLIENT_CLIENT_LIMITS_H
#define TRUNKLINE_DATAPLANE_CLIENT_CLIENT_LIMITS_H

#include "common/base/list.h"
#include "common/model/address_policy.h"
#include "dataplane/net/loop.h"

struct client_limits;

struct client_limits_options {
    uint64_t address_conns_max;        /* 0: any number */
    uint64_t address_handshakes_per_s; /* 0: any number */
    unsigned workers;                  /* that share both */
};

struct client_seat {
    struct list_node node; /* among those that wait */
    struct address_use *use;
    bool leaving;                            /* evicted: not again */
    void (*evict)(struct client_seat *seat); /* leaves later, from the loop */
};

struct client_limits *client_limits_new(struct loop *loop,
                                        const struct client_limits_options *options);
/* Nobody has a seat any more. */
void client_limits_free(struct client_limits **limits);

/* A connection of this address, with a handshake to make or without; false: it has too many. */
MUST_USE bool client_limits_charge(struct client_limits *limits, struct client_seat *seat,
                                   const struct address *address, bool handshake);

/* False: the worker is full; who waits longest goes, for who comes next. */
MUST_USE bool client_limits_make_room(struct client_limits *limits);
/* Takes a seat, in a crowd that of who waits longest.  After client_limits_charge, so that an
 * address with too many connections evicts nobody. */
void client_limits_enter(struct client_limits *limits, struct client_seat *seat);
void client_limits_leave(struct client_limits *limits, struct client_seat *seat);

/* It has no exchange; it has one.  Both idempotent. */
void client_limits_wait(struct client_limits *limits, struct client_seat *seat);
void client_limits_run(struct client_limits *limits, struct client_seat *seat);

/* The worker has run out of descriptors: they are counted again, and who waits gives some back. */
void client_limits_starve(struct client_limits *limits);

#endif
