/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytequeue.h - a bounded first-in first-out of bytes: the body of every flow.
 *
 * Bytes live in chunks from a chunk_pool, which belongs to one loop and keeps spares, so that the
 * steady path calls malloc never.  What was consumed can be kept for a while (a request body that
 * may have to be sent again) and rewound to.
 *
 *      |<---- kept ---->|<---- level ---->|<-- room -->|
 *      first            read              write        cap          kept + level <= cap
 */
#ifndef TRUNKLINE_COMMON_BASE_BYTEQUEUE_H
#define TRUNKLINE_COMMON_BASE_BYTEQUEUE_H

#include "common/base/span.h"

/* 16 KiB: one TLS record, one HTTP/2 frame. */
#define CHUNK_BYTES 16384

struct chunk;

struct chunk_pool {
    struct chunk *spares;
    size_t spare_count;
    size_t spare_max;
    size_t in_use; /* chunks lent to queues now */
};

struct bytequeue {
    struct chunk_pool *pool;
    struct chunk *first, *read, *last;
    size_t first_at, read_at, last_at; /* offsets inside these chunks */
    size_t level_bytes;                /* put and not consumed */
    size_t kept_bytes;                 /* consumed and kept */
    size_t cap_bytes;
    bool keeping;
    bool consumed; /* something, ever */
};

/* Keeps at most spare_max returned chunks for reuse. */
void chunk_pool_init(struct chunk_pool *pool, size_t spare_max);
/* All queues of the pool are released by now. */
void chunk_pool_release(struct chunk_pool *pool);
/* Frees half of the spares; a janitor calls it now and then. */
void chunk_pool_trim(struct chunk_pool *pool);

/* pool outlives the queue.  No chunk is taken before the first put. */
void bytequeue_init(struct bytequeue *q, struct chunk_pool *pool, size_t cap_bytes);
/* Gives every chunk back; the queue is empty, its cap stays, and it may be used again. */
void bytequeue_release(struct bytequeue *q);

static inline size_t bytequeue_level(const struct bytequeue *q)
{
    return q->level_bytes;
}

static inline size_t bytequeue_room(const struct bytequeue *q)
{
    return q->cap_bytes - q->level_bytes - q->kept_bytes;
}

/* The cap is larger from now on; it never shrinks. */
static inline void bytequeue_grow(struct bytequeue *q, size_t more_bytes)
{
    q->cap_bytes += more_bytes;
}

/* ASSERTs bytes.len <= bytequeue_room(q): more is the producer's bug, never a longer queue. */
void bytequeue_put(struct bytequeue *q, struct span bytes);

/* The longest contiguous run of unread bytes; lent until the next call on q. */
struct span bytequeue_peek(const struct bytequeue *q);

/* The unread bytes from the first on, as at most runs_max contiguous runs (for one gathered write);
 * returns how many.  Lent until the next consume, release, forget or rewind; a put moves none. */
size_t bytequeue_gather(const struct bytequeue *q, struct span *runs, size_t runs_max);

/* len <= level.  Kept bytes stay; others give their chunks back. */
void bytequeue_consume(struct bytequeue *q, size_t len);

/* From now on consumed bytes are kept.  Only while nothing was consumed. */
void bytequeue_keep(struct bytequeue *q);
/* Forgets what is kept, and keeps no more: room grows by that much, which is returned. */
size_t bytequeue_forget(struct bytequeue *q);
/* Everything kept is unread again. */
void bytequeue_rewind(struct bytequeue *q);

#endif
