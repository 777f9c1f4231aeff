/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_budget.c - requests and retries of the last window, in two halves.
 */
#include "dataplane/origin/origin_budget.h"

#include "common/model/limits.h"

#define HALF_MS (LIMIT_ORIGIN_RETRY_WINDOW_MS / 2)

static void turn_over(struct origin_budget *budget, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - budget->half_since_ms;
    if (passed_ms < HALF_MS)
        return;
    bool follows = passed_ms < 2 * HALF_MS;
    budget->requests[1] = follows ? budget->requests[0] : 0;
    budget->retries[1] = follows ? budget->retries[0] : 0;
    budget->requests[0] = budget->retries[0] = 0;
    budget->half_since_ms = now_ms;
}

void origin_budget_request(struct origin_budget *budget, uint64_t now_ms)
{
    turn_over(budget, now_ms);
    budget->requests[0]++;
}

bool origin_budget_retry(struct origin_budget *budget, uint64_t now_ms)
{
    turn_over(budget, now_ms);
    uint64_t requests = budget->requests[0] + budget->requests[1];
    uint64_t retries = budget->retries[0] + budget->retries[1];
    uint64_t allowed = LIMIT_ORIGIN_RETRY_FREE + requests * LIMIT_ORIGIN_RETRY_PERCENT / 100;
    if (retries >= allowed)
        return false;
    budget->retries[0]++;
    return true;
}
