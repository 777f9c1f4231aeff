/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_abuse.c - token buckets against frames that cost their sender nothing.
 */
#include "dataplane/h2/h2_abuse.h"

#include "common/model/limits.h"

static const struct {
    uint32_t burst, per_s;
} BUDGETS[H2_BUDGET_COUNT] = {
    [H2_BUDGET_RESET] = {LIMIT_H2_RESET_BURST, LIMIT_H2_RESET_PER_S},
    [H2_BUDGET_SETTINGS] = {LIMIT_H2_SETTINGS_BURST, LIMIT_H2_SETTINGS_PER_S},
    [H2_BUDGET_PING] = {LIMIT_H2_PING_BURST, LIMIT_H2_PING_PER_S},
    [H2_BUDGET_CANCEL] = {LIMIT_H2_CANCEL_BURST, LIMIT_H2_CANCEL_PER_S},
    [H2_BUDGET_GLITCH] = {LIMIT_H2_GLITCH_BURST, LIMIT_H2_GLITCH_PER_S},
};

void h2_abuse_init(struct h2_abuse *abuse, uint64_t now_ms)
{
    for (int b = 0; b < H2_BUDGET_COUNT; b++) {
        abuse->filled_at_ms[b] = now_ms;
        h2_abuse_fill(abuse, (enum h2_budget)b);
    }
}

bool h2_abuse_spend(struct h2_abuse *abuse, enum h2_budget budget, uint64_t now_ms)
{
    uint64_t earned = (now_ms - abuse->filled_at_ms[budget]) * BUDGETS[budget].per_s;
    uint64_t held = abuse->millitokens[budget] + earned;
    uint64_t held_max = (uint64_t)BUDGETS[budget].burst * 1000;
    if (held > held_max)
        held = held_max;
    abuse->filled_at_ms[budget] = now_ms;
    bool paid = held >= 1000;
    abuse->millitokens[budget] = (uint32_t)(paid ? held - 1000 : held);
    return paid;
}

void h2_abuse_fill(struct h2_abuse *abuse, enum h2_budget budget)
{
    abuse->millitokens[budget] = BUDGETS[budget].burst * 1000;
}
