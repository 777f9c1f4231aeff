/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_clock.c - the two clocks and their test switch.
 */
#include "common/base/clock.h"

#include "tests/unit/common/base/dies.h"

static void mono_never_goes_back(void **state)
{
    (void)state;
    uint64_t before_us = clock_mono_us();
    for (int i = 0; i < 10000; i++) {
        uint64_t now_us = clock_mono_us();
        assert_true(now_us >= before_us);
        before_us = now_us;
    }
    assert_true(clock_mono_ms() >= before_us / 1000);
}

static void wall_is_in_this_century(void **state)
{
    (void)state;
    assert_in_range(clock_wall_s(), 1700000000, 4102444800);
    assert_true(clock_wall_us() / 1000000 - clock_wall_s() <= 1);
}

static void both_stand_still_for_a_test(void **state)
{
    (void)state;
    clock_test_set(5000, 1234567890123456);
    assert_int_equal(clock_mono_ms(), 5000);
    assert_int_equal(clock_mono_us(), 5000000);
    assert_int_equal(clock_wall_us(), 1234567890123456);
    assert_int_equal(clock_wall_s(), 1234567890);

    clock_test_set(5001, 0);
    assert_int_equal(clock_mono_ms(), 5001);
    assert_int_equal(clock_wall_us(), 0);

    clock_test_release();
    assert_true(clock_wall_s() > 1700000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mono_never_goes_back),
        cmocka_unit_test(wall_is_in_this_century),
        cmocka_unit_test(both_stand_still_for_a_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
