/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c - memory for one lifetime, in blocks that are lent by a pool.
 */
#include "common/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define PIECE_ALIGN_BYTES 16

struct arena_block {
    alignas(PIECE_ALIGN_BYTES) struct arena_block *next;
    size_t room_bytes; /* behind this header */
};

#define BLOCK_ROOM_BYTES (ARENA_BLOCK_BYTES - sizeof(struct arena_block))

void arena_pool_init(struct arena_pool *pool, size_t spare_max)
{
    *pool = (struct arena_pool){.spare_max = spare_max};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_pool_release(struct arena_pool *pool)
{
    free_blocks(pool->spares);
    pool->spares = NULL;
    pool->spare_count = 0;
}

static struct arena_block *block_take(struct arena_pool *pool, size_t room_bytes)
{
    struct arena_block *block = NULL;
    if (pool && room_bytes == BLOCK_ROOM_BYTES)
        block = pool->spares;
    if (block) {
        pool->spares = block->next;
        pool->spare_count--;
    } else {
        block = mem_alloc(sizeof(*block) + room_bytes);
        block->room_bytes = room_bytes;
    }
    MEM_POISON(block + 1, room_bytes);
    return block;
}

static void block_give(struct arena_pool *pool, struct arena_block *block)
{
    if (!pool || block->room_bytes != BLOCK_ROOM_BYTES || pool->spare_count >= pool->spare_max) {
        free(block);
        return;
    }
    MEM_POISON(block + 1, block->room_bytes);
    block->next = pool->spares;
    pool->spares = block;
    pool->spare_count++;
}

void arena_init(struct arena *arena, struct arena_pool *pool)
{
    *arena = (struct arena){.pool = pool};
}

void arena_release(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block) {
        struct arena_block *next = block->next;
        block_give(arena->pool, block);
        block = next;
    }
    arena_init(arena, arena->pool);
}

/* A piece that needs more than what is left.  Beside a large piece, whose block is its own, the
 * current block stays in use. */
static void *alloc_from_new_block(struct arena *arena, size_t piece_bytes)
{
    bool own = piece_bytes > BLOCK_ROOM_BYTES;
    struct arena_block *block = block_take(arena->pool, own ? piece_bytes : BLOCK_ROOM_BYTES);
    uint8_t *bytes = (uint8_t *)(block + 1);

    block->next = arena->blocks;
    arena->blocks = block;
    if (!own) {
        arena->at = bytes + piece_bytes;
        arena->end = bytes + block->room_bytes;
    }
    return bytes;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    ASSERT(size_bytes < SIZE_MAX / 2);
    size_t piece_bytes = (size_bytes + PIECE_ALIGN_BYTES - 1) & ~(size_t)(PIECE_ALIGN_BYTES - 1);
    if (piece_bytes == 0)
        piece_bytes = PIECE_ALIGN_BYTES;

    void *piece = arena->at;
    if (__builtin_expect((size_t)(arena->end - arena->at) >= piece_bytes, 1))
        arena->at += piece_bytes;
    else
        piece = alloc_from_new_block(arena, piece_bytes);
    arena->taken_bytes += piece_bytes;
    MEM_UNPOISON(piece, size_bytes);
    return piece;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size_bytes)
{
    size_t total_bytes;
    ASSERT(!__builtin_mul_overflow(count, size_bytes, &total_bytes));
    return memset(arena_alloc(arena, total_bytes), 0, total_bytes);
}

struct span arena_copy(struct arena *arena, struct span bytes)
{
    if (bytes.len == 0)
        return SPAN_EMPTY;
    return span_of(memcpy(arena_alloc(arena, bytes.len), bytes.ptr, bytes.len), bytes.len);
}

struct span arena_copy_lower(struct arena *arena, struct span bytes)
{
    if (bytes.len == 0)
        return SPAN_EMPTY;
    uint8_t *copy = arena_alloc(arena, bytes.len);
    for (size_t i = 0; i < bytes.len; i++)
        copy[i] = text_lower(bytes.ptr[i]);
    return span_of(copy, bytes.len);
}

char *arena_cstr(struct arena *arena, struct span bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = '\0';
    return copy;
}
