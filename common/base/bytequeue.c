/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytequeue.c - a bounded first-in first-out of bytes, in chunks that are lent by a pool.
 */
#include "common/base/bytequeue.h"

#include <stdlib.h>

#include "common/base/mem.h"

struct chunk {
    struct chunk *next;
    uint8_t bytes[CHUNK_BYTES];
};

void chunk_pool_init(struct chunk_pool *pool, size_t spare_max)
{
    *pool = (struct chunk_pool){.spare_max = spare_max};
}

static void free_spares(struct chunk_pool *pool, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct chunk *chunk = pool->spares;
        pool->spares = chunk->next;
        pool->spare_count--;
        free(chunk);
    }
}

void chunk_pool_release(struct chunk_pool *pool)
{
    ASSERT(pool->in_use == 0);
    free_spares(pool, pool->spare_count);
}

void chunk_pool_trim(struct chunk_pool *pool)
{
    free_spares(pool, (pool->spare_count + 1) / 2);
}

static struct chunk *chunk_take(struct chunk_pool *pool)
{
    struct chunk *chunk = pool->spares;
    if (chunk) {
        pool->spares = chunk->next;
        pool->spare_count--;
        MEM_UNPOISON(chunk->bytes, CHUNK_BYTES);
    } else {
        chunk = mem_alloc(sizeof(*chunk));
    }
    pool->in_use++;
    chunk->next = NULL;
    return chunk;
}

static void chunk_give(struct chunk_pool *pool, struct chunk *chunk)
{
    pool->in_use--;
    if (pool->spare_count >= pool->spare_max) {
        free(chunk);
        return;
    }
    MEM_POISON(chunk->bytes, CHUNK_BYTES);
    chunk->next = pool->spares;
    pool->spares = chunk;
    pool->spare_count++;
}

void bytequeue_init(struct bytequeue *q, struct chunk_pool *pool, size_t cap_bytes)
{
    *q = (struct bytequeue){.pool = pool, .cap_bytes = cap_bytes};
}

void bytequeue_release(struct bytequeue *q)
{
    while (q->first) {
        struct chunk *chunk = q->first;
        q->first = chunk->next;
        chunk_give(q->pool, chunk);
    }
    bytequeue_init(q, q->pool, q->cap_bytes);
}

/* Where reading has caught up with writing, the reader moves along into the new chunk. */
static void append_chunk(struct bytequeue *q)
{
    struct chunk *chunk = chunk_take(q->pool);
    if (q->last)
        q->last->next = chunk;
    else
        q->first = chunk;
    if (q->level_bytes == 0) {
        q->read = chunk;
        q->read_at = 0;
    }
    q->last = chunk;
    q->last_at = 0;
}

void bytequeue_put(struct bytequeue *q, struct span bytes)
{
    ASSERT(bytes.len <= bytequeue_room(q));
    while (bytes.len > 0) {
        if (!q->last || q->last_at == CHUNK_BYTES)
            append_chunk(q);
        size_t len = CHUNK_BYTES - q->last_at;
        if (len > bytes.len)
            len = bytes.len;
        memcpy(q->last->bytes + q->last_at, bytes.ptr, len);
        q->last_at += len;
        q->level_bytes += len;
        bytes = span_skip(bytes, len);
    }
}

struct span bytequeue_peek(const struct bytequeue *q)
{
    if (q->level_bytes == 0)
        return SPAN_EMPTY;
    size_t end = q->read == q->last ? q->last_at : CHUNK_BYTES;
    return span_of(q->read->bytes + q->read_at, end - q->read_at);
}

size_t bytequeue_gather(const struct bytequeue *q, struct span *runs, size_t runs_max)
{
    size_t left_bytes = q->level_bytes, count = 0;
    size_t at = q->read_at;
    for (const struct chunk *chunk = q->read; left_bytes > 0 && count < runs_max;
         chunk = chunk->next, at = 0) {
        size_t len = CHUNK_BYTES - at;
        if (len > left_bytes)
            len = left_bytes;
        runs[count++] = span_of(chunk->bytes + at, len);
        left_bytes -= len;
    }
    return count;
}

static void advance_read(struct bytequeue *q, size_t len)
{
    while (len > 0) {
        size_t run = bytequeue_peek(q).len;
        if (run > len)
            run = len;
        q->read_at += run;
        q->level_bytes -= run;
        len -= run;
        if (q->read_at == CHUNK_BYTES && q->read != q->last) {
            q->read = q->read->next;
            q->read_at = 0;
        }
    }
}

/* Gives the chunks before the read place back, and the last one too once it is empty. */
static void drop_consumed(struct bytequeue *q)
{
    while (q->first != q->read) {
        struct chunk *chunk = q->first;
        q->first = chunk->next;
        chunk_give(q->pool, chunk);
    }
    q->first_at = q->read_at;
    if (q->level_bytes == 0 && q->first) {
        chunk_give(q->pool, q->first);
        q->first = q->read = q->last = NULL;
        q->first_at = q->read_at = q->last_at = 0;
    }
}

void bytequeue_consume(struct bytequeue *q, size_t len)
{
    ASSERT(len <= q->level_bytes);
    if (len == 0)
        return;
    q->consumed = true;
    advance_read(q, len);
    if (q->keeping)
        q->kept_bytes += len;
    else
        drop_consumed(q);
}

void bytequeue_keep(struct bytequeue *q)
{
    /* A rewind would otherwise resend a body without its beginning. */
    ASSERT(!q->consumed);
    q->keeping = true;
}

size_t bytequeue_forget(struct bytequeue *q)
{
    size_t forgotten_bytes = q->kept_bytes;
    q->kept_bytes = 0;
    q->keeping = false;
    drop_consumed(q);
    return forgotten_bytes;
}

void bytequeue_rewind(struct bytequeue *q)
{
    if (q->kept_bytes == 0)
        return;
    q->level_bytes += q->kept_bytes;
    q->kept_bytes = 0;
    q->read = q->first;
    q->read_at = q->first_at;
}
