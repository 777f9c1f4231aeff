/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_counters.c - every row counts by itself and has a text of its own.
 */
#include "common/model/counters.h"

#include <ctype.h>
#include <string.h>

#include "tests/unit/common/model/cmocka_all.h"

static void a_counter_grows_alone(void **state)
{
    struct counters counters = {0};
    (void)state;
    counters_add(&counters, COUNTER_EXCHANGES, 2);
    counters_add(&counters, COUNTER_EXCHANGES, 3);
    for (int i = 0; i < COUNTER_COUNT; i++)
        assert_int_equal(counters_read(&counters, (enum counter)i), i == COUNTER_EXCHANGES ? 5 : 0);
}

static void every_counter_has_a_name_that_metrics_may_have_and_a_meaning(void **state)
{
    (void)state;
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const char *name = counter_name((enum counter)i);
        for (const char *at = name; *at != '\0'; at++)
            assert_true(isupper((unsigned char)*at) || isdigit((unsigned char)*at) || *at == '_');
        assert_true(strlen(counter_help((enum counter)i)) > 4);
        for (int other = 0; other < i; other++)
            assert_true(strcmp(name, counter_name((enum counter)other)) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_grows_alone),
        cmocka_unit_test(every_counter_has_a_name_that_metrics_may_have_and_a_meaning),
    };
    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
