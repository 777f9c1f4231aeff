/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_int.h - what the files of this room share: a pool, its connections, the pools of a worker.
 *
 * The list a connection is in IS its state; origin_conn_enter is the only mover:
 *
 *      [origin_conn_dial]                [slots change]
 *         CONNECTING ----------> OPEN_H2 | OPEN_H1 <----> FULL
 *             |                      |                     |
 *             | [origin_conn_failed] '-------> DRAINING <--'   [GOAWAY, close, idle too long]
 *             v                                   |
 *           freed <------------ [on_closed] ------'
 *
 * Waiting tickets stand in lanes: who needs a connection that opens after the question, and who
 * needs HTTP/1.1, cannot take what the others can.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_INT_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_INT_H

#include "common/base/map.h"
#include "dataplane/net/deadline.h"
#include "dataplane/origin/origin_budget.h"
#include "dataplane/origin/origin_health.h"
#include "dataplane/origin/origin_memory.h"
#include "dataplane/origin/origin_pool.h"
#include "dataplane/origin/origin_race.h"

enum origin_conn_state {
    CONN_CONNECTING,
    CONN_OPEN_H2, /* has room */
    CONN_OPEN_H1, /* has room: idle */
    CONN_FULL,
    CONN_DRAINING,
    CONN_STATES
};

/* In the order in which they are served; bit 0 clear: HTTP/1.1 only. */
enum origin_lane { LANE_FRESH_H1, LANE_FRESH, LANE_H1, LANE_ANY, LANE_COUNT };

/* What a dial offers. */
enum origin_offer { OFFER_ANY, OFFER_H1, OFFER_COUNT };

struct origin_connect;

struct origin_conn {
    struct list_node node;
    enum origin_conn_state state;
    enum origin_offer offer;
    struct origin_pool *pool;
    struct origin_connect *connect; /* while CONNECTING; the connector's */
    struct http_conn *http;         /* from then on */
    uint64_t opened_serial;
    uint32_t slots_counted;              /* its part of pool->running_count */
    uint32_t slots_first;                /* slots_max when it opened */
    bool told;                           /* the origin's SETTINGS must have arrived */
    bool live;                           /* its part of pool->live_counts */
    bool tunnelled;                      /* its part of pool->tunnel_count */
    bool ended;                          /* http_conn_close was called */
    bool flaw_noted;                     /* what is wrong with its HTTP/2 was counted */
    uint64_t answers_seen, resets_seen;  /* of http, when they were looked at last */
    uint64_t requests_max, retire_at_ms; /* then it is drained; jittered */
    struct deadline idle;
    struct origin_conn_facts facts;
};

/* How connections come to be; tests put their own in its place.  start reports later, from the
 * loop, by origin_conn_opened or origin_conn_failed; cancel may come before that. */
struct origin_connector {
    void (*start)(struct origin_conn *conn);
    void (*cancel)(struct origin_conn *conn);
};

struct origin_pool {
    struct origin_pools *pools;
    struct origin origin;      /* its spans point behind the struct */
    struct span key;           /* the same */
    struct list_node lru_node; /* in pools->lru, the longest unused first */
    uint64_t used_at_ms;
    struct list conns[CONN_STATES];
    size_t conn_count;               /* in all lists */
    size_t tunnel_count;             /* of them: draining, and tunnels */
    size_t live_counts[OFFER_COUNT]; /* OPEN and FULL: all; HTTP/1.1 ones */
    size_t dial_counts[OFFER_COUNT]; /* CONNECTING, by what they offer */
    size_t running_count;            /* exchanges on all of them */
    struct list lanes[LANE_COUNT];   /* tickets */
    struct list refused;             /* tickets that the queue had no place for */
    struct wake wake;                /* grants, dials, refuses */
    struct deadline tick;            /* armed while tickets wait */
    unsigned pins;                   /* > 0: somebody below us on the stack uses it */
    uint32_t streams_max;            /* of the ticket that was looked at last */
    uint32_t streams_told;           /* what the last HTTP/2 connection was told; 0: nothing yet */
    struct origin_known *known;      /* of its protocol; the memory's */
    struct origin_health health;
    struct origin_budget budget;
    struct origin_asides asides;
    uint8_t bytes[]; /* key, address, sni */
};

/* A power of two. */
#define ORIGIN_RECENT 256

struct origin_pools {
    struct origin_pools_options options;
    const struct origin_connector *connector;
    struct origin_profiles tls;
    struct map by_key;
    struct origin_memory memory;
    struct list lru;
    struct buf key;                            /* scratch */
    struct origin_pool *recent[ORIGIN_RECENT]; /* by where the address stands in memory */
    size_t conn_count;
    uint64_t conn_ids;
    uint64_t opened_serials;
    size_t turn; /* of origin_pick */
    struct deadline sweep;
    struct wake close_wake;
    bool closing;
    bool shut; /* closing has told every pool */
    void (*closed)(void *owner);
    void *closed_owner;
};

#define ORIGIN_TICK_MS 1000
#define ORIGIN_SWEEP_MS 60000

/* ---- origin_pools.c */
/* The pool of this origin, or NULL when there is none yet. */
struct origin_pool *origin_pools_find(struct origin_pools *pools, const struct origin *origin);
/* A connection is gone: while closing, the last one ends it. */
void origin_pools_conn_gone(struct origin_pools *pools);

/* ---- origin_pool.c */
void origin_pool_init(struct origin_pool *pool);
/* Nobody waits, connects or is connected. */
bool origin_pool_empty(const struct origin_pool *pool);
/* Refuses everybody and ends every connection; what they end with follows from the loop. */
void origin_pool_shut(struct origin_pool *pool);
void origin_pool_post(struct origin_pool *pool);
/* What the next dial will speak. */
enum origin_protocol origin_pool_protocol(const struct origin_pool *pool);
void origin_pool_learn(struct origin_pool *pool, enum origin_protocol protocol);
/* Something else is known of its protocol than was when its tickets were put in their lanes. */
void origin_pool_known_anew(struct origin_pool *pool);
/* Refuses those of the tickets a dial was made for whom nothing else will carry. */
void origin_pool_dial_failed(struct origin_pool *pool, enum origin_offer offer, enum err err,
                             const struct problem *problem);
static inline size_t origin_pool_waiting(const struct origin_pool *pool)
{
    return pool->lanes[LANE_FRESH_H1].count + pool->lanes[LANE_FRESH].count +
           pool->lanes[LANE_H1].count + pool->lanes[LANE_ANY].count;
}

/* ---- origin_conn.c */
extern const struct http_conn_events origin_conn_events;
void origin_conn_dial(struct origin_pool *pool, enum origin_offer offer);
/* http was opened with origin_conn_events and conn as the owner. */
void origin_conn_opened(struct origin_conn *conn, struct http_conn *http,
                        const struct address *address);
void origin_conn_failed(struct origin_conn *conn, enum err err, const struct problem *problem);
/* Looks at its slots again and enters the state that follows. */
void origin_conn_update(struct origin_conn *conn);
/* Ends it now, whatever it does. */
void origin_conn_end(struct origin_conn *conn);

/* ---- origin_flaw.c: what a connection shows of the origin's HTTP/2 */
/* Its http says that HTTP/2 does not work here, or ends. */
void origin_flaw_note(struct origin_conn *conn);
/* Streams have ended on it. */
void origin_flaw_count_streams(struct origin_conn *conn);

/* ---- origin_connect.c */
extern const struct origin_connector origin_connect_connector;

#endif
