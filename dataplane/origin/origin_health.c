/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_health.c - failures in a row become pauses.
 */
#include "dataplane/origin/origin_health.h"

#define ASIDE_FIRST_MS 1000
#define ASIDE_DOUBLINGS_MAX 6
#define H2_BROKEN_ALLOWED 2
#define H2_SUSPENDED_FIRST_MS 60000
#define H2_SUSPENDED_DOUBLINGS_MAX 6

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

uint64_t origin_health_h2_broken(struct origin_health *health)
{
    if (++health->h2_broken_count <= H2_BROKEN_ALLOWED)
        return 0;
    return doubled(H2_SUSPENDED_FIRST_MS, health->h2_broken_count - H2_BROKEN_ALLOWED - 1,
                   H2_SUSPENDED_DOUBLINGS_MAX);
}

void origin_health_h2_worked(struct origin_health *health)
{
    health->h2_broken_count = 0;
}
