/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory for one lifetime: taken piece by piece, given back at once.
 *
 * Blocks come from an arena_pool (one per loop, with spares), so that an exchange costs no malloc.
 * An arena with a NULL pool takes its blocks from malloc.  Pieces larger than a block get one of
 * their own.  All pieces are aligned to 16 bytes.
 */
#ifndef TRUNKLINE_COMMON_BASE_ARENA_H
#define TRUNKLINE_COMMON_BASE_ARENA_H

#include "common/base/span.h"

#define ARENA_BLOCK_BYTES 4096

struct arena_block;

struct arena_pool {
    struct arena_block *spares;
    size_t spare_count;
    size_t spare_max;
};

struct arena {
    struct arena_pool *pool;
    struct arena_block *blocks;
    uint8_t *at, *end;
    size_t taken_bytes; /* handed out, with what alignment cost */
};

void arena_pool_init(struct arena_pool *pool, size_t spare_max);
void arena_pool_release(struct arena_pool *pool);

void arena_init(struct arena *arena, struct arena_pool *pool);
void arena_release(struct arena *arena);

/* Uninitialised bytes, valid until arena_release. */
MUST_USE void *arena_alloc(struct arena *arena, size_t size_bytes);
/* Zeroed. */
MUST_USE void *arena_calloc(struct arena *arena, size_t count, size_t size_bytes);
#define arena_new(arena, type) ((type *)arena_calloc((arena), 1, sizeof(type)))

/* Copies; the result lives as long as the arena. */
struct span arena_copy(struct arena *arena, struct span bytes);
/* The same with ASCII letters lowered. */
struct span arena_copy_lower(struct arena *arena, struct span bytes);
/* A copy with a NUL behind it. */
char *arena_cstr(struct arena *arena, struct span bytes);

#endif
