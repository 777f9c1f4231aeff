/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_session.c - h2_origin and h2_client back to back: turns of the loop, drain, the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/support/h2_rig.h"

static struct h2_rig *open_both(void)
{
    struct h2_rig *rig = rig_open();
    rig_open_origin(rig, 5000, 5000);
    rig_open_client(rig);
    return rig;
}

static size_t done_count(const struct script_side *sides, size_t count)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++)
        done += sides[i].done;
    return done;
}

static bool all_done(const struct h2_rig *rig, size_t count)
{
    return rig->answer_count == count && done_count(rig->requests, count) == count &&
           done_count(rig->answers, count) == count;
}

static void one_request_gets_its_answer(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 1024;

    struct script_side *request = rig_request(rig, "GET", 0);
    RIG_UNTIL(rig, all_done(rig, 1));

    assert_int_equal(request->status, 200);
    assert_int_equal(request->got_bytes, 1024);
    assert_true(request->end_got && !request->aborted);
    assert_int_equal(rig->origin->slots_used, 0);
    assert_int_equal(rig->origin->exchanges_run, 1);
    rig_close(&rig);
}

static void streams_of_one_turn_share_one_write(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 1024;
    rig_request(rig, "GET", 0);
    RIG_UNTIL(rig, all_done(rig, 1));
    size_t near_flushes = rig->near.flush_count, far_flushes = rig->far.flush_count;

    for (int i = 0; i < 64; i++)
        rig_request(rig, "GET", 0);
    RIG_UNTIL(rig, all_done(rig, 65));

    /* One with the requests; the answers in one, after which acknowledgements may come. */
    assert_true(rig->near.flush_count - near_flushes <= 3);
    assert_true(rig->far.flush_count - far_flushes <= 3);
    assert_true(rig->far.flush_bytes_max >= 64 * 1024);
    rig_close(&rig);
}

static void a_lost_transport_fails_what_runs_on_both_sides(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->mute = true;
    rig_request(rig, "GET", 0);
    rig_request(rig, "POST", 100000);
    RIG_UNTIL(rig, rig->answer_count == 2);

    http_conn_close(rig->origin);
    RIG_UNTIL(rig, rig->origin_closed_told == 1 && rig->client_closed_told == 1);
    RIG_UNTIL(rig, all_done(rig, 2));

    assert_true(rig->answers[0].aborted && rig->answers[1].aborted);
    assert_int_equal(rig->requests[0].origin_err, ERR_ORIGIN_RESET);
    rig_close(&rig);
}

static void drain_answers_what_runs_and_then_closes(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 100;
    rig->mute = true;
    rig_request(rig, "GET", 0);
    RIG_UNTIL(rig, rig->answer_count == 1 && rig->answers[0].head_got);

    h2_client_drain(rig->client);
    RIG_UNTIL(rig, rig->draining_told == 1);
    assert_int_equal(http_conn_free_slots(rig->origin), 0);
    assert_int_equal(rig->client_closed_told, 0);
    rig->mute = false;
    rig->answers[0].head_told(&rig->answers[0]);
    RIG_UNTIL(rig, rig->origin_closed_told == 1 && rig->client_closed_told == 1);

    assert_int_equal(rig->requests[0].got_bytes, 100);
    assert_true(rig->requests[0].end_got);
    assert_int_equal(rig->client_closed_err, ERR_CLOSED);
    rig_close(&rig);
}

static void a_drained_origin_connection_ends_after_its_last_exchange(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 100;
    struct script_side *request = rig_request(rig, "GET", 0);

    http_conn_drain(rig->origin);
    assert_int_equal(http_conn_free_slots(rig->origin), 0);
    RIG_UNTIL(rig, rig->origin_closed_told == 1);

    assert_true(request->end_got && request->got_bytes == 100);
    assert_int_equal(rig->draining_told, 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_gets_its_answer),
        cmocka_unit_test(streams_of_one_turn_share_one_write),
        cmocka_unit_test(a_lost_transport_fails_what_runs_on_both_sides),
        cmocka_unit_test(drain_answers_what_runs_and_then_closes),
        cmocka_unit_test(a_drained_origin_connection_ends_after_its_last_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
