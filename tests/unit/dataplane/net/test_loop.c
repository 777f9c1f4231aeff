/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_loop.c - the order of a turn.
 */
#include "net_test.h"

struct diary {
    struct loop *loop;
    char text[64];
    size_t len;
    struct wake wake;
    struct loop_flush producer, transport;
    int repeats;
};

static void write_wake(struct wake *wake)
{
    struct diary *diary = container_of(wake, struct diary, wake);
    diary->text[diary->len++] = 'w';
    if (diary->repeats-- > 0)
        wake_post(&diary->loop->wakeq, wake);
}

static void write_producer(void *owner)
{
    struct diary *diary = owner;
    diary->text[diary->len++] = 'p';
    loop_flush_post(diary->loop, LOOP_FLUSH_TRANSPORTS, &diary->transport);
}

static void write_transport(void *owner)
{
    struct diary *diary = owner;
    diary->text[diary->len++] = 't';
    if (diary->repeats-- > 0)
        wake_post(&diary->loop->wakeq, &diary->wake);
}

static void diary_open(struct diary *diary, struct loop *loop)
{
    *diary = (struct diary){.loop = loop};
    wake_init(&diary->wake, write_wake);
    diary->producer = (struct loop_flush){.run = write_producer, .owner = diary};
    diary->transport = (struct loop_flush){.run = write_transport, .owner = diary};
    assert_int_equal(loop_open(loop), ERR_OK);
}

static void loop_with_nothing_ends_at_once(void **state)
{
    struct loop loop;
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);

    loop_run(&loop);

    loop_close(&loop);
}

static void wakes_run_before_producers_before_transports(void **state)
{
    struct loop loop;
    struct diary diary;
    (void)state;
    diary_open(&diary, &loop);
    loop_flush_post(&loop, LOOP_FLUSH_TRANSPORTS, &diary.transport);
    loop_flush_post(&loop, LOOP_FLUSH_PRODUCERS, &diary.producer);
    wake_post(&loop.wakeq, &diary.wake);

    loop_run(&loop);

    assert_string_equal(diary.text, "wpt");
    loop_close(&loop);
}

static void flush_that_posts_a_wake_is_followed_by_another_round(void **state)
{
    struct loop loop;
    struct diary diary;
    (void)state;
    diary_open(&diary, &loop);
    diary.repeats = 1;
    loop_flush_post(&loop, LOOP_FLUSH_TRANSPORTS, &diary.transport);

    loop_run(&loop);

    assert_string_equal(diary.text, "tw");
    loop_close(&loop);
}

static void flush_posted_twice_runs_once_and_cancelled_never(void **state)
{
    struct loop loop;
    struct diary diary;
    (void)state;
    diary_open(&diary, &loop);
    loop_flush_post(&loop, LOOP_FLUSH_TRANSPORTS, &diary.transport);
    loop_flush_post(&loop, LOOP_FLUSH_TRANSPORTS, &diary.transport);
    loop_flush_post(&loop, LOOP_FLUSH_PRODUCERS, &diary.producer);
    loop_flush_cancel(&loop, LOOP_FLUSH_PRODUCERS, &diary.producer);
    loop_flush_cancel(&loop, LOOP_FLUSH_PRODUCERS, &diary.producer);

    loop_run(&loop);

    assert_string_equal(diary.text, "t");
    loop_close(&loop);
}

static void forget_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

struct endless {
    struct loop *loop;
    struct wake wake;
    uint64_t count;
};

static void post_again(struct wake *wake)
{
    struct endless *endless = container_of(wake, struct endless, wake);
    if (++endless->count < 200000)
        wake_post(&endless->loop->wakeq, wake);
}

static void wakes_beyond_the_budget_do_not_wait_for_the_next_timer(void **state)
{
    struct loop loop;
    struct endless endless = {.loop = &loop};
    uv_timer_t timer;
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    uv_timer_init(&loop.uv, &timer);
    uv_timer_start(&timer, forget_timer, 60000, 0);
    uv_unref((uv_handle_t *)&timer);
    wake_init(&endless.wake, post_again);
    wake_post(&loop.wakeq, &endless.wake);

    loop_run(&loop);

    assert_int_equal(endless.count, 200000);
    forget_timer(&timer);
    loop_close(&loop);
}

static void post_from_close(uv_handle_t *handle)
{
    struct diary *diary = handle->data;
    wake_post(&diary->loop->wakeq, &diary->wake);
}

static void wake_posted_while_the_last_handle_closes_still_runs(void **state)
{
    struct loop loop;
    struct diary diary;
    uv_timer_t timer;
    (void)state;
    diary_open(&diary, &loop);
    uv_timer_init(&loop.uv, &timer);
    timer.data = &diary;
    uv_close((uv_handle_t *)&timer, post_from_close);

    loop_run(&loop);

    assert_string_equal(diary.text, "w");
    loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_with_nothing_ends_at_once),
        cmocka_unit_test(wakes_run_before_producers_before_transports),
        cmocka_unit_test(flush_that_posts_a_wake_is_followed_by_another_round),
        cmocka_unit_test(flush_posted_twice_runs_once_and_cancelled_never),
        cmocka_unit_test(wakes_beyond_the_budget_do_not_wait_for_the_next_timer),
        cmocka_unit_test(wake_posted_while_the_last_handle_closes_still_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
