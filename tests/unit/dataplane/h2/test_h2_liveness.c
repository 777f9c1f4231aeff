/* SPDX-License-Identifier: Apache-2.0 */
/* test_h2_liveness.c - PINGs after silence, and what their silence means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/model/limits.h"
#include "dataplane/h2/h2_liveness.h"

#define HEARD 1000000
#define QUIET (HEARD + LIMIT_ORIGIN_QUIET_MS)

static void a_ping_is_due_after_silence_alone(void **state)
{
    (void)state;
    struct h2_liveness liveness = {0};
    assert_false(h2_liveness_due(&liveness, HEARD, QUIET - 1, true));
    assert_true(h2_liveness_due(&liveness, HEARD, QUIET, true));
    assert_true(h2_liveness_due(&liveness, HEARD, QUIET, false));
    h2_liveness_ask(&liveness, QUIET);
    assert_false(h2_liveness_due(&liveness, HEARD, QUIET + 1, true));
}

static void an_answer_alone_puts_the_next_ping_off(void **state)
{
    (void)state;
    struct h2_liveness liveness = {0};
    h2_liveness_ask(&liveness, QUIET);
    h2_liveness_answered(&liveness, QUIET + 1);
    uint64_t later = QUIET + 1 + LIMIT_ORIGIN_QUIET_MS;

    assert_false(h2_liveness_due(&liveness, QUIET + 1, later, false));
    assert_true(h2_liveness_due(&liveness, QUIET + 1, later, true));
    assert_true(h2_liveness_due(&liveness, QUIET + 2, later + 1, false));
    assert_true(h2_liveness_due(&liveness, QUIET + 1, QUIET + LIMIT_ORIGIN_PING_AGAIN_MS, false));
}

static void only_silence_after_a_ping_is_death(void **state)
{
    (void)state;
    struct h2_liveness liveness = {0};
    assert_false(h2_liveness_dead(&liveness, HEARD, HEARD + 100000000));
    h2_liveness_ask(&liveness, QUIET);
    assert_false(h2_liveness_dead(&liveness, HEARD, QUIET + LIMIT_ORIGIN_PING_MS - 1));
    assert_true(h2_liveness_dead(&liveness, HEARD, QUIET + LIMIT_ORIGIN_PING_MS));
    assert_false(h2_liveness_dead(&liveness, QUIET + 5, QUIET + LIMIT_ORIGIN_PING_MS));
    h2_liveness_answered(&liveness, QUIET + 5);
    assert_false(h2_liveness_dead(&liveness, QUIET + 5, QUIET + 100000000));
}

static void a_zone_may_want_pings_at_an_interval(void **state)
{
    (void)state;
    struct h2_liveness liveness = {0};
    assert_int_equal(h2_liveness_wait_ms(&liveness, HEARD), UINT64_MAX);
    h2_liveness_every(&liveness, 1000, HEARD);
    h2_liveness_every(&liveness, 1000, HEARD + 500); /* the same: it counts on */
    assert_int_equal(h2_liveness_wait_ms(&liveness, HEARD + 600), 400);
    assert_false(h2_liveness_due(&liveness, HEARD + 999, HEARD + 999, true));
    assert_true(h2_liveness_due(&liveness, HEARD + 1000, HEARD + 1000, false));
    h2_liveness_ask(&liveness, HEARD + 1000);
    assert_int_equal(h2_liveness_wait_ms(&liveness, HEARD + 5000), UINT64_MAX);
    assert_true(h2_liveness_dead(&liveness, HEARD, HEARD + 1000 + LIMIT_ORIGIN_PING_MS));
    h2_liveness_answered(&liveness, HEARD + 1001);
    assert_int_equal(h2_liveness_wait_ms(&liveness, HEARD + 1001), 999);
    h2_liveness_every(&liveness, 0, HEARD + 1002);
    assert_int_equal(h2_liveness_wait_ms(&liveness, HEARD + 9000), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_ping_is_due_after_silence_alone),
        cmocka_unit_test(an_answer_alone_puts_the_next_ping_off),
        cmocka_unit_test(only_silence_after_a_ping_is_death),
        cmocka_unit_test(a_zone_may_want_pings_at_an_interval),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
