/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wake.c - posting, cancelling, the budget.
 */
#include "common/base/wake.h"

#include <stdlib.h>

#include "tests/unit/common/base/dies.h"

struct sleeper {
    struct wake wake;
    struct wakeq *q;
    int runs;
    int order; /* when it ran last */
    int *order_next;
    struct sleeper *posts; /* what its run posts */
    struct sleeper *cancels;
};

static void sleeper_run(struct wake *wake)
{
    struct sleeper *sleeper = container_of(wake, struct sleeper, wake);
    sleeper->runs++;
    sleeper->order = (*sleeper->order_next)++;
    if (sleeper->posts)
        wake_post(sleeper->q, &sleeper->posts->wake);
    if (sleeper->cancels)
        wake_cancel(sleeper->q, &sleeper->cancels->wake);
}

struct fixture {
    struct wakeq q;
    struct sleeper sleepers[3];
    int order_next;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    wakeq_init(&f->q);
    for (size_t i = 0; i < countof(f->sleepers); i++) {
        wake_init(&f->sleepers[i].wake, sleeper_run);
        f->sleepers[i].q = &f->q;
        f->sleepers[i].order_next = &f->order_next;
    }
}

static void nothing_posted_nothing_runs(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_false(wakeq_run(&f.q, 10));
    assert_int_equal(f.order_next, 0);
}

static void posting_never_runs_inline(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    wake_post(&f.q, &f.sleepers[0].wake);
    assert_int_equal(f.sleepers[0].runs, 0);
    assert_false(wakeq_run(&f.q, 10));
    assert_int_equal(f.sleepers[0].runs, 1);
    assert_false(wakeq_run(&f.q, 10));
    assert_int_equal(f.sleepers[0].runs, 1);
}

static void posting_twice_runs_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    wake_post(&f.q, &f.sleepers[0].wake);
    wake_post(&f.q, &f.sleepers[0].wake);
    wakeq_run(&f.q, 10);
    assert_int_equal(f.sleepers[0].runs, 1);
}

static void wakes_run_in_the_order_of_posting(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    wake_post(&f.q, &f.sleepers[2].wake);
    wake_post(&f.q, &f.sleepers[0].wake);
    wake_post(&f.q, &f.sleepers[1].wake);
    wake_post(&f.q, &f.sleepers[2].wake); /* keeps its place */
    wakeq_run(&f.q, 10);
    assert_int_equal(f.sleepers[2].order, 0);
    assert_int_equal(f.sleepers[0].order, 1);
    assert_int_equal(f.sleepers[1].order, 2);
}

static void a_wake_posted_within_a_run_comes_in_the_same_run(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.sleepers[0].posts = &f.sleepers[1];
    wake_post(&f.q, &f.sleepers[0].wake);
    assert_false(wakeq_run(&f.q, 10));
    assert_int_equal(f.sleepers[1].runs, 1);
}

static void a_wake_that_posts_itself_is_bounded_by_the_budget(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.sleepers[0].posts = &f.sleepers[0];
    wake_post(&f.q, &f.sleepers[0].wake);
    assert_true(wakeq_run(&f.q, 7));
    assert_int_equal(f.sleepers[0].runs, 7);

    f.sleepers[0].posts = NULL;
    assert_false(wakeq_run(&f.q, 7));
    assert_int_equal(f.sleepers[0].runs, 8);
}

static void a_busy_pair_does_not_starve_a_third(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.sleepers[0].posts = &f.sleepers[1];
    f.sleepers[1].posts = &f.sleepers[0];
    wake_post(&f.q, &f.sleepers[0].wake);
    wake_post(&f.q, &f.sleepers[2].wake);
    assert_true(wakeq_run(&f.q, 4));
    assert_int_equal(f.sleepers[2].runs, 1);
}

static void the_exact_budget_leaves_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    wake_post(&f.q, &f.sleepers[0].wake);
    wake_post(&f.q, &f.sleepers[1].wake);
    assert_true(wakeq_run(&f.q, 0));
    assert_true(wakeq_run(&f.q, 1));
    assert_false(wakeq_run(&f.q, 1));
}

static void a_cancelled_wake_does_not_run(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    wake_post(&f.q, &f.sleepers[0].wake);
    wake_post(&f.q, &f.sleepers[1].wake);
    wake_cancel(&f.q, &f.sleepers[0].wake);
    wake_cancel(&f.q, &f.sleepers[0].wake);
    wake_cancel(&f.q, &f.sleepers[2].wake); /* never posted */
    wakeq_run(&f.q, 10);
    assert_int_equal(f.sleepers[0].runs, 0);
    assert_int_equal(f.sleepers[1].runs, 1);
    assert_int_equal(f.sleepers[2].runs, 0);
}

static void a_run_may_cancel_another_and_itself(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.sleepers[0].cancels = &f.sleepers[1];
    f.sleepers[2].posts = f.sleepers[2].cancels = &f.sleepers[2];
    for (size_t i = 0; i < 3; i++)
        wake_post(&f.q, &f.sleepers[i].wake);
    assert_false(wakeq_run(&f.q, 10));
    assert_int_equal(f.sleepers[0].runs, 1);
    assert_int_equal(f.sleepers[1].runs, 0);
    assert_int_equal(f.sleepers[2].runs, 1);
}

static void cancelled_and_posted_again_runs(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    wake_post(&f.q, &f.sleepers[0].wake);
    wake_cancel(&f.q, &f.sleepers[0].wake);
    wake_post(&f.q, &f.sleepers[0].wake);
    wakeq_run(&f.q, 10);
    assert_int_equal(f.sleepers[0].runs, 1);
}

static void free_run(struct wake *wake)
{
    free(wake);
}

static void a_run_may_free_its_own_wake(void **state)
{
    (void)state;
    struct wakeq q;
    struct wake *wake = malloc(sizeof(*wake));
    wakeq_init(&q);
    wake_init(wake, free_run);
    wake_post(&q, wake);
    assert_false(wakeq_run(&q, 10));
}

static void post_zeroed(void *arg)
{
    struct wake wake = {0};
    wake_post(arg, &wake);
}

static void a_wake_without_a_run_aborts_when_posted(void **state)
{
    (void)state;
    struct wakeq q;
    wakeq_init(&q);
    assert_true(dies(post_zeroed, &q));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_posted_nothing_runs),
        cmocka_unit_test(posting_never_runs_inline),
        cmocka_unit_test(posting_twice_runs_once),
        cmocka_unit_test(wakes_run_in_the_order_of_posting),
        cmocka_unit_test(a_wake_posted_within_a_run_comes_in_the_same_run),
        cmocka_unit_test(a_wake_that_posts_itself_is_bounded_by_the_budget),
        cmocka_unit_test(a_busy_pair_does_not_starve_a_third),
        cmocka_unit_test(the_exact_budget_leaves_nothing),
        cmocka_unit_test(a_cancelled_wake_does_not_run),
        cmocka_unit_test(a_run_may_cancel_another_and_itself),
        cmocka_unit_test(cancelled_and_posted_again_runs),
        cmocka_unit_test(a_run_may_free_its_own_wake),
        cmocka_unit_test(a_wake_without_a_run_aborts_when_posted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
