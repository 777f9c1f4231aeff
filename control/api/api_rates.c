/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_rates.c - windows in sets of WAYS.
 */
#include "control/api/api_rates.h"

#include <pthread.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/model/digest.h"
#include "common/model/limits.h"

#define WAYS 8
#define SETS (LIMIT_API_RATE_CALLERS / WAYS)
#define WINDOW_MS (LIMIT_API_RATE_WINDOW_S * 1000ull)

_Static_assert((SETS & (SETS - 1)) == 0, "sets are chosen by bits");

struct window {
    uint64_t who; /* of the digest; 0: free */
    uint64_t ends_ms;
    uint64_t count;
};

struct api_rates {
    pthread_mutex_t lock;
    uint64_t quota;
    struct window sets[SETS][WAYS];
};

struct api_rates *api_rates_new(uint64_t quota)
{
    struct api_rates *rates = mem_new(struct api_rates);
    ASSERT(pthread_mutex_init(&rates->lock, NULL) == 0);
    rates->quota = quota;
    return rates;
}

void api_rates_free(struct api_rates **rates)
{
    if (!*rates)
        return;
    ASSERT(pthread_mutex_destroy(&(*rates)->lock) == 0);
    mem_free(rates);
}

/* Callers of one kind do not meet those of another. */
static uint64_t caller_key(enum api_rate_caller caller, struct span who)
{
    uint64_t key;
    struct digest digest = digest_of(who);
    memcpy(&key, digest.bytes, sizeof(key));
    key += (uint64_t)caller * 0x9e3779b97f4a7c15u;
    return key ? key : 1;
}

static struct window *find_window(struct api_rates *rates, uint64_t key, uint64_t now_ms)
{
    struct window *set = rates->sets[key & (SETS - 1)], *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].who == key) {
            oldest = &set[i];
            break;
        }
        if (set[i].ends_ms < oldest->ends_ms)
            oldest = &set[i];
    }
    if (oldest->who != key || oldest->ends_ms <= now_ms)
        *oldest = (struct window){.who = key, .ends_ms = now_ms + WINDOW_MS};
    return oldest;
}

static bool spend(struct api_rates *rates, uint64_t key, uint64_t quota, struct api_rate *out)
{
    uint64_t now_ms = clock_mono_ms();
    ASSERT(pthread_mutex_lock(&rates->lock) == 0);
    struct window *window = find_window(rates, key, now_ms);
    bool open = window->count < quota;
    if (open)
        window->count++;
    *out = (struct api_rate){
        .quota = quota,
        .left = quota - window->count,
        .reset_s = (window->ends_ms - now_ms + 999) / 1000,
        .limited = true,
    };
    ASSERT(pthread_mutex_unlock(&rates->lock) == 0);
    return open;
}

bool api_rates_spend(struct api_rates *rates, enum api_rate_caller caller, struct span who,
                     struct api_rate *out)
{
    static const uint64_t factors[] = {
        [API_RATE_TOKEN] = 1, [API_RATE_OPERATOR] = 100, [API_RATE_ADDRESS] = 10};
    if (!rates || rates->quota == 0)
        return true;
    return spend(rates, caller_key(caller, who), rates->quota * factors[caller], out);
}
