/* SPDX-License-Identifier: Apache-2.0 */
/* test_origin_budget.c - retries are a part of the requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/model/limits.h"
#include "dataplane/origin/origin_budget.h"

#define NOW_MS 1000000

static unsigned retries_until_refused(struct origin_budget *budget, uint64_t now_ms)
{
    unsigned count = 0;
    while (count < 100000 && origin_budget_retry(budget, now_ms))
        count++;
    return count;
}

static void a_quiet_origin_has_the_free_ones(void **state)
{
    (void)state;
    struct origin_budget budget = {0};
    assert_int_equal(retries_until_refused(&budget, NOW_MS), LIMIT_ORIGIN_RETRY_FREE);
    assert_false(origin_budget_retry(&budget, NOW_MS));
}

static void a_busy_origin_has_a_part_of_its_requests_more(void **state)
{
    (void)state;
    struct origin_budget budget = {0};
    for (unsigned i = 0; i < 10000; i++)
        origin_budget_request(&budget, NOW_MS + i / 10);
    assert_int_equal(retries_until_refused(&budget, NOW_MS + 1000),
                     LIMIT_ORIGIN_RETRY_FREE + 100 * LIMIT_ORIGIN_RETRY_PERCENT);
}

static void what_is_older_than_the_window_counts_no_more(void **state)
{
    (void)state;
    struct origin_budget budget = {0};
    (void)retries_until_refused(&budget, NOW_MS);
    assert_false(origin_budget_retry(&budget, NOW_MS + LIMIT_ORIGIN_RETRY_WINDOW_MS / 2));
    assert_true(origin_budget_retry(&budget, NOW_MS + LIMIT_ORIGIN_RETRY_WINDOW_MS));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_quiet_origin_has_the_free_ones),
        cmocka_unit_test(a_busy_origin_has_a_part_of_its_requests_more),
        cmocka_unit_test(what_is_older_than_the_window_counts_no_more),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
