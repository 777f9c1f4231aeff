/* SPDX-License-Identifier: Apache-2.0 */
/* test_origin_health.c - pauses grow, end, and are forgotten; time is what the test says. */
#include "dataplane/origin/origin_health.h"

#include "common/model/limits.h"
#include "tests/unit/common/model/cmocka_all.h"

#define FIRST_MS 60000
#define START_MS 10000000

/* Less a quarter of jitter at most. */
static void assert_about(uint64_t pause_ms, uint64_t wanted_ms)
{
    assert_in_range(pause_ms, wanted_ms - wanted_ms / 4, wanted_ms);
}

static void dials_that_fail_set_the_origin_aside_for_longer_and_longer(void **state)
{
    (void)state;
    struct origin_health health = {0};
    origin_health_failed(&health, START_MS);
    assert_true(origin_health_aside(&health, START_MS + 999));
    assert_false(origin_health_aside(&health, START_MS + 1000));
    origin_health_failed(&health, START_MS);
    assert_true(origin_health_aside(&health, START_MS + 1999));
    origin_health_worked(&health);
    assert_false(origin_health_aside(&health, START_MS));
}

static void the_third_break_suspends(void **state)
{
    (void)state;
    struct origin_suspension s = {0};
    for (int i = 1; i < LIMIT_ORIGIN_H2_BREAKS; i++)
        assert_int_equal(origin_suspension_broke(&s, false, FIRST_MS, START_MS + 1000), 0);
    assert_about(origin_suspension_broke(&s, false, FIRST_MS, START_MS + 5000), FIRST_MS);
    assert_true(s.open);
}

static void breaks_that_are_long_ago_do_not_count(void **state)
{
    (void)state;
    struct origin_suspension s = {0};
    uint64_t now_ms = START_MS;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(origin_suspension_broke(&s, false, FIRST_MS, now_ms), 0);
        now_ms += LIMIT_ORIGIN_H2_BREAKS_MS + 1;
    }
}

static void a_hopeless_break_suspends_at_once(void **state)
{
    (void)state;
    struct origin_suspension s = {0};
    assert_about(origin_suspension_broke(&s, true, FIRST_MS, START_MS), FIRST_MS);
}

static void breaks_while_suspended_make_it_no_longer(void **state)
{
    (void)state;
    struct origin_suspension s = {0};
    (void)origin_suspension_broke(&s, true, FIRST_MS, START_MS);
    uint64_t until_ms = s.until_ms;
    assert_int_equal(origin_suspension_broke(&s, true, FIRST_MS, START_MS + 1), 0);
    assert_int_equal(s.until_ms, until_ms);
}

static void each_suspension_is_twice_as_long_up_to_the_limit(void **state)
{
    (void)state;
    struct origin_suspension s = {0};
    uint64_t wanted_ms = FIRST_MS, now_ms = START_MS;
    for (int i = 0; i < 12; i++) {
        assert_about(origin_suspension_broke(&s, i == 0, FIRST_MS, now_ms), wanted_ms);
        now_ms = s.until_ms;
        wanted_ms = 2 * wanted_ms;
        if (wanted_ms > LIMIT_ORIGIN_SUSPENDED_MAX_MS)
            wanted_ms = LIMIT_ORIGIN_SUSPENDED_MAX_MS;
    }
}

static void pauses_differ(void **state)
{
    (void)state;
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < 64; i++) {
        struct origin_suspension s = {0};
        uint64_t pause_ms = origin_suspension_broke(&s, true, FIRST_MS, START_MS);
        least = pause_ms < least ? pause_ms : least;
        most = pause_ms > most ? pause_ms : most;
    }
    assert_true(most > least);
}

static void an_answer_resumes_once_and_only_after_the_pause(void **state)
{
    (void)state;
    struct origin_suspension s = {0};
    assert_false(origin_suspension_worked(&s, START_MS));
    (void)origin_suspension_broke(&s, true, FIRST_MS, START_MS);
    assert_false(origin_suspension_worked(&s, s.until_ms - 1));
    assert_true(origin_suspension_worked(&s, s.until_ms));
    assert_false(origin_suspension_worked(&s, s.until_ms));
}

static void after_a_long_time_without_one_the_first_pause_is_short_again(void **state)
{
    (void)state;
    struct origin_suspension s = {0};
    (void)origin_suspension_broke(&s, true, FIRST_MS, START_MS);
    assert_true(origin_suspension_worked(&s, s.until_ms));
    assert_about(origin_suspension_broke(&s, true, FIRST_MS, s.until_ms + 1), 2 * FIRST_MS);
    assert_true(origin_suspension_worked(&s, s.until_ms));

    uint64_t now_ms = s.until_ms + LIMIT_ORIGIN_SUSPENDED_MAX_MS + 1;
    assert_about(origin_suspension_broke(&s, true, FIRST_MS, now_ms), FIRST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dials_that_fail_set_the_origin_aside_for_longer_and_longer),
        cmocka_unit_test(the_third_break_suspends),
        cmocka_unit_test(breaks_that_are_long_ago_do_not_count),
        cmocka_unit_test(a_hopeless_break_suspends_at_once),
        cmocka_unit_test(breaks_while_suspended_make_it_no_longer),
        cmocka_unit_test(each_suspension_is_twice_as_long_up_to_the_limit),
        cmocka_unit_test(pauses_differ),
        cmocka_unit_test(an_answer_resumes_once_and_only_after_the_pause),
        cmocka_unit_test(after_a_long_time_without_one_the_first_pause_is_short_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
