/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - whether somebody whose turn it is moves bytes fast enough.
 *
 *      begin --[moved enough for a whole grace_ms]--> begin anew
 *        '-----[grace_ms have passed without]-------> late
 *
 * Whoever measures asks every PACE_CHECK_MS of the terms, and begins anew when the turn changes, so
 * that nobody pays for another one's silence.
 */
#ifndef TRUNKLINE_COMMON_BASE_PACE_H
#define TRUNKLINE_COMMON_BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace_terms {
    uint64_t grace_ms;     /* over which it is measured */
    uint64_t rate_bytes_s; /* 0: any pace */
};

#define PACE_CHECK_MS(terms) ((terms)->grace_ms / 4 + 1)

struct pace {
    uint64_t since_ms;
    uint64_t moved_bytes; /* since then */
};

static inline void pace_begin(struct pace *pace, uint64_t now_ms)
{
    *pace = (struct pace){.since_ms = now_ms};
}

static inline bool pace_late(struct pace *pace, const struct pace_terms *terms, uint64_t now_ms)
{
    if (pace->moved_bytes * 1000 >= terms->rate_bytes_s * terms->grace_ms) {
        pace_begin(pace, now_ms);
        return false;
    }
    return now_ms - pace->since_ms >= terms->grace_ms;
}

#endif
