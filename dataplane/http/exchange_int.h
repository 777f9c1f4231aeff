/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_int.h - what exchange.c and side.c share: the two flows seen from a side, and how the
 * events are posted.
 *
 * Nobody outside dataplane/http includes it.
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_EXCHANGE_INT_H
#define TRUNKLINE_DATAPLANE_HTTP_EXCHANGE_INT_H

#include "dataplane/http/exchange.h"

/* In the order in which they are told; ABORT cancels the others. */
enum side_event {
    SIDE_EVENT_INTERIM = 1,
    SIDE_EVENT_HEAD = 2,
    SIDE_EVENT_BYTES = 4,
    SIDE_EVENT_ROOM = 8,
    SIDE_EVENT_STOP = 16,
    SIDE_EVENT_ABORT = 32,
};

enum observer_event {
    OBSERVER_EVENT_ORIGIN_FAILED = 1,
    OBSERVER_EVENT_CLIENT_GONE = 2,
};

static inline struct flow *side_out(const struct side *side)
{
    struct exchange *exchange = side->exchange;
    ASSERT(exchange != NULL);
    return side->role == SIDE_CLIENT ? &exchange->request : &exchange->response;
}

static inline struct flow *side_in(const struct side *side)
{
    struct exchange *exchange = side->exchange;
    ASSERT(exchange != NULL);
    return side->role == SIDE_CLIENT ? &exchange->response : &exchange->request;
}

static inline struct side *side_other(const struct side *side)
{
    struct exchange *exchange = side->exchange;
    return side->role == SIDE_CLIENT ? exchange->origin : exchange->client;
}

/* What the flows of the worker may still be let grow by: nothing under pressure (L4). */
size_t exchange_pools_spare(const struct exchange_pools *pools);

/* Posts an event to a side of the exchange; NULL is nobody. */
void exchange_post(struct exchange *exchange, struct side *side, enum side_event event);

/* The consumer gave back len bytes of the flow: credit, and on_room by L3. */
void exchange_credit(struct exchange *exchange, struct flow *flow, size_t len);

/* The request flow gives up replay when what it keeps would stop the producer (L8). */
void exchange_bound_replay(struct exchange *exchange);
void exchange_end_replay(struct exchange *exchange);

/* No more of the request is wanted: err is its answer, unless there is one. */
void exchange_refuse_rest(struct exchange *exchange, enum err err);

/* Nobody wants the rest of the flow: drops what waits, and tells the producer (L7). */
void exchange_stop_flow(struct exchange *exchange, struct flow *flow);

/* Records the fault unless there is one, fails both flows and drops what they hold. */
void exchange_break(struct exchange *exchange, enum err err, enum side_fault side);

/* Takes the side out; when it was the last one the exchange ends from the wake queue. */
void exchange_detach(struct exchange *exchange, struct side *side);

/* Asks the observer from the wake queue. */
void exchange_tell(struct exchange *exchange, enum observer_event event);

#endif
