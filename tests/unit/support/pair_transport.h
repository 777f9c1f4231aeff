/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair_transport.h - two transports that are each other's peer, in memory, on a real loop.
 *
 * Keeps the lifetime rules of transport.h.  Bytes that one end wrote in a turn are handed over from
 * the wake queue, in pieces of 1 to piece_max bytes when piece_max is set.
 */
#ifndef TRUNKLINE_TESTS_UNIT_SUPPORT_PAIR_TRANSPORT_H
#define TRUNKLINE_TESTS_UNIT_SUPPORT_PAIR_TRANSPORT_H

#include "dataplane/net/transport.h"

struct pair_end {
    struct transport base;
    struct pair_end *peer;
    uint8_t *pending;
    size_t pending_at, pending_bytes;
    struct loop_flush flush;
    struct wake deliver;
    size_t piece_max;       /* 0: everything at once */
    bool held;              /* nothing is handed over to the peer */
    bool reading, crowded;  /* crowded: on_room is owed */
    bool closed, aborted;   /* by the owner of this end */
    bool peer_told;         /* that this end has closed */
    size_t flush_count;     /* turns in which something was written */
    size_t flush_bytes_max; /* the most in one turn */
    size_t turn_bytes;
    uint64_t written_bytes;
};

/* Neither end has an owner yet: transport_set_owner. */
void pair_open(struct loop *loop, struct pair_end *a, struct pair_end *b);
/* Both ends are closed by now, or nobody hears of it. */
void pair_release(struct loop *loop, struct pair_end *a, struct pair_end *b);
void pair_hold(struct pair_end *end, bool held);

#endif
