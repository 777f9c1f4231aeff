/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_ray.c - ids of exchanges.
 */
#include "dataplane/proxy/proxy_ray.h"

#include "common/base/random.h"

#define RAY_DIGITS 16

void proxy_rays_init(struct proxy_rays *rays)
{
    random_bytes(&rays->seed, sizeof(rays->seed));
    rays->counter = 0;
}

/* The finisher of splitmix64: a bijection, so that no two counts give one id. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

struct span proxy_rays_next(struct proxy_rays *rays, struct span edge_id, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t id = mix(rays->seed + ++rays->counter);
    uint8_t *text = arena_alloc(arena, RAY_DIGITS + 1 + edge_id.len);

    for (size_t i = 0; i < RAY_DIGITS; i++)
        text[i] = (uint8_t)digits[id >> (60 - 4 * i) & 15];
    text[RAY_DIGITS] = '-';
    if (edge_id.len > 0)
        memcpy(text + RAY_DIGITS + 1, edge_id.ptr, edge_id.len);
    return span_of(text, RAY_DIGITS + 1 + edge_id.len);
}
