/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_origin_knowledge.c - facts have places and ends, reasons have names.
 */
#include "common/model/origin_knowledge.h"

#include "tests/unit/common/model/cmocka_all.h"

static void facts_of_one_place_replace_each_other(void **state)
{
    (void)state;
    assert_int_equal(origin_fact_place(ORIGIN_FACT_H1), ORIGIN_PLACE_NEGOTIATED);
    assert_int_equal(origin_fact_place(ORIGIN_FACT_H2), ORIGIN_PLACE_NEGOTIATED);
    assert_int_equal(origin_fact_place(ORIGIN_FACT_H1_REQUIRED), ORIGIN_PLACE_RESTING);
    assert_int_equal(origin_fact_place(ORIGIN_FACT_H2_SUSPENDED), ORIGIN_PLACE_RESTING);
}

static void numbers_that_are_nothing_are_known_as_such(void **state)
{
    (void)state;
    assert_false(origin_fact_known(0));
    assert_true(origin_fact_known(ORIGIN_FACT_H1));
    assert_true(origin_fact_known(ORIGIN_FACT_H2_SUSPENDED));
    assert_false(origin_fact_known(5));
    assert_false(origin_reason_known(0));
    assert_true(origin_reason_known(ORIGIN_REASON_H2_RESUMED));
    assert_false(origin_reason_known(8));
}

static void a_fact_ends_when_its_time_has_come(void **state)
{
    (void)state;
    assert_int_equal(origin_fact_left_ms(ORIGIN_FACT_H2, 1060, 1000), 60000);
    assert_int_equal(origin_fact_left_ms(ORIGIN_FACT_H2, 1000, 1000), 0);
    assert_int_equal(origin_fact_left_ms(ORIGIN_FACT_H2, 0, 1000), 0);
}

static void a_clock_that_jumped_back_makes_no_fact_last_longer_than_it_may(void **state)
{
    (void)state;
    assert_int_equal(origin_fact_left_ms(ORIGIN_FACT_H1, 2000000, 1000), LIMIT_ORIGIN_PROTOCOL_MS);
    assert_int_equal(origin_fact_left_ms(ORIGIN_FACT_H2_SUSPENDED, UINT64_MAX, 0),
                     LIMIT_ORIGIN_SUSPENDED_MAX_MS);
}

static void reasons_have_slugs(void **state)
{
    (void)state;
    assert_string_equal(origin_reason_slug(ORIGIN_REASON_H2_NO_SETTINGS), "h2_no_settings");
    assert_string_equal(origin_reason_slug(ORIGIN_REASON_H2_RESUMED), "h2_resumed");
    assert_string_equal(origin_reason_slug(ORIGIN_REASON_NONE), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_one_place_replace_each_other),
        cmocka_unit_test(numbers_that_are_nothing_are_known_as_such),
        cmocka_unit_test(a_fact_ends_when_its_time_has_come),
        cmocka_unit_test(a_clock_that_jumped_back_makes_no_fact_last_longer_than_it_may),
        cmocka_unit_test(reasons_have_slugs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
