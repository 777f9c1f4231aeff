/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_abuse.h - what one connection may do to us that costs it nothing.
 *
 * A budget is a token bucket: a burst, and so many a second.  Frames that are cheap to send and
 * dear to receive spend from one; an empty bucket ends the connection with ENHANCE_YOUR_CALM.
 *
 *      RESET      RST_STREAM that came, and those that the peer's errors made us send (not: an
 *                 origin's first RST_STREAM of a stream, which costs it a request of ours)
 *      SETTINGS   SETTINGS that came
 *      PING       PING that came; full again when DATA was sent (gRPC probes bandwidth with PING)
 *      WINDOW     WINDOW_UPDATE that came; full again when DATA or HEADERS were sent
 *      GLITCH     what has no effect: PRIORITY, frames of unknown types, empty DATA, GOAWAY, the
 * ack of a PING, HEADERS for streams that are gone DECODED    bytes of visitors' header blocks
 * after HPACK, past LIMIT_H2_HEAD_FREE_BYTES of each: a few bytes on the wire may be thousands
 *
 * One budget is our own: CANCEL paces the RST_STREAM that we send to an origin, which would take
 * the whole connection for a flood of them otherwise (security.md 2.2).
 *
 * Limits: LIMIT_H2_<budget>_BURST, LIMIT_H2_<budget>_PER_S.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_ABUSE_H
#define TRUNKLINE_DATAPLANE_H2_H2_ABUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/assert.h"
#include "common/model/counter_table.h"

enum h2_budget {
    H2_BUDGET_RESET,
    H2_BUDGET_SETTINGS,
    H2_BUDGET_PING,
    H2_BUDGET_WINDOW,
    H2_BUDGET_GLITCH,
    H2_BUDGET_DECODED,
    H2_BUDGET_CANCEL,
    H2_BUDGET_COUNT
};

struct h2_abuse {
    uint64_t filled_at_ms[H2_BUDGET_COUNT];
    uint32_t millitokens[H2_BUDGET_COUNT];
};

/* All buckets full. */
void h2_abuse_init(struct h2_abuse *abuse, uint64_t now_ms);
/* Takes so many tokens; false, and nothing is taken, when there are fewer. */
MUST_USE bool h2_abuse_take(struct h2_abuse *abuse, enum h2_budget budget, uint32_t count,
                            uint64_t now_ms);
static inline MUST_USE bool h2_abuse_spend(struct h2_abuse *abuse, enum h2_budget budget,
                                           uint64_t now_ms)
{
    return h2_abuse_take(abuse, budget, 1, now_ms);
}
/* The bucket is full again. */
void h2_abuse_fill(struct h2_abuse *abuse, enum h2_budget budget);
/* What a visitor's empty bucket counts as. */
enum counter h2_abuse_counter(enum h2_budget budget);

#endif
