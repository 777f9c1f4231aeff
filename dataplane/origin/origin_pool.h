/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_pool.h - the warm connections to one origin, and the queue for them.
 *
 * A pool answers one question: "where can this exchange run?"  The answer is a slot: the right to
 * run one more exchange on one connection.  An HTTP/1.1 connection has one slot; an HTTP/2
 * connection has as many as min(the zone's setting, the origin's current limit).  The caller never
 * learns which it got.
 *
 *                    no connection has room: dial          h2: N slots
 *   ticket --> [waiting] --------> CONNECTING --> OPEN <-> FULL --> DRAINING --> CLOSED
 *      ^                                          h1: 1 slot
 *      '---- granted(conn) or refused(err), always from the loop, never inline
 *
 * While the protocol is unknown one connection is dialled and everybody waits for its ALPN.  Known
 * h2: all board the fullest connection that has room, another is dialled only for tickets that the
 * connections being dialled will not carry.  Known h1: a dial per waiting ticket, up to
 * LIMIT_ORIGIN_CONNS.  What was learned is believed for LIMIT_ORIGIN_PROTOCOL_MS.
 *
 * Ownership: the ticket is the caller's memory, borrowed until one callback ran or
 * origin_ticket_cancel returned. Threads:   one pool belongs to one loop. Limits:
 * LIMIT_ORIGIN_CONNS, LIMIT_ORIGIN_WAITING, LIMIT_ORIGIN_WAITING_MS, LIMIT_ORIGIN_IDLE_MS,
 * LIMIT_ORIGIN_POOLS.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_POOL_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_POOL_H

#include "common/model/address_policy.h"
#include "common/model/origin.h"
#include "common/model/origin_knowledge.h"
#include "dataplane/http/http_conn.h"
#include "dataplane/net/loop.h"
#include "dataplane/net/resolve.h"
#include "dataplane/origin/origin_tls.h"

struct origin_pools; /* all pools of one worker */
struct origin_pool;
struct origin_ticket;

/* Who is told what is learned, and what is decided because of it; either may be NULL. */
struct origin_listener {
    void (*learned)(void *owner, const struct origin_knowledge *what);
    void (*decided)(void *owner, const struct origin_event *event);
    void *owner;
};

struct origin_pools_options {
    struct loop *loop;
    struct resolver *resolver;
    const struct address_policy *policy;
    const char *ca_file; /* NULL: the system's */
    struct origin_tls_source tls_source;
    uint64_t connect_timeout_ms;
    uint64_t read_timeout_ms;
    uint64_t suspended_ms; /* HTTP/2 that broke rests for so long at first; 0: the limit's */
    struct origin_listener listener;
    uint64_t tunnel_idle_ms; /* 0: LIMIT_TUNNEL_IDLE_MS */
    /* Less LIMIT_ORIGIN_CONN_JITTER at most; 0: the limits of these names. */
    uint64_t conn_requests_max;
    uint64_t conn_age_ms_max;
};

MUST_USE enum err origin_pools_open(const struct origin_pools_options *options,
                                    struct origin_pools **out, struct problem *problem);
/* The origin CA may be another by now; connections stay. */
void origin_pools_forget_trust(struct origin_pools *pools);
/* Closes every connection; later, from the loop, calls closed. */
void origin_pools_close(struct origin_pools **pools, void (*closed)(void *owner), void *owner);

/* What another worker has learned, or this host knew before. */
void origin_pools_know(struct origin_pools *pools, const struct origin_knowledge *what);

/* The pool for this origin, made when it is new; it stays as long as somebody waits, connects or is
 * connected: ask for it anew each time.  NULL when LIMIT_ORIGIN_POOLS others are all in use, or
 * while closing. */
struct origin_pool *origin_pools_get(struct origin_pools *pools, const struct origin *origin);

/* What the access log says of a connection. */
struct origin_conn_facts {
    uint64_t id; /* unique in this worker */
    enum http_version version;
    bool reused; /* it has run an exchange before this one */
    char address[ADDRESS_TEXT_BYTES];
    uint16_t port;
};

/* Zeroed before the first use.  The caller fills the first group. */
struct origin_ticket {
    /* Calls http_conn_run before it returns, or leaves the slot. */
    void (*granted)(struct origin_ticket *ticket, struct http_conn *conn,
                    const struct origin_conn_facts *facts);
    void (*refused)(struct origin_ticket *ticket, enum err err, const struct problem *problem);
    uint32_t streams_max; /* the hostname's or zone's origin_h2_max_streams, applied when the slot
                             is granted */
    bool h1_only;         /* after HTTP_1_1_REQUIRED */
    bool tunnel;          /* HTTP/1.1, or an open HTTP/2 connection that takes tunnels */
    bool h2_only;         /* gRPC: refused with ERR_ORIGIN_H2_MISSING where there is none */
    bool fresh_only;      /* not on a connection that was used before */
    /* the pool's */
    struct list_node node;
    struct list *list;
    struct origin_pool *pool; /* NULL: it asks for nothing now */
    uint64_t asked_at_ms;
    uint64_t asked_serial; /* connections opened by then are not fresh */
};

/* Exactly one callback follows, unless the ticket is cancelled. */
void origin_pool_acquire(struct origin_pool *pool, struct origin_ticket *ticket);
/* Idempotent. */
void origin_ticket_cancel(struct origin_ticket *ticket);

/* The ticket's time is over.  True when it was cancelled: nothing is connected, and a dial that
 * takes this long sets the origin aside.  Else it waits for its turn, which takes what it takes. */
MUST_USE bool origin_ticket_give_up(struct origin_ticket *ticket);

/* Counts one more request that is sent to this origin again; false when its budget is spent. */
MUST_USE bool origin_pool_may_retry(struct origin_pool *pool);

/* The origin answered HTTP_1_1_REQUIRED: for LIMIT_ORIGIN_PROTOCOL_MS every ticket is taken for an
 * h1_only one. */
void origin_pool_require_h1(struct origin_pool *pool);

#endif
