/* SPDX-License-Identifier: Apache-2.0 */
/* test_pace.c - who is late. */
#include "common/base/pace.h"

#include "tests/unit/common/base/dies.h"

static const struct pace_terms terms = {.grace_ms = 10000, .rate_bytes_s = 100};

static void nobody_is_late_before_the_grace_is_over(void **state)
{
    struct pace pace;
    (void)state;
    pace_begin(&pace, 5000);
    assert_false(pace_late(&pace, &terms, 14999));
    assert_true(pace_late(&pace, &terms, 15000));
}

static void what_is_moved_begins_it_anew(void **state)
{
    struct pace pace;
    (void)state;
    pace_begin(&pace, 0);
    pace.moved_bytes = 1000;
    assert_false(pace_late(&pace, &terms, 20000));
    pace.moved_bytes = 999;
    assert_false(pace_late(&pace, &terms, 29999));
    assert_true(pace_late(&pace, &terms, 30000));
}

static void any_pace_is_fine_without_a_rate(void **state)
{
    struct pace_terms any = {.grace_ms = 10, .rate_bytes_s = 0};
    struct pace pace;
    (void)state;
    pace_begin(&pace, 0);
    assert_false(pace_late(&pace, &any, 1000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_late_before_the_grace_is_over),
        cmocka_unit_test(what_is_moved_begins_it_anew),
        cmocka_unit_test(any_pace_is_fine_without_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
