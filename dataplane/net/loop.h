/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - one libuv loop, its wake queue, and the order of a turn.
 *
 *      uv poll (reads: transport on_bytes)  ->  uv_check:   wakes, then flush
 *      uv timers (deadlines)                ->  uv_prepare: wakes, then flush
 *
 * Flush = each transport that has unwritten output writes it once: many frames of many streams
 * become one TLS record and one system call.  An object that wants to produce output right before
 * (an HTTP/2 session) registers a flush of its own; those run first.  A uv_idle stays active while
 * the wake queue is not empty, because a uv_check alone would sleep until the next timer (measured:
 * 1 s).
 *
 * The loop also owns what connections share: the read buffer, chunk and arena pools, the clock of
 * this turn; and it knows where they count.
 *
 * Threads: everything of one loop belongs to one thread.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_LOOP_H
#define TRUNKLINE_DATAPLANE_NET_LOOP_H

#include <uv.h>

#include "common/base/arena.h"
#include "common/base/bytequeue.h"
#include "common/base/err.h"
#include "common/base/wake.h"
#include "common/model/counters.h"

#define LOOP_READ_BYTES 65536
/* Seven full TLS records with what encryption adds to them. */
#define LOOP_RECORD_BYTES (7 * (16384 + 256))

typedef void loop_flush_fn(void *owner);

/* Embedded in whoever has output to make at the end of the turn. */
struct loop_flush {
    struct list_node node;
    loop_flush_fn *run;
    void *owner;
};

enum loop_flush_order {
    LOOP_FLUSH_PRODUCERS,  /* HTTP/2 sessions: frames into transports */
    LOOP_FLUSH_TRANSPORTS, /* transports: bytes into the kernel */
    LOOP_FLUSH_ORDERS
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    struct wakeq wakeq;
    struct list flushes[LOOP_FLUSH_ORDERS];
    struct chunk_pool chunks;
    struct arena_pool arenas;
    uint8_t *read_buffer;   /* LOOP_READ_BYTES; lent to one on_bytes at a time */
    uint8_t *record_buffer; /* LOOP_RECORD_BYTES; scratch for TLS records */
    struct deadlines *deadlines;
    struct tls_shared *tls;        /* what TLS connections share; made by the first of them */
    struct counters *counters;     /* the worker's shared page, or own_counters */
    struct counters *own_counters; /* of a loop that nobody gave a page */
};

MUST_USE enum err loop_open(struct loop *loop);
/* Runs until loop_stop or until nothing is left. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Every handle of others is closed by now; ASSERTs it. */
void loop_close(struct loop *loop);

/* Milliseconds, read once per turn. */
static inline uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

/* Idempotent within a turn. */
void loop_flush_post(struct loop *loop, enum loop_flush_order order, struct loop_flush *flush);
void loop_flush_cancel(struct loop *loop, enum loop_flush_order order, struct loop_flush *flush);

#endif
