/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h - hash map from bytes to a pointer, seeded so that nobody outside can build collisions.
 *
 * Keys are borrowed: the value usually contains its own key, which must stay put while mapped.
 * Open addressing, grows by doubling; iteration order means nothing.
 */
#ifndef TRUNKLINE_COMMON_BASE_MAP_H
#define TRUNKLINE_COMMON_BASE_MAP_H

#include "common/base/span.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t count, used, cap; /* used counts tombstones too */
    uint64_t seed[2];
};

/* Seeds from the system's random source. */
void map_init(struct map *map);
void map_release(struct map *map);

/* NULL when absent. */
void *map_get(const struct map *map, struct span key);
/* Keeps key (borrowed memory) and value; returns the value that was there before, or NULL.  The
 * key of the new value replaces the old key. */
void *map_put(struct map *map, struct span key, void *value);
/* Returns what was there, or NULL. */
void *map_remove(struct map *map, struct span key);

/* Walks all values: start with *at = 0, ends with NULL.  The value just returned may be removed. */
void *map_next(const struct map *map, size_t *at);

/* SipHash-1-3 of the bytes; for tables that are not maps. */
uint64_t map_hash(const uint64_t seed[2], struct span key);

#endif
