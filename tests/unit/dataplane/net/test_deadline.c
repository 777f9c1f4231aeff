/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_deadline.c - many timeouts, one uv timer.
 */
#include "net_test.h"

#include "dataplane/net/deadline.h"

struct alarm_clock {
    struct deadline deadline; /* first */
    struct loop *loop;
    int rings, rearms;
    uint64_t rang_at_ms;
    struct deadline *victim;
};

static void ring(struct deadline *deadline)
{
    struct alarm_clock *clock = container_of(deadline, struct alarm_clock, deadline);
    assert_false(deadline_armed(deadline));
    clock->rings++;
    clock->rang_at_ms = loop_now_ms(clock->loop);
    if (clock->victim)
        deadline_disarm(clock->loop, clock->victim);
    if (clock->rearms-- > 0)
        deadline_arm(clock->loop, deadline, 0, ring);
}

static void deadlines_expire_in_order_and_never_early(void **state)
{
    struct loop loop;
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    struct alarm_clock late = {.loop = &loop}, soon = {.loop = &loop};
    uint64_t start_ms = loop_now_ms(&loop);
    deadline_arm(&loop, &late.deadline, 60, ring);
    deadline_arm(&loop, &soon.deadline, 20, ring);

    loop_run(&loop);

    assert_int_equal(soon.rings, 1);
    assert_int_equal(late.rings, 1);
    assert_true(soon.rang_at_ms >= start_ms + 20);
    assert_true(late.rang_at_ms >= start_ms + 60);
    assert_true(soon.rang_at_ms <= late.rang_at_ms);
    loop_close(&loop);
}

static void disarmed_deadline_never_expires_and_holds_no_loop(void **state)
{
    struct loop loop;
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    struct alarm_clock clock = {.loop = &loop};
    deadline_disarm(&loop, &clock.deadline);
    deadline_arm(&loop, &clock.deadline, 60000, ring);
    deadline_disarm(&loop, &clock.deadline);
    deadline_disarm(&loop, &clock.deadline);

    loop_run(&loop);

    assert_int_equal(clock.rings, 0);
    loop_close(&loop);
}

static void armed_anew_it_counts_from_now_and_changes_class(void **state)
{
    struct loop loop;
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    struct alarm_clock clock = {.loop = &loop};
    uint64_t start_ms = loop_now_ms(&loop);
    deadline_arm(&loop, &clock.deadline, 10, ring);
    deadline_arm(&loop, &clock.deadline, 50, ring);

    loop_run(&loop);

    assert_int_equal(clock.rings, 1);
    assert_true(clock.rang_at_ms >= start_ms + 50);
    loop_close(&loop);
}

static void expiring_one_may_disarm_another_that_expires_with_it(void **state)
{
    struct loop loop;
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    struct alarm_clock first = {.loop = &loop}, second = {.loop = &loop};
    first.victim = &second.deadline;
    deadline_arm(&loop, &first.deadline, 10, ring);
    deadline_arm(&loop, &second.deadline, 10, ring);

    loop_run(&loop);

    assert_int_equal(first.rings, 1);
    assert_int_equal(second.rings, 0);
    loop_close(&loop);
}

static void deadline_may_arm_itself_again_without_starving_the_loop(void **state)
{
    struct loop loop;
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    struct alarm_clock clock = {.loop = &loop, .rearms = 3};
    deadline_arm(&loop, &clock.deadline, 0, ring);

    loop_run(&loop);

    assert_int_equal(clock.rings, 4);
    loop_close(&loop);
}

static void many_deadlines_of_many_classes_all_expire_once(void **state)
{
    struct loop loop;
    static struct alarm_clock clocks[2000];
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    for (size_t i = 0; i < countof(clocks); i++) {
        clocks[i] = (struct alarm_clock){.loop = &loop};
        deadline_arm(&loop, &clocks[i].deadline, i % DEADLINE_CLASSES_MAX + 1, ring);
    }

    loop_run(&loop);

    for (size_t i = 0; i < countof(clocks); i++)
        assert_int_equal(clocks[i].rings, 1);
    loop_close(&loop);
}

static void steps_are_few_and_end_where_the_whole_does(void **state)
{
    (void)state;
    assert_int_equal(deadline_step(0), DEADLINE_STEP_MIN_MS);
    assert_int_equal(deadline_step(255), 128);
    assert_int_equal(deadline_step(256), 256);
    assert_int_equal(deadline_step(UINT64_MAX), DEADLINE_STEP_MAX_MS);
    for (uint64_t whole_ms = 1000; whole_ms <= 6000000; whole_ms += 1000) {
        uint64_t passed_ms = 0;
        while (passed_ms < whole_ms)
            passed_ms += deadline_step(whole_ms - passed_ms);
        assert_true(passed_ms - whole_ms < DEADLINE_STEP_MIN_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_expire_in_order_and_never_early),
        cmocka_unit_test(disarmed_deadline_never_expires_and_holds_no_loop),
        cmocka_unit_test(armed_anew_it_counts_from_now_and_changes_class),
        cmocka_unit_test(expiring_one_may_disarm_another_that_expires_with_it),
        cmocka_unit_test(deadline_may_arm_itself_again_without_starving_the_loop),
        cmocka_unit_test(many_deadlines_of_many_classes_all_expire_once),
        cmocka_unit_test(steps_are_few_and_end_where_the_whole_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
