/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_stream.c - bodies, trailers, windows and cuts, through both roles back to back.
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

static void bodies_pass_both_ways_byte_by_byte(void **state)
{
    static const size_t pieces[] = {0, 1, 7, 1000, 20000};
    static const size_t steps[] = {0, 1, 100, 5000};
    (void)state;
    for (size_t p = 0; p < countof(pieces); p++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct h2_rig *rig = open_both();
            uint64_t bytes = pieces[p] == 1 || steps[s] == 1 ? 70000 : 400000;
            rig->near.piece_max = rig->far.piece_max = pieces[p];
            rig->step_max = steps[s];
            rig->answer_bytes = bytes + 1;

            for (int i = 0; i < 3; i++)
                rig_request(rig, "POST", bytes);
            RIG_UNTIL(rig, all_done(rig, 3));

            for (int i = 0; i < 3; i++) {
                assert_int_equal(rig->requests[i].got_bytes, bytes + 1);
                assert_int_equal(rig->answers[i].got_bytes, bytes);
                assert_true(rig->requests[i].end_got && rig->answers[i].end_got);
            }
            rig_close(&rig);
        }
    }
}

/* L3: small pieces that are consumed at once must not let the window run dry. */
static void a_trickling_peer_does_not_hang(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->step_max = 300;
    rig->answer_bytes = 1000000;
    rig->near.piece_max = rig->far.piece_max = 400;

    rig_request(rig, "POST", 500000);
    RIG_UNTIL(rig, all_done(rig, 1));

    assert_int_equal(rig->requests[0].got_bytes, 1000000);
    assert_int_equal(rig->answers[0].got_bytes, 500000);
    rig_close(&rig);
}

static void a_slow_reader_holds_only_its_own_stream(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 1000000;
    for (int i = 0; i < 40; i++)
        rig_request(rig, "GET", 0)->consume_max = i < 20 ? 10 : UINT64_MAX;

    RIG_UNTIL(rig, done_count(rig->requests, 40) == 20);
    rig_settle(rig);

    for (int i = 0; i < 20; i++) {
        assert_int_equal(rig->requests[i].got_bytes, 10);
        assert_true(rig->answers[i].sent_bytes <= 10 + 3 * LIMIT_FLOW_BYTES);
        assert_true(rig->requests[20 + i].end_got);
        rig->requests[i].consume_max = UINT64_MAX;
        script_consume(&rig->requests[i]);
    }
    RIG_UNTIL(rig, all_done(rig, 40));
    assert_int_equal(rig->requests[0].got_bytes, 1000000);
    rig_close(&rig);
}

static void a_window_grows_with_its_flow_and_not_beyond(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 20000000;
    struct script_side *request = rig_request(rig, "POST", 20000000);
    size_t answer_max = 0, request_max = 0;
    RIG_UNTIL(rig, rig->answer_count == 1 && rig->answers[0].head_got);
    while (!rig->answers[0].end_got || !request->end_got) {
        RIG_UNTIL(rig, true);
        assert_true(rig_turn(rig, rig_now_ms()));
        if (!request->done && request->exchange->response.body.cap_bytes > answer_max)
            answer_max = request->exchange->response.body.cap_bytes;
        struct exchange *answered = rig->answers[0].done ? NULL : rig->answers[0].side.exchange;
        if (answered && answered->request.body.cap_bytes > request_max)
            request_max = answered->request.body.cap_bytes;
    }
    RIG_UNTIL(rig, all_done(rig, 1));

    assert_int_equal(answer_max, LIMIT_FLOW_BYTES_MAX);
    assert_int_equal(request_max, LIMIT_FLOW_BYTES_MAX);
    assert_int_equal(request->got_bytes, 20000000);
    assert_int_equal(rig->pools.grown_bytes, 0);
    rig_close(&rig);
}

/* What siblings have grown to is all that a connection may have: others go on with what they have.
 */
static void a_connection_has_a_limit_that_starves_nobody(void **state)
{
    enum { STREAMS = 100, CAPS = (LIMIT_FLOW_BYTES_MAX - LIMIT_FLOW_BYTES) };
    size_t grown_max = LIMIT_ORIGIN_CONN_BYTES - LIMIT_ORIGIN_STREAMS * LIMIT_FLOW_BYTES;
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 4000000;
    assert_true((size_t)STREAMS * CAPS > grown_max);
    for (int i = 0; i < STREAMS; i++)
        rig_request(rig, "GET", 0)->consume_max = 2000000 + (uint64_t)i;

    RIG_UNTIL(rig, rig->requests[0].got_bytes >= 2000000);
    for (int i = 0; i < STREAMS; i++)
        RIG_UNTIL(rig, rig->requests[i].got_bytes == 2000000 + (uint64_t)i);
    rig_settle(rig);

    assert_true(rig->pools.grown_bytes <= grown_max);
    assert_true(rig->pools.grown_bytes > grown_max - LIMIT_FLOW_BYTES_MAX);
    assert_true(rig->loop.chunks.in_use * CHUNK_BYTES < LIMIT_ORIGIN_CONN_BYTES);
    for (int i = 0; i < STREAMS; i++) {
        rig->requests[i].consume_max = UINT64_MAX;
        script_consume(&rig->requests[i]);
    }
    RIG_UNTIL(rig, all_done(rig, STREAMS));
    assert_int_equal(rig->pools.grown_bytes, 0);
    rig_close(&rig);
}

/* The connection's window is what is scarce here: each stream alone could use up all of it. */
static void uploads_share_a_connection(void **state)
{
    (void)state;
    struct h2_rig *rig = rig_open();
    rig_open_peer(rig, true, 1000, false);
    rig_open_origin(rig, 5000, 5000);
    for (int i = 0; i < 3; i++)
        rig_request(rig, "POST", 100000000);

    const struct h2_peer_stream *got[3];
    for (int i = 0; i < 3; i++)
        got[i] = h2_peer_stream(rig->peer, 2 * i + 1);
    RIG_UNTIL(rig, got[0]->data_bytes + got[1]->data_bytes + got[2]->data_bytes > 10000000);

    for (int i = 0; i < 3; i++)
        assert_true(got[i]->data_bytes > 2000000);
    rig_close(&rig);
}

static void trailers_pass_with_and_without_a_body(void **state)
{
    (void)state;
    for (uint64_t bytes = 0; bytes <= 100; bytes += 100) {
        struct h2_rig *rig = open_both();
        rig->with_trailers = true;
        rig->answer_bytes = bytes;

        struct script_side *request = rig_request(rig, "POST", 10);
        RIG_UNTIL(rig, all_done(rig, 1));

        assert_int_equal(request->trailer_count, 1);
        assert_int_equal(request->got_bytes, bytes);
        rig_close(&rig);
    }
}

static void answers_without_a_body_end_with_their_head(void **state)
{
    static const struct {
        const char *method;
        int status;
    } rows[] = {{"HEAD", 200}, {"GET", 204}, {"GET", 304}};
    (void)state;
    for (size_t i = 0; i < countof(rows); i++) {
        struct h2_rig *rig = open_both();
        rig->status = rows[i].status;
        rig->answer_bytes = 500;

        struct script_side *request = rig_request(rig, rows[i].method, 0);
        RIG_UNTIL(rig, all_done(rig, 1));

        assert_int_equal(request->status, rows[i].status);
        assert_int_equal(request->got_bytes, 0);
        assert_true(request->end_got && !request->aborted);
        rig_close(&rig);
    }
}

static void an_interim_answer_passes_once_and_100_does_not(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->interim_status = 103;

    struct script_side *request = rig_request(rig, "GET", 0);
    RIG_UNTIL(rig, all_done(rig, 1));

    assert_int_equal(request->interim_count, 1);
    assert_int_equal(request->interim_status, 103);
    assert_int_equal(request->status, 200);
    rig_close(&rig);
}

static void a_failed_answer_looks_cut_and_not_complete(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 5000;
    rig->withhold_end = true;
    struct script_side *request = rig_request(rig, "GET", 0);
    RIG_UNTIL(rig, request->got_bytes == 5000);

    side_fail(&rig->answers[0].side, ERR_ORIGIN_RESET);
    RIG_UNTIL(rig, all_done(rig, 1));

    assert_true(request->aborted && !request->end_got);
    rig_close(&rig);
}

static void a_failed_request_looks_cut_and_not_complete(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    struct script_side *request = rig_prepare(rig, "POST", 1);
    request->exchange->request.state = FLOW_OPEN; /* as if more were to come */
    http_conn_run(rig->origin, request->exchange);
    rig->mute = true;
    RIG_UNTIL(rig, rig->answer_count == 1 && rig->answers[0].got_bytes == 1);

    side_fail(&request->side, ERR_CLIENT_GONE);
    RIG_UNTIL(rig, all_done(rig, 1));

    assert_true(rig->answers[0].aborted && !rig->answers[0].end_got);
    rig_close(&rig);
}

static void a_request_given_up_in_its_turn_never_reaches_the_origin(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig_request(rig, "GET", 0);
    RIG_UNTIL(rig, all_done(rig, 1));

    pair_hold(&rig->near, true);
    /* The write room is used up, so that HEADERS are submitted and cannot leave. */
    size_t pending = rig->near.pending_bytes;
    rig->near.pending_bytes = LIMIT_TRANSPORT_OUT_BYTES - 100;
    struct script_side *request = rig_request(rig, "GET", 0);
    rig_settle(rig);
    side_fail(&request->side, ERR_CLIENT_GONE);
    rig_settle(rig);
    assert_true(request->done);
    rig->near.pending_bytes = pending;
    rig->near.base.events->on_room(rig->near.base.owner);
    pair_hold(&rig->near, false);
    rig_settle(rig);

    assert_int_equal(rig->answer_count, 1);
    assert_int_equal(rig->origin->slots_used, 0);
    rig_close(&rig);
}

static void an_early_answer_stops_the_request_and_is_whole(void **state)
{
    (void)state;
    struct h2_rig *rig = open_both();
    rig->answer_bytes = 3000;
    /* More than can come in LIMIT_H2_EARLY_ANSWER_MS. */
    struct script_side *request = rig_prepare(rig, "POST", 10000000000);
    rig->mute = true;
    http_conn_run(rig->origin, request->exchange);
    RIG_UNTIL(rig, rig->answer_count == 1 && rig->answers[0].head_got);
    struct script_side *answer = &rig->answers[0];

    side_stop(&answer->side);
    answer->end_got = true;
    rig->mute = false;
    answer->head_told(answer);
    RIG_UNTIL(rig, all_done(rig, 1));

    assert_true(request->stopped && request->end_got && !request->aborted);
    assert_int_equal(request->got_bytes, 3000);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_pass_both_ways_byte_by_byte),
        cmocka_unit_test(a_trickling_peer_does_not_hang),
        cmocka_unit_test(a_slow_reader_holds_only_its_own_stream),
        cmocka_unit_test(a_window_grows_with_its_flow_and_not_beyond),
        cmocka_unit_test(a_connection_has_a_limit_that_starves_nobody),
        cmocka_unit_test(uploads_share_a_connection),
        cmocka_unit_test(trailers_pass_with_and_without_a_body),
        cmocka_unit_test(answers_without_a_body_end_with_their_head),
        cmocka_unit_test(an_interim_answer_passes_once_and_100_does_not),
        cmocka_unit_test(a_failed_answer_looks_cut_and_not_complete),
        cmocka_unit_test(a_failed_request_looks_cut_and_not_complete),
        cmocka_unit_test(a_request_given_up_in_its_turn_never_reaches_the_origin),
        cmocka_unit_test(an_early_answer_stops_the_request_and_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
