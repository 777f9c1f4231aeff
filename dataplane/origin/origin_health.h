/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_health.h - how an origin has fared lately: dials that failed, HTTP/2 that broke.
 *
 * A failed dial sets the origin aside for 1 s, 2 s, 4 s, up to a minute; one that works clears
 * that.
 *
 * HTTP/2 that was announced and breaks is suspended:
 *
 *      SOUND --LIMIT_ORIGIN_H2_BREAKS within LIMIT_ORIGIN_H2_BREAKS_MS,--> SUSPENDED until_ms
 *        ^     or one that says that it was never spoken                    |
 *        |                                        until_ms has come         v
 *        '--------- an answer came: resumed ------------------------------ TRIED
 *                                                     one break: SUSPENDED again, twice as long
 *
 * How long is 1, 2, 4, ... times the first pause, up to LIMIT_ORIGIN_SUSPENDED_MAX_MS, less a
 * jitter of up to a quarter.  An origin that was sound for that long begins anew with the first.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_HEALTH_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct origin_health {
    unsigned failure_count; /* dials in a row */
    uint64_t failed_at_ms;
    uint64_t aside_until_ms;
};

void origin_health_failed(struct origin_health *health, uint64_t now_ms);
void origin_health_worked(struct origin_health *health);

static inline bool origin_health_aside(const struct origin_health *health, uint64_t now_ms)
{
    return health->failure_count > 0 && now_ms < health->aside_until_ms;
}

struct origin_suspension {
    unsigned break_count; /* since the last suspension */
    uint64_t broke_at_ms;
    unsigned count;    /* suspensions in a row; the next is this often doubled */
    bool open;         /* suspended, and not resumed since */
    uint64_t until_ms; /* 0: never */
};

/* HTTP/2 broke; `hopeless` is a break that the next connection would repeat.  Returns for how long
 * HTTP/2 is to be left alone, 0 for not yet. */
uint64_t origin_suspension_broke(struct origin_suspension *suspension, bool hopeless,
                                 uint64_t first_ms, uint64_t now_ms);
/* An answer came over HTTP/2: true when that ends a suspension. */
bool origin_suspension_worked(struct origin_suspension *suspension, uint64_t now_ms);

#endif
