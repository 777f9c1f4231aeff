/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_liveness.c - when to ask, and when silence is an answer.
 */
#include "dataplane/h2/h2_liveness.h"

#include "common/model/limits.h"

void h2_liveness_every(struct h2_liveness *liveness, uint64_t interval_ms, uint64_t now_ms)
{
    if (liveness->interval_ms == interval_ms)
        return;
    liveness->interval_ms = interval_ms;
    liveness->interval_from_ms = now_ms;
}

uint64_t h2_liveness_wait_ms(const struct h2_liveness *liveness, uint64_t now_ms)
{
    if (liveness->interval_ms == 0 || liveness->asking)
        return UINT64_MAX;
    uint64_t from_ms = liveness->interval_from_ms;
    if (liveness->pinged_at_ms > from_ms)
        from_ms = liveness->pinged_at_ms;
    uint64_t at_ms = from_ms + liveness->interval_ms;
    return at_ms > now_ms ? at_ms - now_ms : 0;
}

bool h2_liveness_due(const struct h2_liveness *liveness, uint64_t heard_at_ms, uint64_t now_ms,
                     bool starting)
{
    if (h2_liveness_wait_ms(liveness, now_ms) == 0)
        return true;
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
