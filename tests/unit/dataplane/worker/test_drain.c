/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_drain.c - a drain ends when nothing is left, or when its time is up.
 */
#include "dataplane/worker/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct rig {
    struct loop loop;
    struct drain drain;
    int looks_left; /* finished says no that often */
    int ends;
    bool in_time;
};

static bool rig_finished(void *owner)
{
    return ((struct rig *)owner)->looks_left-- <= 0;
}

static void rig_ended(void *owner, bool in_time)
{
    struct rig *rig = owner;
    rig->ends++;
    rig->in_time = in_time;
    drain_close(&rig->drain);
}

static void run(struct rig *rig, int looks, uint64_t first_ms, uint64_t second_ms)
{
    const struct drain_watch watch = {rig_finished, rig_ended, rig};
    *rig = (struct rig){.looks_left = looks};
    assert_int_equal(loop_open(&rig->loop), ERR_OK);
    drain_init(&rig->drain, &rig->loop, &watch);
    drain_begin(&rig->drain, first_ms);
    drain_begin(&rig->drain, second_ms);
    loop_run(&rig->loop);
    loop_close(&rig->loop);
    assert_int_equal(rig->ends, 1);
}

static void it_ends_when_nothing_is_left(void **state)
{
    (void)state;
    struct rig rig;
    run(&rig, 3, 60000, 60000);
    assert_true(rig.in_time);
    run(&rig, 0, 0, 0);
    assert_true(rig.in_time);
}

static void it_ends_when_its_time_is_up(void **state)
{
    (void)state;
    struct rig rig;
    run(&rig, 1000000, 50, 60000);
    assert_false(rig.in_time);
}

static void a_second_wish_brings_the_end_nearer(void **state)
{
    (void)state;
    struct rig rig;
    run(&rig, 1000000, 60000, 50);
    assert_false(rig.in_time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_when_nothing_is_left),
        cmocka_unit_test(it_ends_when_its_time_is_up),
        cmocka_unit_test(a_second_wish_brings_the_end_nearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
