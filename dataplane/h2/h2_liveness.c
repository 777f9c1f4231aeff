/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_liveness.c - when to ask, and when silence is an answer.
 */
#include "dataplane/h2/h2_liveness.h"

#include "common/model/limits.h"

bool h2_liveness_due(const struct h2_liveness *liveness, uint64_t heard_at_ms, uint64_t now_ms,
                     bool starting)
{
    if (liveness->asking || now_ms - heard_at_ms < LIMIT_ORIGIN_QUIET_MS)
        return false;
    bool answers_only = liveness->pinged_at_ms != 0 && heard_at_ms <= liveness->answered_at_ms;
    return starting || !answers_only ||
           now_ms - liveness->pinged_at_ms >= LIMIT_ORIGIN_PING_AGAIN_MS;
}

void h2_liveness_ask(struct h2_liveness *liveness, uint64_t now_ms)
{
    liveness->pinged_at_ms = now_ms;
    liveness->asking = true;
}

void h2_liveness_answered(struct h2_liveness *liveness, uint64_t now_ms)
{
    liveness->answered_at_ms = now_ms;
    liveness->asking = false;
}

bool h2_liveness_dead(const struct h2_liveness *liveness, uint64_t heard_at_ms, uint64_t now_ms)
{
    uint64_t since_ms = heard_at_ms > liveness->pinged_at_ms ? heard_at_ms : liveness->pinged_at_ms;
    return liveness->asking && now_ms - since_ms >= LIMIT_ORIGIN_PING_MS;
}
