/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_rates.h - how many requests a caller may send in a window, and how many are left.
 *
 *      who                        may send in LIMIT_API_RATE_WINDOW_S
 *      a token, a session         the quota (`--rate-limit`)
 *      the same of an operator    100 times that: they run the platform's automation
 *      an address, refused        10 times that, of requests that do not say who they are, or lie
 *
 * Windows are fixed and begin with a caller's first request.  The table is a set-associative cache:
 * a new caller takes the place of one whose window is over, else of the one nearest to its end; who
 * is pushed out starts anew, so a flood of addresses buys guesses, never memory.
 *
 * Threads: any; one lock, held for a few instructions.
 * Limits:  LIMIT_API_RATE_CALLERS.
 */
#ifndef TRUNKLINE_CONTROL_API_API_RATES_H
#define TRUNKLINE_CONTROL_API_API_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

struct api_rates;

/* What a reply says of it. */
struct api_rate {
    uint64_t quota, left, reset_s;
    bool limited; /* false: nothing was counted, or there is no limit */
};

/* quota 0: no limit. */
struct api_rates *api_rates_new(uint64_t quota);
void api_rates_free(struct api_rates **rates);

enum api_rate_caller { API_RATE_TOKEN, API_RATE_OPERATOR, API_RATE_ADDRESS };

/* Counts one request of `who`; false when that was one too many.  rates may be NULL. */
bool api_rates_spend(struct api_rates *rates, enum api_rate_caller caller, struct span who,
                     struct api_rate *out);
#endif
