/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_abuse.c - token buckets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/model/limits.h"
#include "dataplane/h2/h2_abuse.h"

static int spent(struct h2_abuse *abuse, enum h2_budget budget, uint64_t now_ms)
{
    int count = 0;
    while (h2_abuse_spend(abuse, budget, now_ms))
        count++;
    return count;
}

static void each_budget_is_its_burst(void **state)
{
    (void)state;
    struct h2_abuse abuse;
    h2_abuse_init(&abuse, 1000);

    assert_int_equal(spent(&abuse, H2_BUDGET_RESET, 1000), LIMIT_H2_RESET_BURST);
    assert_int_equal(spent(&abuse, H2_BUDGET_SETTINGS, 1000), LIMIT_H2_SETTINGS_BURST);
    assert_int_equal(spent(&abuse, H2_BUDGET_PING, 1000), LIMIT_H2_PING_BURST);
    assert_int_equal(spent(&abuse, H2_BUDGET_GLITCH, 1000), LIMIT_H2_GLITCH_BURST);
}

static void tokens_come_back_with_time_and_never_past_the_burst(void **state)
{
    (void)state;
    struct h2_abuse abuse;
    h2_abuse_init(&abuse, 0);
    assert_int_equal(spent(&abuse, H2_BUDGET_RESET, 0), LIMIT_H2_RESET_BURST);

    assert_int_equal(spent(&abuse, H2_BUDGET_RESET, 1000), LIMIT_H2_RESET_PER_S);
    assert_int_equal(spent(&abuse, H2_BUDGET_RESET, 1010), 0);
    assert_int_equal(spent(&abuse, H2_BUDGET_RESET, 1050), 1);
    assert_int_equal(spent(&abuse, H2_BUDGET_RESET, UINT32_MAX), LIMIT_H2_RESET_BURST);
}

static void a_filled_bucket_is_full(void **state)
{
    (void)state;
    struct h2_abuse abuse;
    h2_abuse_init(&abuse, 0);
    spent(&abuse, H2_BUDGET_PING, 0);

    h2_abuse_fill(&abuse, H2_BUDGET_PING);

    assert_int_equal(spent(&abuse, H2_BUDGET_PING, 0), LIMIT_H2_PING_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_budget_is_its_burst),
        cmocka_unit_test(tokens_come_back_with_time_and_never_past_the_burst),
        cmocka_unit_test(a_filled_bucket_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
