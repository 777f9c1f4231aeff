/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_memory.h - what a worker knows of each origin's protocol, from itself and from others.
 *
 * Answers "what will this origin speak?" for origins that have a pool and for those that had one,
 * or that only another worker has met.  What is learned here is told once; what was told by others
 * is believed like our own and not told again.
 *
 *      ALPN, HTTP_1_1_REQUIRED, breaks --> known --learned()--> the others
 *      the others --origin_memory_put--> known --> the pool that uses it
 *
 * Two workers that learn the opposite at the same moment may each end up with the other's answer:
 * the next dial of either decides anew.
 *
 * Ownership: the memory owns what is known; a pool uses one and leaves it when it is freed.
 * Threads:   one loop.
 * Limits:    LIMIT_ORIGIN_POOLS origins; what no pool uses goes first, the longest untouched first.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_MEMORY_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_MEMORY_H

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/model/origin_knowledge.h"
#include "dataplane/origin/origin_health.h"

enum origin_protocol { PROTOCOL_UNKNOWN, PROTOCOL_H1, PROTOCOL_H2 };

struct origin_pool;

struct origin_known {
    struct list_node node; /* among the spares, while no pool uses it */
    struct digest origin;
    struct origin_pool *pool;      /* that uses it, or NULL */
    enum origin_protocol protocol; /* meaningful until protocol_until_ms */
    uint64_t protocol_until_ms;
    uint64_t told_until_ms; /* what the others believe of it */
    uint64_t h1_required_until_ms;
    unsigned reset_count; /* streams in a row that it reset as broken */
    struct origin_suspension suspension;
};

struct origin_memory {
    struct map by_origin;
    struct list spares;
    uint64_t suspended_first_ms;
    void (*learned)(void *owner, const struct origin_knowledge *what); /* NULL: nobody listens */
    void *owner;
};

/* Both functions of the world are set by the caller afterwards. */
void origin_memory_init(struct origin_memory *memory);
void origin_memory_release(struct origin_memory *memory);

/* What is known of the origin with this key, for as long as its pool lives. */
struct origin_known *origin_memory_use(struct origin_memory *memory, struct span key,
                                       struct origin_pool *pool);
void origin_memory_leave(struct origin_memory *memory, struct origin_known *known);

/* Until when the pool takes every ticket for an HTTP/1.1 one. */
static inline uint64_t origin_known_h1_until_ms(const struct origin_known *known)
{
    return known->h1_required_until_ms > known->suspension.until_ms ? known->h1_required_until_ms
                                                                    : known->suspension.until_ms;
}

/* ---- learned here */
void origin_memory_negotiated(struct origin_memory *memory, struct origin_known *known,
                              enum origin_protocol protocol, uint64_t now_ms);
void origin_memory_h1_required(struct origin_memory *memory, struct origin_known *known,
                               uint64_t now_ms);
/* Returns for how long HTTP/2 rests because of it; 0: it goes on. */
uint64_t origin_memory_h2_broke(struct origin_memory *memory, struct origin_known *known,
                                bool hopeless, uint64_t now_ms);
/* An answer came over HTTP/2.  True: that ends a suspension. */
bool origin_memory_h2_worked(struct origin_memory *memory, struct origin_known *known,
                             uint64_t now_ms);

/* ---- learned by another worker, or kept from before.  NULL when there is no room for it. */
struct origin_known *origin_memory_put(struct origin_memory *memory,
                                       const struct origin_knowledge *what, uint64_t now_ms);

#endif
