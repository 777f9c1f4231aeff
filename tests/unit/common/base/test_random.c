/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_random.c - bytes differ, numbers stay below and reach everywhere.
 */
#include "common/base/random.h"

#include "tests/unit/common/base/dies.h"

static void bytes_differ_each_time(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void every_byte_is_filled(void **state)
{
    (void)state;
    static uint8_t bytes[1000];
    static bool filled[sizeof(bytes)];
    for (int round = 0; round < 10; round++) {
        random_bytes(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            filled[i] |= bytes[i] != 0;
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_true(filled[i]);
}

static void nothing_is_written_where_nothing_is_asked(void **state)
{
    (void)state;
    uint8_t byte = 7;
    random_bytes(&byte, 0);
    assert_int_equal(byte, 7);
}

static void below_is_never_reached_and_all_else_is(void **state)
{
    (void)state;
    size_t counts[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t value = random_below(7);
        assert_true(value < 7);
        counts[value]++;
    }
    /* 1000 expected each; 200 away is seven standard deviations. */
    for (size_t i = 0; i < countof(counts); i++)
        assert_in_range(counts[i], 800, 1200);
}

static void below_takes_the_corners(void **state)
{
    (void)state;
    assert_int_equal(random_below(1), 0);
    size_t high_count = 0;
    for (int i = 0; i < 1000; i++) {
        /* Three quarters of the range: a plain modulo would favour its first third. */
        uint64_t below = (uint64_t)3 << 62, value = random_below(below);
        assert_true(value < below);
        high_count += value >= (uint64_t)1 << 62;
    }
    assert_in_range(high_count, 560, 770); /* 667 expected, 500 with a modulo */
    (void)random_below(UINT64_MAX);
}

static void below_zero(void *arg)
{
    (void)arg;
    (void)random_below(0);
}

static void below_zero_aborts(void **state)
{
    (void)state;
    assert_true(dies(below_zero, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_differ_each_time),
        cmocka_unit_test(every_byte_is_filled),
        cmocka_unit_test(nothing_is_written_where_nothing_is_asked),
        cmocka_unit_test(below_is_never_reached_and_all_else_is),
        cmocka_unit_test(below_takes_the_corners),
        cmocka_unit_test(below_zero_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
