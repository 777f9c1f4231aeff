/* SPDX-License-Identifier: Apache-2.0 */
/*
 * side.h - one end of an exchange: the one small interface that four codecs implement.
 *
 * A side is embedded in an HTTP/1.1 connection or an HTTP/2 stream.  It produces one flow (the
 * client side the request, the origin side the response) and consumes the other.  `out` is what it
 * produces, `in` is what it consumes.
 *
 * Events are bits on the side and one wake (flow.md L1): they come from the loop, never from inside
 * a verb, and in the order HEAD, BYTES, ROOM, STOP; ABORT cancels the rest.  Inside an event a side
 * may call any verb.
 *
 *                     client side                                   origin side
 *      on_head        write the response head                       write the request head
 *      on_interim     write a 1xx head                              -
 *      on_bytes       write response body, or its end               write request body, or its end
 *      on_room        go on reading the request                     go on reading the response
 *      on_stop        h2: RST(NO_ERROR) after END; h1: close        h2: RST(CANCEL); h1: close
 *      on_abort       RST or close; detach                          RST(CANCEL) or close; detach
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_SIDE_H
#define TRUNKLINE_DATAPLANE_HTTP_SIDE_H

#include "common/base/wake.h"
#include "dataplane/http/flow.h"

struct exchange;
struct side;

typedef void side_event_fn(struct side *side);

struct side_ops {
    const char *name;
    side_event_fn *on_head;
    side_event_fn *on_interim; /* client sides only */
    side_event_fn *on_bytes;
    side_event_fn *on_room;
    side_event_fn *on_stop;
    side_event_fn *on_abort; /* must detach before it returns */
};

enum side_role { SIDE_CLIENT, SIDE_ORIGIN };

/* Zeroed before the first attach; may be attached again after it was detached. */
struct side {
    const struct side_ops *ops;
    struct exchange *exchange; /* NULL while detached */
    enum side_role role;
    unsigned events; /* bits that wait for the wake */
    struct wake wake;
};

static inline bool side_attached(const struct side *side)
{
    return side->exchange != NULL;
}

/* ---- producing (the out flow) */

/* head and all it points to live in the exchange's arena.  Once per side. */
void side_put_head(struct side *side, struct head *head);
/* An origin side's 1xx answer; 100 is swallowed by the caller.  Does not change the flow's state.
 */
void side_put_interim(struct side *side, struct head *head);
/* bytes.len <= side_room(side): more is the caller's bug.  Dropped, and credited, once the flow is
 * STOPPED. */
void side_put_bytes(struct side *side, struct span bytes);
/* Before side_put_end; lives in the exchange's arena. */
void side_put_trailers(struct side *side, struct fields *trailers);
void side_put_end(struct side *side);
/* A client side whose body cannot be read on, before an answer came: no origin side gets its end,
 * and the observer is asked for an answer. */
void side_refuse(struct side *side, enum err err, const struct problem *problem);
/* How many bytes may be put now. */
size_t side_room(const struct side *side);
/* Bytes consumed by the other side (or dropped) since the last call: what HTTP/2 gives back as
 * stream window. */
size_t side_take_credit(struct side *side);
/* Asks for a larger cap of the out flow, when its producer's window may be what holds it up.  The
 * cap doubles, and the room grows by what is returned; 0 while the consumer lags, where what is
 * left of the body fits as it is, and when a limit or more_max forbids it. */
size_t side_grow(struct side *side, size_t more_max);
/* The state of the out flow; for assertions and for "is anybody still listening". */
enum flow_state side_out_state(const struct side *side);

/* ---- consuming (the in flow) */

/* The head of the in flow; NULL while it is IDLE. */
struct head *side_in_head(const struct side *side);
/* The next of the interim heads that on_interim told of; NULL when there is no more. */
struct head *side_in_interim(const struct side *side);
/* The longest contiguous run; lent until the next verb on this side. */
struct span side_peek(const struct side *side);
void side_consume(struct side *side, size_t len);
/* Bytes that wait, also those not contiguous. */
size_t side_in_level(const struct side *side);
/* True when the producer has ended and every byte was consumed: now write the trailers and the end.
 */
bool side_in_ended(const struct side *side);
/* True when the producer has ended, though bytes may wait: a length can be known. */
bool side_in_complete(const struct side *side);
/* NULL when there are none; meaningful once side_in_ended. */
const struct fields *side_in_trailers(const struct side *side);
/* Nobody here wants more of the in flow: the producer gets on_stop, bytes are dropped from now on.
 */
void side_stop(struct side *side);

/* ---- endings */

/* This side cannot go on.  An origin side that fails while the response is IDLE is simply detached
 * and the observer is asked for another (L6); otherwise both flows fail and the other side gets
 * on_abort.  The side is detached when this returns. */
void side_fail(struct side *side, enum err err);
/* This side has seen both flows end (or was told to abort).  No event comes after it. */
void side_detach(struct side *side);

#endif
