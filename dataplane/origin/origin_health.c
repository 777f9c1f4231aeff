/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_health.c - failures in a row become pauses.
 */
#include "dataplane/origin/origin_health.h"

#include "common/base/random.h"
#include "common/model/limits.h"

#define ASIDE_FIRST_MS 1000
#define ASIDE_DOUBLINGS_MAX 6
#define SUSPENDED_DOUBLINGS_MAX 16

static uint64_t doubled(uint64_t first_ms, unsigned times, unsigned times_max)
{
    return first_ms << (times < times_max ? times : times_max);
}

void origin_health_failed(struct origin_health *health, uint64_t now_ms)
{
    health->failed_at_ms = now_ms;
    health->aside_until_ms =
        now_ms + doubled(ASIDE_FIRST_MS, health->failure_count, ASIDE_DOUBLINGS_MAX);
    health->failure_count++;
}

void origin_health_worked(struct origin_health *health)
{
    health->failure_count = 0;
}

/* ---- HTTP/2 */

static uint64_t pause_ms(unsigned count, uint64_t first_ms)
{
    uint64_t pause = doubled(first_ms, count, SUSPENDED_DOUBLINGS_MAX);
    if (pause > LIMIT_ORIGIN_SUSPENDED_MAX_MS)
        pause = LIMIT_ORIGIN_SUSPENDED_MAX_MS;
    return pause - random_below(pause / 4 + 1);
}

/* What was long ago says nothing about today. */
static void forget_old(struct origin_suspension *suspension, uint64_t now_ms)
{
    if (now_ms - suspension->broke_at_ms > LIMIT_ORIGIN_H2_BREAKS_MS)
        suspension->break_count = 0;
    if (!suspension->open && now_ms > suspension->until_ms + LIMIT_ORIGIN_SUSPENDED_MAX_MS)
        suspension->count = 0;
}

uint64_t origin_suspension_broke(struct origin_suspension *suspension, bool hopeless,
                                 uint64_t first_ms, uint64_t now_ms)
{
    forget_old(suspension, now_ms);
    suspension->broke_at_ms = now_ms;
    /* Connections that were open before go on to break: they prove nothing new. */
    if (now_ms < suspension->until_ms)
        return 0;
    suspension->break_count++;
    if (!hopeless && !suspension->open && suspension->break_count < LIMIT_ORIGIN_H2_BREAKS)
        return 0;
    uint64_t suspended_ms = pause_ms(suspension->count, first_ms);
    suspension->break_count = 0;
    suspension->count++;
    suspension->open = true;
    suspension->until_ms = now_ms + suspended_ms;
    return suspended_ms;
}

bool origin_suspension_worked(struct origin_suspension *suspension, uint64_t now_ms)
{
    if (!suspension->open || now_ms < suspension->until_ms)
        return false;
    suspension->open = false;
    return true;
}
