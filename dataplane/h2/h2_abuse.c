/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_abuse.c - token buckets against frames that cost their sender nothing.
 */
#include "dataplane/h2/h2_abuse.h"

#include "common/model/limits.h"

static const struct {
    uint32_t burst, per_s;
    enum counter counter;
} BUDGETS[H2_BUDGET_COUNT] = {
    [H2_BUDGET_RESET] = {LIMIT_H2_RESET_BURST, LIMIT_H2_RESET_PER_S, COUNTER_H2_RESET_FLOODS},
    [H2_BUDGET_SETTINGS] = {LIMIT_H2_SETTINGS_BURST, LIMIT_H2_SETTINGS_PER_S,
                            COUNTER_H2_SETTINGS_FLOODS},
    [H2_BUDGET_PING] = {LIMIT_H2_PING_BURST, LIMIT_H2_PING_PER_S, COUNTER_H2_PING_FLOODS},
    [H2_BUDGET_WINDOW] = {LIMIT_H2_WINDOW_BURST, LIMIT_H2_WINDOW_PER_S, COUNTER_H2_WINDOW_FLOODS},
    [H2_BUDGET_GLITCH] = {LIMIT_H2_GLITCH_BURST, LIMIT_H2_GLITCH_PER_S, COUNTER_H2_GLITCH_FLOODS},
    [H2_BUDGET_DECODED] = {LIMIT_H2_DECODED_BURST, LIMIT_H2_DECODED_PER_S, COUNTER_H2_BLOCK_FLOODS},
    [H2_BUDGET_CANCEL] = {LIMIT_H2_CANCEL_BURST, LIMIT_H2_CANCEL_PER_S,
                          COUNTER_H2_RESET_FLOODS}, /* our own: never an attack */
};

#define MILLI 1000
_Static_assert((uint64_t)LIMIT_H2_DECODED_BURST *MILLI <= UINT32_MAX, "the largest bucket fits");

void h2_abuse_init(struct h2_abuse *abuse, uint64_t now_ms)
{
    for (int b = 0; b < H2_BUDGET_COUNT; b++) {
        abuse->filled_at_ms[b] = now_ms;
        h2_abuse_fill(abuse, (enum h2_budget)b);
    }
}

bool h2_abuse_take(struct h2_abuse *abuse, enum h2_budget budget, uint32_t count, uint64_t now_ms)
{
    uint64_t price = (uint64_t)count * MILLI;
    uint64_t earned = (now_ms - abuse->filled_at_ms[budget]) * BUDGETS[budget].per_s;
    uint64_t held = abuse->millitokens[budget] + earned;
    uint64_t held_max = (uint64_t)BUDGETS[budget].burst * MILLI;
    if (held > held_max)
        held = held_max;
    abuse->filled_at_ms[budget] = now_ms;
    bool paid = held >= price;
    abuse->millitokens[budget] = (uint32_t)(paid ? held - price : held);
    return paid;
}

void h2_abuse_fill(struct h2_abuse *abuse, enum h2_budget budget)
{
    abuse->millitokens[budget] = BUDGETS[budget].burst * MILLI;
}

enum counter h2_abuse_counter(enum h2_budget budget)
{
    return BUDGETS[budget].counter;
}
