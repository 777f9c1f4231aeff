/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_budget.h - how many requests may be sent to one origin again.
 *
 * A dying origin must not get every request twice: over LIMIT_ORIGIN_RETRY_WINDOW_MS the retries
 * are at most LIMIT_ORIGIN_RETRY_FREE and LIMIT_ORIGIN_RETRY_PERCENT of the requests.  Two halves
 * follow each other, so that what is counted is never older than the window.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_BUDGET_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed before the first use. */
struct origin_budget {
    uint64_t half_since_ms;
    uint64_t requests[2], retries[2]; /* [0]: of the running half */
};

void origin_budget_request(struct origin_budget *budget, uint64_t now_ms);
/* Counts one retry; false when none is left, and nothing was counted. */
bool origin_budget_retry(struct origin_budget *budget, uint64_t now_ms);

#endif
