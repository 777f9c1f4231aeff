/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - hash map from bytes to a pointer: SipHash-1-3, linear probing, tombstones.
 */
#include "common/base/map.h"

#include <endian.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/random.h"

#define FIRST_CAP 16

/* Two hashes are set aside to say what a slot without a value is. */
enum { SLOT_EMPTY, SLOT_TOMBSTONE, SLOT_HASHES };

struct map_slot {
    uint64_t hash;
    struct span key;
    void *value;
};

void map_init(struct map *map)
{
    *map = (struct map){0};
    random_bytes(map->seed, sizeof(map->seed));
}

void map_release(struct map *map)
{
    mem_free(&map->slots);
    map->count = map->used = map->cap = 0;
}

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

uint64_t map_hash(const uint64_t seed[2], struct span key)
{
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
                     seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573};
    size_t whole = key.len & ~(size_t)7;
    uint64_t word;

    for (size_t at = 0; at < whole; at += sizeof(word)) {
        memcpy(&word, key.ptr + at, sizeof(word));
        sip_word(v, le64toh(word));
    }
    word = (uint64_t)key.len << 56;
    for (size_t at = whole; at < key.len; at++)
        word |= (uint64_t)key.ptr[at] << 8 * (at & 7);
    sip_word(v, word);

    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t slot_hash(const struct map *map, struct span key)
{
    uint64_t hash = map_hash(map->seed, key);
    return hash < SLOT_HASHES ? hash + SLOT_HASHES : hash;
}

static struct map_slot *find_slot(const struct map *map, uint64_t hash, struct span key)
{
    if (map->cap == 0)
        return NULL;
    for (size_t at = hash & (map->cap - 1);; at = (at + 1) & (map->cap - 1)) {
        struct map_slot *slot = &map->slots[at];
        if (slot->hash == SLOT_EMPTY)
            return NULL;
        if (slot->hash == hash && span_equal(slot->key, key))
            return slot;
    }
}

/* There is no slot with this key, and one slot at least is empty. */
static void insert(struct map *map, struct map_slot slot)
{
    size_t at = slot.hash & (map->cap - 1);
    while (map->slots[at].hash >= SLOT_HASHES)
        at = (at + 1) & (map->cap - 1);
    if (map->slots[at].hash == SLOT_EMPTY)
        map->used++;
    map->slots[at] = slot;
    map->count++;
}

/* Doubles, or only sweeps the tombstones out where most slots are not in use. */
static void rehash(struct map *map)
{
    struct map_slot *old_slots = map->slots;
    size_t old_cap = map->cap;

    if (old_cap == 0)
        map->cap = FIRST_CAP;
    else if (map->count * 2 >= old_cap)
        map->cap = old_cap * 2;
    map->slots = mem_calloc(map->cap, sizeof(*map->slots));
    map->count = map->used = 0;
    for (size_t i = 0; i < old_cap; i++) {
        if (old_slots[i].hash >= SLOT_HASHES)
            insert(map, old_slots[i]);
    }
    free(old_slots);
}

void *map_get(const struct map *map, struct span key)
{
    if (map->count == 0)
        return NULL;
    const struct map_slot *slot = find_slot(map, slot_hash(map, key), key);
    return slot ? slot->value : NULL;
}

void *map_put(struct map *map, struct span key, void *value)
{
    ASSERT(value != NULL);
    uint64_t hash = slot_hash(map, key);
    struct map_slot *slot = find_slot(map, hash, key);
    if (slot) {
        void *old_value = slot->value;
        slot->key = key;
        slot->value = value;
        return old_value;
    }
    if ((map->used + 1) * 4 > map->cap * 3)
        rehash(map);
    insert(map, (struct map_slot){hash, key, value});
    return NULL;
}

/* Never moves another slot, so that a walk may remove what it just met. */
void *map_remove(struct map *map, struct span key)
{
    if (map->count == 0)
        return NULL;
    struct map_slot *slot = find_slot(map, slot_hash(map, key), key);
    if (!slot)
        return NULL;

    void *value = slot->value;
    size_t next = (size_t)(slot - map->slots + 1) & (map->cap - 1);
    bool chain_ends = map->slots[next].hash == SLOT_EMPTY;
    *slot = (struct map_slot){.hash = chain_ends ? SLOT_EMPTY : SLOT_TOMBSTONE};
    map->used -= chain_ends;
    map->count--;
    return value;
}

void *map_next(const struct map *map, size_t *at)
{
    while (*at < map->cap) {
        const struct map_slot *slot = &map->slots[(*at)++];
        if (slot->hash >= SLOT_HASHES)
            return slot->value;
    }
    return NULL;
}
