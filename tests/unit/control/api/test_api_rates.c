/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api_rates.c - callers count apart, and a flood of callers takes no memory.
 */
#include "control/api/api_rates.h"

#include <stdio.h>

#include "common/model/limits.h"
#include "tests/unit/common/model/cmocka_all.h"

static struct api_rate rate;

static void a_caller_has_his_quota_and_no_more(void **state)
{
    (void)state;
    struct api_rates *rates = api_rates_new(2);
    assert_true(api_rates_spend(rates, API_RATE_TOKEN, SPAN("a"), &rate));
    assert_true(api_rates_spend(rates, API_RATE_TOKEN, SPAN("a"), &rate));
    assert_int_equal(rate.left, 0);
    assert_false(api_rates_spend(rates, API_RATE_TOKEN, SPAN("a"), &rate));
    assert_in_range(rate.reset_s, 1, LIMIT_API_RATE_WINDOW_S);
    assert_true(api_rates_spend(rates, API_RATE_TOKEN, SPAN("b"), &rate));
    assert_true(api_rates_spend(rates, API_RATE_ADDRESS, SPAN("a"), &rate));
    api_rates_free(&rates);
    assert_null(rates);
}

static void without_a_quota_nothing_is_counted(void **state)
{
    (void)state;
    struct api_rates *rates = api_rates_new(0);
    rate.limited = false;
    for (int i = 0; i < 10; i++)
        assert_true(api_rates_spend(rates, API_RATE_TOKEN, SPAN("a"), &rate));
    assert_true(api_rates_spend(NULL, API_RATE_TOKEN, SPAN("a"), &rate));
    assert_false(rate.limited);
    api_rates_free(&rates);
}

static void a_flood_of_callers_pushes_out_the_oldest_only(void **state)
{
    (void)state;
    struct api_rates *rates = api_rates_new(1);
    char name[16];
    size_t kept = 0;
    for (unsigned i = 0; i < 2 * LIMIT_API_RATE_CALLERS; i++) {
        size_t len = (size_t)snprintf(name, sizeof(name), "caller-%u", i);
        assert_true(api_rates_spend(rates, API_RATE_TOKEN, span_of(name, len), &rate));
        kept += !api_rates_spend(rates, API_RATE_TOKEN, span_of(name, len), &rate);
    }
    /* Who has just come is known, however many came before. */
    assert_int_equal(kept, 2 * LIMIT_API_RATE_CALLERS);
    api_rates_free(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caller_has_his_quota_and_no_more),
        cmocka_unit_test(without_a_quota_nothing_is_counted),
        cmocka_unit_test(a_flood_of_callers_pushes_out_the_oldest_only),
    };
    return cmocka_run_group_tests_name("api_rates", tests, NULL, NULL);
}
