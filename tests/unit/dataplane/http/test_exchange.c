/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_exchange.c - the laws of flow.md 3, each by name.
 */
#include "tests/unit/common/base/dies.h"

#include "tests/unit/support/fake_side.h"

#define UNKNOWN HEAD_LENGTH_UNKNOWN
#define CAP ((size_t)LIMIT_FLOW_BYTES)

static const uint8_t zeros[LIMIT_FLOW_BYTES + 1];

static struct span some(size_t len)
{
    return span_of(zeros, len);
}

/* A request with its head, an origin attached, all events told. */
static void open_both(struct fake_rig *rig)
{
    fake_rig_open(rig);
    side_put_head(&rig->client.side, fake_rig_request(rig, "POST", UNKNOWN));
    fake_rig_attach(rig);
    fake_rig_run(rig);
}

static void forget_log(struct fake_rig *rig)
{
    rig->client.log[0] = rig->origin.log[0] = '\0';
}

static void finish(struct fake_rig *rig)
{
    if (rig->origin.side.exchange)
        side_fail(&rig->origin.side, ERR_ORIGIN_RESET);
    if (rig->client.side.exchange)
        side_fail(&rig->client.side, ERR_CLIENT_GONE);
    fake_rig_close(rig);
}

/* ---- L1 */

static void l1_events_come_from_the_wake_queue_only(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "POST", UNKNOWN));
    fake_rig_attach(&rig);
    fake_put(&rig.client, some(10));
    assert_string_equal(rig.origin.log, "");
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "HB");
    finish(&rig);
}

static void l1_events_coalesce_and_keep_their_order(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    fake_take(&rig.origin, SIZE_MAX);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    fake_put(&rig.origin, some(1));
    fake_put(&rig.origin, some(2));
    fake_put(&rig.client, some(3));
    fake_take(&rig.origin, SIZE_MAX);
    side_stop(&rig.origin.side);
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "HBRS");
    finish(&rig);
}

static void l1_abort_cancels_the_rest(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    forget_log(&rig);
    fake_put(&rig.client, some(3));
    exchange_fail(rig.exchange, ERR_TIMEOUT, FAULT_OF_ORIGIN);
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "A");
    assert_string_equal(rig.client.log, "A");
    fake_rig_close(&rig);
}

/* ---- L2 */

static void put_too_much(void *arg)
{
    struct fake_rig *rig = arg;
    side_put_bytes(&rig->client.side, some(CAP + 1));
}

static void l2_room_is_the_whole_promise(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    assert_int_equal(side_room(&rig.client.side), CAP);
    assert_true(dies(put_too_much, &rig));
    fake_put(&rig.client, some(CAP));
    assert_int_equal(side_room(&rig.client.side), 0);
    finish(&rig);
}

/* ---- L3 */

static void l3_room_is_told_when_the_flow_becomes_empty(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    for (int i = 0; i < 20; i++) {
        forget_log(&rig);
        fake_put(&rig.origin, some(100));
        fake_rig_run(&rig);
        fake_take(&rig.client, SIZE_MAX);
        fake_rig_run(&rig);
        assert_string_equal(rig.origin.log, "R");
        assert_int_equal(side_take_credit(&rig.origin.side), 100);
    }
    finish(&rig);
}

static void l3_room_is_told_for_each_quarter(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    fake_put(&rig.origin, some(CAP));
    fake_rig_run(&rig);
    forget_log(&rig);
    fake_take(&rig.client, CAP / 4 - 1);
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "");
    fake_take(&rig.client, 1);
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "R");
    assert_int_equal(side_take_credit(&rig.origin.side), CAP / 4);
    fake_take(&rig.client, CAP / 4);
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "RR");
    finish(&rig);
}

/* A peer whose window is all it may send until credit comes must never run dry. */
static void l3_a_trickling_upload_never_runs_dry(void **state)
{
    (void)state;
    for (size_t frame = 1000; frame <= 20000; frame += 1900) {
        struct fake_rig rig;
        open_both(&rig);
        rig.origin.greedy = true;
        size_t window = 65535;
        for (int i = 0; i < 300; i++) {
            assert_true(window >= frame || window > 0);
            size_t len = frame < window ? frame : window;
            fake_put(&rig.client, some(len));
            window -= len;
            fake_rig_run(&rig);
            window += side_take_credit(&rig.client.side);
            assert_true(window > 0);
        }
        finish(&rig);
    }
}

/* ---- L5 */

/* ---- L4 */

/* An answer of unknown length has begun, and nothing of it waits. */
static struct side *open_answer(struct fake_rig *rig, int64_t content_length)
{
    open_both(rig);
    side_put_head(&rig->origin.side, fake_rig_response(rig, 200, content_length));
    fake_rig_run(rig);
    return &rig->origin.side;
}

static void l4_a_flow_doubles_up_to_its_limit_and_gives_all_back(void **state)
{
    (void)state;
    struct fake_rig rig;
    struct side *side = open_answer(&rig, UNKNOWN);

    size_t cap = CAP;
    while (cap < LIMIT_FLOW_BYTES_MAX) {
        assert_int_equal(side_grow(side, SIZE_MAX), cap);
        cap *= 2;
        assert_int_equal(side_room(side), cap);
    }
    assert_int_equal(side_grow(side, SIZE_MAX), 0);
    assert_int_equal(rig.pools.grown_bytes, LIMIT_FLOW_BYTES_MAX - CAP);
    for (size_t put = 0; put + CAP <= cap; put += CAP)
        fake_put(&rig.origin, some(CAP));
    assert_int_equal(side_room(side), 0);

    finish(&rig);
    assert_int_equal(rig.pools.grown_bytes, 0);
}

static void l4_a_flow_whose_reader_lags_does_not_grow(void **state)
{
    (void)state;
    struct fake_rig rig;
    struct side *side = open_answer(&rig, UNKNOWN);

    fake_put(&rig.origin, some(CAP / 4 + 1));
    assert_int_equal(side_grow(side, SIZE_MAX), 0);
    fake_take(&rig.client, 1);
    assert_int_equal(side_grow(side, SIZE_MAX), CAP);
    finish(&rig);
}

static void l4_a_body_that_fits_does_not_grow_its_flow(void **state)
{
    (void)state;
    struct fake_rig rig;
    struct side *side = open_answer(&rig, CAP + 1);

    assert_int_equal(side_grow(side, SIZE_MAX), CAP);
    finish(&rig);
    side = open_answer(&rig, CAP);
    assert_int_equal(side_grow(side, SIZE_MAX), 0);
    finish(&rig);
}

static void l4_no_flow_grows_under_pressure(void **state)
{
    (void)state;
    struct fake_rig rig;
    struct side *side = open_answer(&rig, UNKNOWN);
    size_t others = LIMIT_WORKER_FLOW_BYTES - CAP + 1;

    rig.pools.grown_bytes += others;
    assert_int_equal(side_grow(side, SIZE_MAX), 0);
    rig.pools.grown_bytes -= 1;
    others -= 1;
    assert_int_equal(side_grow(side, CAP - 1), 0);
    assert_int_equal(side_grow(side, CAP), CAP);
    rig.pools.grown_bytes -= others;

    rig.chunks.in_use += LIMIT_WORKER_FLOW_BYTES / CHUNK_BYTES;
    assert_int_equal(side_grow(side, SIZE_MAX), 0);
    rig.chunks.in_use -= LIMIT_WORKER_FLOW_BYTES / CHUNK_BYTES;
    finish(&rig);
}

static void l4_a_request_that_is_kept_does_not_grow(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);

    assert_int_equal(side_grow(&rig.client.side, SIZE_MAX), 0);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    assert_int_equal(side_grow(&rig.client.side, SIZE_MAX), CAP);
    finish(&rig);
}

/* ---- L5 */

static void l5_done_once_when_both_are_gone(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    fake_end(&rig.client);
    fake_take(&rig.origin, SIZE_MAX);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, 0));
    fake_end(&rig.origin);
    side_detach(&rig.origin.side);
    fake_rig_run(&rig);
    assert_int_equal(rig.done_count, 0);
    fake_take(&rig.client, SIZE_MAX);
    assert_true(rig.client.end_got);
    assert_int_equal(rig.exchange->fault.err, ERR_OK);
    side_detach(&rig.client.side);
    assert_int_equal(rig.done_count, 0);
    assert_int_equal(rig.pools.exchange_count, 1);
    fake_rig_run(&rig);
    assert_int_equal(rig.done_count, 1);
    assert_int_equal(rig.gone_count, 0);
    fake_rig_close(&rig);
}

static void l5_a_detached_side_hears_nothing_more(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    forget_log(&rig);
    fake_put(&rig.client, some(1));
    side_fail(&rig.origin.side, ERR_ORIGIN_RESET);
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "");
    finish(&rig);
}

static void l5_a_client_that_leaves_before_an_origin_is_there_ends_it(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "POST", UNKNOWN));
    fake_put(&rig.client, some(5));
    side_detach(&rig.client.side);
    assert_int_equal(rig.gone_count, 0);
    fake_rig_run(&rig);
    assert_int_equal(rig.gone_count, 1);
    assert_int_equal(rig.done_count, 1);
    fake_rig_close(&rig);
}

static void l5_an_origin_that_comes_after_the_client_left_is_aborted(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "GET", UNKNOWN));
    side_fail(&rig.client.side, ERR_CLIENT_GONE);
    fake_rig_attach(&rig);
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "A");
    assert_int_equal(rig.gone_count, 0);
    fake_rig_close(&rig);
}

/* ---- L6 */

static void l6_an_origin_that_fails_early_is_replaced(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    rig.on_failed = fake_rig_attach;
    fake_put(&rig.client, SPAN("hello"));
    fake_end(&rig.client);
    fake_take(&rig.origin, 3);
    side_fail(&rig.origin.side, ERR_ORIGIN_STALE);
    assert_false(side_attached(&rig.origin.side));
    assert_int_equal(rig.exchange->fault.err, ERR_OK);
    rig.origin.greedy = true;
    fake_rig_run(&rig);
    assert_int_equal(rig.failed_count, 1);
    assert_int_equal(rig.failed_err, ERR_ORIGIN_STALE);
    assert_span_bytes(buf_span(&rig.origin.got), SPAN("hello"));
    assert_true(rig.origin.end_got);
    assert_string_equal(rig.client.log, "");
    finish(&rig);
}

static void l6_a_failure_after_the_head_aborts_the_client(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    fake_put(&rig.origin, some(10));
    side_fail(&rig.origin.side, ERR_ORIGIN_RESET);
    assert_int_equal(side_in_level(&rig.client.side), 0);
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "A");
    assert_int_equal(rig.failed_count, 0);
    fake_rig_close(&rig);
}

static void l6_the_first_fault_stays(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    exchange_fail(rig.exchange, ERR_TIMEOUT, FAULT_OF_ORIGIN);
    exchange_fail(rig.exchange, ERR_INTERNAL, FAULT_OF_CLIENT);
    assert_int_equal(rig.exchange->fault.err, ERR_TIMEOUT);
    assert_int_equal(rig.exchange->fault.side, FAULT_OF_ORIGIN);
    side_fail(&rig.client.side, ERR_CLIENT_GONE);
    assert_int_equal(rig.exchange->fault.err, ERR_TIMEOUT);
    fake_rig_close(&rig);
}

static void l6_a_complete_answer_survives_its_origin(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, 4));
    fake_put(&rig.origin, SPAN("done"));
    fake_end(&rig.origin);
    side_fail(&rig.origin.side, ERR_ORIGIN_RESET);
    rig.client.greedy = true;
    fake_rig_run(&rig);
    assert_span_bytes(buf_span(&rig.client.got), SPAN("done"));
    assert_true(rig.client.end_got);
    assert_int_equal(rig.exchange->fault.err, ERR_OK);
    finish(&rig);
}

static void l6_a_body_shorter_than_its_length_never_looks_complete(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, 5));
    fake_put(&rig.origin, some(4));
    fake_end(&rig.origin);
    assert_int_equal(rig.exchange->fault.err, ERR_ORIGIN_ANSWER);
    fake_rig_run(&rig);
    assert_false(rig.client.end_got);
    assert_string_equal(rig.client.log, "A");
    fake_rig_close(&rig);
}

static void l6_a_body_longer_than_its_length_fails(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "POST", 5));
    fake_put(&rig.client, some(6));
    assert_int_equal(rig.exchange->fault.err, ERR_REQUEST_FRAMING);
    assert_int_equal(rig.exchange->fault.side, FAULT_OF_CLIENT);
    fake_rig_close(&rig);
}

static void l6_head_and_304_may_tell_a_length_without_a_body(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fake_rig rig;
        fake_rig_open(&rig);
        side_put_head(&rig.client.side, fake_rig_request(&rig, i ? "HEAD" : "GET", UNKNOWN));
        fake_end(&rig.client);
        fake_rig_attach(&rig);
        side_put_head(&rig.origin.side, fake_rig_response(&rig, i ? 200 : 304, 500));
        fake_end(&rig.origin);
        assert_int_equal(rig.exchange->fault.err, ERR_OK);
        finish(&rig);
    }
}

/* ---- L7 */

static void l7_an_early_answer_stops_the_request_and_completes(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    fake_put(&rig.client, some(1000));
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 413, 2));
    fake_put(&rig.origin, SPAN("no"));
    fake_end(&rig.origin);
    side_stop(&rig.origin.side);
    side_detach(&rig.origin.side);
    rig.client.greedy = true;
    forget_log(&rig);
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "HBRS");
    assert_int_equal(side_take_credit(&rig.client.side), 1000);
    fake_put(&rig.client, some(700));
    assert_int_equal(side_take_credit(&rig.client.side), 700);
    assert_int_equal(side_room(&rig.client.side), CAP);
    fake_end(&rig.client);
    side_detach(&rig.client.side);
    assert_int_equal(rig.exchange->fault.err, ERR_OK);
    fake_rig_close(&rig);
}

static void l7_a_client_may_stop_the_answer(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    fake_end(&rig.client);
    fake_take(&rig.origin, SIZE_MAX);
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    fake_put(&rig.origin, some(10));
    fake_rig_run(&rig);
    forget_log(&rig);
    side_stop(&rig.client.side);
    side_detach(&rig.client.side);
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "RS");
    side_detach(&rig.origin.side);
    assert_int_equal(rig.exchange->fault.err, ERR_OK);
    fake_rig_close(&rig);
}

/* ---- L8 */

static void l8_the_request_fills_before_an_origin_is_there(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "POST", UNKNOWN));
    fake_put(&rig.client, some(CAP));
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "");
    fake_rig_attach(&rig);
    rig.origin.greedy = true;
    fake_rig_run(&rig);
    assert_int_equal(rig.origin.got.len, CAP);
    assert_string_equal(rig.client.log, "R");
    finish(&rig);
}

static void l8_credit_is_withheld_while_bytes_are_kept(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    fake_put(&rig.client, some(1000));
    fake_take(&rig.origin, SIZE_MAX);
    assert_int_equal(side_take_credit(&rig.client.side), 0);
    assert_true(exchange_can_replay(rig.exchange));
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    assert_int_equal(side_take_credit(&rig.client.side), 1000);
    assert_false(exchange_can_replay(rig.exchange));
    finish(&rig);
}

static void l8_a_large_upload_gives_up_replay_instead_of_stalling(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    rig.origin.greedy = true;
    for (int i = 0; i < 40; i++) {
        assert_true(side_room(&rig.client.side) >= 10000);
        fake_put(&rig.client, some(10000));
        fake_rig_run(&rig);
    }
    assert_false(exchange_can_replay(rig.exchange));
    assert_int_equal(rig.origin.got.len, 400000);
    finish(&rig);
}

static void l8_a_complete_body_is_replayed_whole(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    rig.origin.greedy = true;
    rig.on_failed = fake_rig_attach;
    fake_put(&rig.client, some(CAP));
    fake_end(&rig.client);
    for (int i = 0; i < 3; i++) {
        fake_rig_run(&rig);
        assert_int_equal(rig.origin.got.len, CAP);
        assert_true(rig.origin.end_got);
        assert_true(exchange_can_replay(rig.exchange));
        side_fail(&rig.origin.side, ERR_ORIGIN_STALE);
    }
    fake_rig_run(&rig);
    finish(&rig);
}

static void attach_again(void *arg)
{
    fake_rig_attach(arg);
}

static void l8_no_origin_gets_a_body_without_its_beginning(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    fake_put(&rig.client, some(CAP));
    fake_take(&rig.origin, CAP / 2);
    side_fail(&rig.origin.side, ERR_ORIGIN_RESET);
    assert_false(exchange_can_replay(rig.exchange));
    assert_true(dies(attach_again, &rig));
    finish(&rig);
}

static void l8_an_origin_that_took_the_head_may_have_acted(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "GET", UNKNOWN));
    assert_false(rig.exchange->origin_may_have_acted);
    fake_rig_attach(&rig);
    assert_false(rig.exchange->origin_may_have_acted);
    fake_rig_run(&rig);
    assert_true(rig.exchange->origin_may_have_acted);
    finish(&rig);
}

/* ---- L9 */

/* ---- the limit of a body */

static void a_body_past_its_limit_aborts_the_origin_and_asks_for_an_answer(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    assert_true(exchange_limit_request(rig.exchange, 100));
    forget_log(&rig);
    fake_put(&rig.client, some(100));
    fake_rig_run(&rig);
    assert_string_equal(rig.origin.log, "B");

    fake_put(&rig.client, some(1));
    fake_rig_run(&rig);

    assert_string_equal(rig.origin.log, "BA");
    assert_int_equal(rig.failed_count, 1);
    assert_int_equal(rig.failed_err, ERR_REQUEST_BODY_TOO_LARGE);
    assert_int_equal(rig.exchange->request.state, FLOW_STOPPED);
    assert_false(exchange_can_replay(rig.exchange));
    finish(&rig);
}

static void a_body_past_its_limit_is_told_without_an_origin_too(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "POST", UNKNOWN));
    assert_true(exchange_limit_request(rig.exchange, 100));
    fake_put(&rig.client, some(101));
    fake_rig_run(&rig);

    assert_int_equal(rig.failed_err, ERR_REQUEST_BODY_TOO_LARGE);
    finish(&rig);
}

static void a_refused_body_is_cut_for_the_origin_and_answered(void **state)
{
    (void)state;
    struct fake_rig rig;
    struct problem problem;
    open_both(&rig);
    fake_put(&rig.client, some(100));
    fake_rig_run(&rig);
    forget_log(&rig);

    (void)problem_set(&problem, ERR_REQUEST_FRAMING, "body", "no chunk");
    side_refuse(&rig.client.side, ERR_REQUEST_FRAMING, &problem);
    fake_rig_run(&rig);

    assert_string_equal(rig.origin.log, "A");
    assert_false(rig.origin.end_got);
    assert_int_equal(rig.failed_err, ERR_REQUEST_FRAMING);
    assert_int_equal(rig.exchange->refusal.err, ERR_REQUEST_FRAMING);
    assert_true(span_equal(rig.exchange->refusal.reason, SPAN("body: no chunk")));
    finish(&rig);
}

static void a_length_that_is_announced_is_too_large_at_once(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    side_put_head(&rig.client.side, fake_rig_request(&rig, "POST", 101));
    assert_false(exchange_limit_request(rig.exchange, 100));
    assert_true(exchange_limit_request(rig.exchange, 101));
    assert_true(exchange_limit_request(rig.exchange, 0));
    finish(&rig);
}

static void l9_an_interim_head_changes_no_state(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    side_put_interim(&rig.origin.side, fake_rig_response(&rig, 103, UNKNOWN));
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    assert_true(rig.exchange->interim_seen);
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "IH");
    assert_int_equal(side_in_interim(&rig.client.side)->status, 103);
    assert_int_equal(side_in_head(&rig.client.side)->status, 200);
    side_put_interim(&rig.origin.side, fake_rig_response(&rig, 103, UNKNOWN));
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "IH");
    finish(&rig);
}

static void l9_interim_heads_that_come_at_once_all_pass(void **state)
{
    (void)state;
    struct fake_rig rig;
    open_both(&rig);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < LIMIT_INTERIM_ANSWERS + 1; i++)
            side_put_interim(&rig.origin.side, fake_rig_response(&rig, 103 + i, UNKNOWN));
        fake_rig_run(&rig);
        for (int i = 0; i < LIMIT_INTERIM_ANSWERS; i++)
            assert_int_equal(side_in_interim(&rig.client.side)->status, 103 + i);
        assert_null(side_in_interim(&rig.client.side));
    }
    side_put_head(&rig.origin.side, fake_rig_response(&rig, 200, UNKNOWN));
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "IIH");
    finish(&rig);
}

static void l9_a_client_that_waits_for_100_is_told_when_an_origin_comes(void **state)
{
    (void)state;
    struct fake_rig rig;
    fake_rig_open(&rig);
    struct head *head = fake_rig_request(&rig, "POST", 5);
    head->expects_continue = true;
    side_put_head(&rig.client.side, head);
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "");
    fake_rig_attach(&rig);
    fake_rig_run(&rig);
    assert_string_equal(rig.client.log, "R");
    finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l1_events_come_from_the_wake_queue_only),
        cmocka_unit_test(l1_events_coalesce_and_keep_their_order),
        cmocka_unit_test(l1_abort_cancels_the_rest),
        cmocka_unit_test(l2_room_is_the_whole_promise),
        cmocka_unit_test(l3_room_is_told_when_the_flow_becomes_empty),
        cmocka_unit_test(l3_room_is_told_for_each_quarter),
        cmocka_unit_test(l3_a_trickling_upload_never_runs_dry),
        cmocka_unit_test(l4_a_flow_doubles_up_to_its_limit_and_gives_all_back),
        cmocka_unit_test(l4_a_flow_whose_reader_lags_does_not_grow),
        cmocka_unit_test(l4_a_body_that_fits_does_not_grow_its_flow),
        cmocka_unit_test(l4_no_flow_grows_under_pressure),
        cmocka_unit_test(l4_a_request_that_is_kept_does_not_grow),
        cmocka_unit_test(l5_done_once_when_both_are_gone),
        cmocka_unit_test(l5_a_detached_side_hears_nothing_more),
        cmocka_unit_test(l5_a_client_that_leaves_before_an_origin_is_there_ends_it),
        cmocka_unit_test(l5_an_origin_that_comes_after_the_client_left_is_aborted),
        cmocka_unit_test(l6_an_origin_that_fails_early_is_replaced),
        cmocka_unit_test(l6_a_failure_after_the_head_aborts_the_client),
        cmocka_unit_test(l6_the_first_fault_stays),
        cmocka_unit_test(l6_a_complete_answer_survives_its_origin),
        cmocka_unit_test(l6_a_body_shorter_than_its_length_never_looks_complete),
        cmocka_unit_test(l6_a_body_longer_than_its_length_fails),
        cmocka_unit_test(l6_head_and_304_may_tell_a_length_without_a_body),
        cmocka_unit_test(l7_an_early_answer_stops_the_request_and_completes),
        cmocka_unit_test(l7_a_client_may_stop_the_answer),
        cmocka_unit_test(l8_the_request_fills_before_an_origin_is_there),
        cmocka_unit_test(l8_credit_is_withheld_while_bytes_are_kept),
        cmocka_unit_test(l8_a_large_upload_gives_up_replay_instead_of_stalling),
        cmocka_unit_test(l8_a_complete_body_is_replayed_whole),
        cmocka_unit_test(l8_no_origin_gets_a_body_without_its_beginning),
        cmocka_unit_test(l8_an_origin_that_took_the_head_may_have_acted),
        cmocka_unit_test(a_body_past_its_limit_aborts_the_origin_and_asks_for_an_answer),
        cmocka_unit_test(a_body_past_its_limit_is_told_without_an_origin_too),
        cmocka_unit_test(a_refused_body_is_cut_for_the_origin_and_answered),
        cmocka_unit_test(a_length_that_is_announced_is_too_large_at_once),
        cmocka_unit_test(l9_an_interim_head_changes_no_state),
        cmocka_unit_test(l9_interim_heads_that_come_at_once_all_pass),
        cmocka_unit_test(l9_a_client_that_waits_for_100_is_told_when_an_origin_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
