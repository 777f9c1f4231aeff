/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_health.h - how an origin has fared lately: dials that failed, HTTP/2 that broke.
 *
 * A failed dial sets the origin aside for 1 s, 2 s, 4 s, up to a minute; one that works clears
 * that. HTTP/2 that was announced and broke three times is suspended for a minute, then for longer.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_HEALTH_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct origin_health {
    unsigned failure_count; /* dials in a row */
    uint64_t failed_at_ms;
    uint64_t aside_until_ms;
    unsigned h2_broken_count;
};

void origin_health_failed(struct origin_health *health, uint64_t now_ms);
void origin_health_worked(struct origin_health *health);

static inline bool origin_health_aside(const struct origin_health *health, uint64_t now_ms)
{
    return health->failure_count > 0 && now_ms < health->aside_until_ms;
}

/* Counts one more breakage; returns for how long HTTP/2 is to be left alone, 0 for not yet. */
uint64_t origin_health_h2_broken(struct origin_health *health);
/* An HTTP/2 connection did its work to the end. */
void origin_health_h2_worked(struct origin_health *health);

#endif
