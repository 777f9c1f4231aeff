/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_pick.c - the least burdened origin that is not set aside.
 */
#include "dataplane/origin/origin_pick.h"

#include "dataplane/origin/origin_int.h"

struct candidate {
    bool aside;
    uint64_t failed_at_ms; /* of those set aside: the longest rested first */
    size_t burden;         /* of the others: the least burdened first */
};

static struct candidate look_at(struct origin_pools *pools, const struct origin *origin)
{
    const struct origin_pool *pool = origin_pools_find(pools, origin);
    if (!pool)
        return (struct candidate){0};
    return (struct candidate){
        .aside = origin_health_aside(&pool->health, loop_now_ms(pools->options.loop)),
        .failed_at_ms = pool->health.failed_at_ms,
        .burden = pool->running_count + origin_pool_waiting(pool),
    };
}

static bool better(const struct candidate *a, const struct candidate *b)
{
    if (a->aside != b->aside)
        return b->aside;
    return a->aside ? a->failed_at_ms < b->failed_at_ms : a->burden < b->burden;
}

size_t origin_pick(struct origin_pools *pools, const struct origin *origins, size_t count,
                   uint64_t tried)
{
    ASSERT(count <= 64);
    if (count == 1)
        return tried & 1;

    size_t picked = count, turn = pools->turn++;
    struct candidate best = {0};
    for (size_t i = 0; i < count; i++) {
        size_t index = (turn + i) % count;
        if (tried >> index & 1)
            continue;
        struct candidate candidate = look_at(pools, &origins[index]);
        if (picked == count || better(&candidate, &best)) {
            picked = index;
            best = candidate;
        }
    }
    return picked;
}
