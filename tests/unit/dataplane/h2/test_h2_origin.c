/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_origin.c - what an origin may do to its connection, and what becomes of the exchanges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "dataplane/h2/h2_session.h"
#include "tests/unit/support/h2_rig.h"

#define TIMEOUT_MS 5000

static struct h2_rig *open_to_peer(uint32_t streams_max)
{
    struct h2_rig *rig = rig_open();
    rig_open_origin(rig, TIMEOUT_MS, TIMEOUT_MS);
    rig_open_peer(rig, true, streams_max, false);
    rig_settle(rig);
    return rig;
}

static struct script_side *request_seen(struct h2_rig *rig, const char *method, uint64_t bytes)
{
    uint32_t seen = rig->peer->request_count;
    struct script_side *request = rig_request(rig, method, bytes);
    RIG_UNTIL(rig, rig->peer->request_count == seen + 1);
    return request;
}

/* ---- slots */

static void slots_are_a_hundred_until_settings_come(void **state)
{
    (void)state;
    struct h2_rig *rig = rig_open();
    rig_open_origin(rig, TIMEOUT_MS, TIMEOUT_MS);

    assert_int_equal(http_conn_free_slots(rig->origin), LIMIT_ORIGIN_STREAMS_UNTOLD);
    rig_open_peer(rig, true, UINT32_MAX, false);
    RIG_UNTIL(rig, http_conn_free_slots(rig->origin) == LIMIT_ORIGIN_STREAMS);
    rig_close(&rig);
}

static void slots_follow_the_origins_settings_up_and_down(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(3);
    assert_int_equal(rig->origin->slots_max, 3);
    for (int i = 0; i < 3; i++)
        request_seen(rig, "GET", 0);
    assert_int_equal(http_conn_free_slots(rig->origin), 0);

    const uint32_t steps[] = {0, 1, 5};
    for (size_t i = 0; i < countof(steps); i++) {
        nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, steps[i]};
        int told = rig->slots_told;
        nghttp2_submit_settings(rig->peer->ng, 0, &entry, 1);
        h2_peer_flush(rig->peer);
        RIG_UNTIL(rig, rig->slots_told > told);
        assert_int_equal(rig->origin->slots_max, steps[i]);
    }
    assert_int_equal(http_conn_free_slots(rig->origin), 2);
    for (int32_t id = 1; id <= 5; id += 2)
        h2_peer_respond(rig->peer, id, "200", 10);
    RIG_UNTIL(rig, http_conn_free_slots(rig->origin) == 5);
    rig_close(&rig);
}

static void slots_are_told_once_a_turn(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    for (int i = 0; i < 50; i++)
        rig_request(rig, "GET", 0);
    RIG_UNTIL(rig, rig->peer->request_count == 50);
    int told = rig->slots_told;

    for (int32_t id = 1; id < 100; id += 2)
        h2_peer_respond(rig->peer, id, "204", 0);
    RIG_UNTIL(rig, rig->origin->slots_used == 0);
    rig_settle(rig);

    assert_true(rig->slots_told - told <= 2);
    rig_close(&rig);
}

/* ---- endings of one stream */

static void a_reset_is_told_by_its_code(void **state)
{
    static const struct {
        uint32_t code;
        enum err err;
    } rows[] = {
        {NGHTTP2_REFUSED_STREAM, ERR_ORIGIN_REFUSED_STREAM},
        {NGHTTP2_HTTP_1_1_REQUIRED, ERR_ORIGIN_H1_REQUIRED},
        {NGHTTP2_INTERNAL_ERROR, ERR_ORIGIN_STREAM_RESET},
        {NGHTTP2_PROTOCOL_ERROR, ERR_ORIGIN_STREAM_RESET},
        {NGHTTP2_NO_ERROR, ERR_ORIGIN_RESET},
        {NGHTTP2_CANCEL, ERR_ORIGIN_RESET},
    };
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    for (size_t i = 0; i < countof(rows); i++) {
        struct script_side *request = request_seen(rig, "GET", 0);
        h2_peer_reset(rig->peer, (int32_t)(2 * i + 1), rows[i].code);
        RIG_UNTIL(rig, request->done);
        assert_int_equal(request->origin_err, rows[i].err);
    }
    assert_int_equal(rig->origin->slots_used, 0);
    assert_false(rig->origin->draining);
    rig_close(&rig);
}

static void a_reset_after_the_head_cuts_the_answer(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct script_side *request = request_seen(rig, "GET", 0);
    h2_peer_respond(rig->peer, 1, "200", UINT64_MAX);
    RIG_UNTIL(rig, request->got_bytes > 0);

    h2_peer_reset(rig->peer, 1, NGHTTP2_INTERNAL_ERROR);
    RIG_UNTIL(rig, request->done);

    assert_true(request->aborted && !request->end_got);
    rig_close(&rig);
}

static void no_error_after_a_whole_answer_stops_the_request(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    /* Far more than the peer's window. */
    struct script_side *request = request_seen(rig, "POST", 1000000);
    pair_hold(&rig->near, true);
    h2_peer_respond(rig->peer, 1, "413", 20);
    rig_settle(rig);
    h2_peer_reset(rig->peer, 1, NGHTTP2_NO_ERROR);
    rig_settle(rig);
    pair_hold(&rig->near, false);
    RIG_UNTIL(rig, request->done);

    assert_int_equal(request->status, 413);
    assert_true(request->end_got && request->stopped && !request->aborted);
    rig_close(&rig);
}

static void a_body_of_the_wrong_length_is_never_complete(void **state)
{
    static const char *const lengths[] = {"9", "11"};
    (void)state;
    for (size_t i = 0; i < countof(lengths); i++) {
        struct h2_rig *rig = open_to_peer(100);
        struct script_side *request = request_seen(rig, "GET", 0);
        uint8_t raw[64];
        /* HEADERS: :status 200, content-length; DATA of 10 bytes with END_STREAM. */
        size_t value_len = strlen(lengths[i]), at = 0;
        uint8_t head[] = {0, 0, (uint8_t)(1 + 3 + value_len), 1, 4, 0, 0, 0, 1, 0x88, 0x0f, 0x0d};
        memcpy(raw, head, sizeof(head));
        at = sizeof(head);
        raw[at++] = (uint8_t)value_len;
        memcpy(raw + at, lengths[i], value_len);
        at += value_len;
        const uint8_t data[] = {0, 0, 10, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        memcpy(raw + at, data, sizeof(data));
        at += sizeof(data);

        request->consume_max = 0;
        transport_write(&rig->far.base, span_of(raw, at));
        RIG_UNTIL(rig, request->done);

        assert_true(request->aborted && !request->end_got);
        assert_int_equal(rig->origin_closed_told, 0);
        rig_close(&rig);
    }
}

static void a_visitor_who_leaves_cancels_the_stream(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct script_side *request = request_seen(rig, "GET", 0);
    h2_peer_respond(rig->peer, 1, "200", UINT64_MAX);
    RIG_UNTIL(rig, request->got_bytes > 100000);

    side_fail(&request->side, ERR_CLIENT_GONE);
    RIG_UNTIL(rig, h2_peer_stream(rig->peer, 1)->reset && rig->origin->slots_used == 0);

    assert_int_equal(h2_peer_stream(rig->peer, 1)->reset_code, NGHTTP2_CANCEL);
    /* What was on its way is credited to the connection: another stream gets all of its answer. */
    struct script_side *other = request_seen(rig, "GET", 0);
    other->consume_max = UINT64_MAX;
    h2_peer_respond(rig->peer, 3, "204", 0);
    RIG_UNTIL(rig, other->end_got);
    rig_close(&rig);
}

/* An origin on nghttp2 ends a connection that resets more than 33 streams a second. */
static void resets_are_paced_and_none_is_forgotten(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct h2_session *session = rig->near.base.owner;
    struct script_side *sent = request_seen(rig, "POST", 100000000);
    session->abuse.millitokens[H2_BUDGET_CANCEL] = 0;
    session->abuse.filled_at_ms[H2_BUDGET_CANCEL] = h2_session_now_ms(session);

    side_fail(&sent->side, ERR_CLIENT_GONE);
    rig_turn(rig, rig_now_ms());
    rig_turn(rig, rig_now_ms());
    assert_true(sent->done);
    assert_int_equal(rig->origin->slots_used, 1);
    RIG_UNTIL(rig, rig->origin->slots_used == 0);

    RIG_UNTIL(rig, h2_peer_stream(rig->peer, 1)->reset);
    assert_int_equal(h2_peer_stream(rig->peer, 1)->reset_code, NGHTTP2_CANCEL);
    assert_false(h2_peer_stream(rig->peer, 1)->ended);
    rig_close(&rig);
}

static void a_read_timeout_ends_one_stream_alone(void **state)
{
    (void)state;
    struct h2_rig *rig = rig_open();
    rig_open_origin(rig, 100, TIMEOUT_MS);
    rig_open_peer(rig, true, 100, false);
    rig_settle(rig);
    struct script_side *request = request_seen(rig, "GET", 0);

    RIG_UNTIL(rig, request->done);

    assert_int_equal(request->origin_err, ERR_ORIGIN_READ_TIMEOUT);
    RIG_UNTIL(rig, h2_peer_stream(rig->peer, 1)->reset);
    assert_int_equal(rig->origin_closed_told, 0);
    rig_close(&rig);
}

/* ---- endings of the connection */

static void goaway_returns_what_the_origin_did_not_take(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct script_side *first = request_seen(rig, "POST", 10);
    struct script_side *second = request_seen(rig, "POST", 10);

    nghttp2_submit_goaway(rig->peer->ng, 0, 1, NGHTTP2_NO_ERROR, NULL, 0);
    h2_peer_flush(rig->peer);
    RIG_UNTIL(rig, second->done);

    assert_int_equal(second->origin_err, ERR_ORIGIN_NOT_PROCESSED);
    assert_int_equal(rig->draining_told, 1);
    assert_int_equal(http_conn_free_slots(rig->origin), 0);
    assert_false(first->done);
    h2_peer_respond(rig->peer, 1, "200", 30);
    RIG_UNTIL(rig, rig->origin_closed_told == 1);
    assert_true(first->end_got);
    assert_int_equal(first->got_bytes, 30);
    rig_close(&rig);
}

static void goaway_of_two_steps_loses_nothing(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct script_side *request = request_seen(rig, "GET", 0);

    nghttp2_submit_shutdown_notice(rig->peer->ng);
    h2_peer_flush(rig->peer);
    RIG_UNTIL(rig, rig->draining_told == 1);
    assert_false(request->done);
    nghttp2_submit_goaway(rig->peer->ng, 0, 1, NGHTTP2_NO_ERROR, NULL, 0);
    h2_peer_respond(rig->peer, 1, "204", 0);
    RIG_UNTIL(rig, rig->origin_closed_told == 1);

    assert_true(request->end_got);
    assert_int_equal(rig->draining_told, 1);
    rig_close(&rig);
}

static void goaway_can_ask_for_http_1(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct script_side *request = request_seen(rig, "POST", 10);

    nghttp2_submit_goaway(rig->peer->ng, 0, INT32_MAX, NGHTTP2_HTTP_1_1_REQUIRED, NULL, 0);
    h2_peer_flush(rig->peer);
    RIG_UNTIL(rig, request->done && rig->origin_closed_told == 1);

    assert_int_equal(request->origin_err, ERR_ORIGIN_H1_REQUIRED);
    assert_int_equal(rig->origin_closed_err, ERR_ORIGIN_H1_REQUIRED);
    rig_close(&rig);
}

static void a_fresh_connection_that_dies_is_reset_and_a_used_one_stale(void **state)
{
    (void)state;
    for (int used = 0; used <= 1; used++) {
        struct h2_rig *rig = open_to_peer(100);
        if (used) {
            struct script_side *before = request_seen(rig, "GET", 0);
            h2_peer_respond(rig->peer, 1, "204", 0);
            RIG_UNTIL(rig, before->done);
        }
        struct script_side *request = request_seen(rig, "GET", 0);

        struct transport *transport = &rig->far.base;
        transport_abort(&transport);
        RIG_UNTIL(rig, request->done && rig->origin_closed_told == 1);

        assert_int_equal(request->origin_err, used ? ERR_ORIGIN_STALE : ERR_ORIGIN_RESET);
        rig_close(&rig);
    }
}

static void what_was_not_sent_when_it_dies_was_not_processed(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct script_side *request = rig_prepare(rig, "POST", 10);
    http_conn_run(rig->origin, request->exchange);

    rig->near.base.events->on_closed(rig->near.base.owner, ERR_IO);
    RIG_UNTIL(rig, request->done && rig->origin_closed_told == 1);

    assert_int_equal(request->origin_err, ERR_ORIGIN_NOT_PROCESSED);
    rig_close(&rig);
}

static void garbage_is_a_broken_origin(void **state)
{
    (void)state;
    struct h2_rig *rig = rig_open();
    rig_open_origin(rig, TIMEOUT_MS, TIMEOUT_MS);
    rig_open_peer(rig, true, 100, true);
    struct script_side *request = rig_request(rig, "GET", 0);
    rig_settle(rig);

    transport_write(&rig->far.base, SPAN("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"));
    RIG_UNTIL(rig, request->done && rig->origin_closed_told == 1);

    assert_int_equal(request->origin_err, ERR_ORIGIN_H2_BROKEN);
    assert_int_equal(rig->origin_closed_err, ERR_ORIGIN_H2_BROKEN);
    rig_close(&rig);
}

static void settings_that_never_come_are_a_broken_origin(void **state)
{
    (void)state;
    struct h2_rig *rig = rig_open();
    rig_open_origin(rig, TIMEOUT_MS, 100);
    rig_open_peer(rig, true, 100, true);
    struct script_side *request = rig_request(rig, "GET", 0);

    RIG_UNTIL(rig, request->done && rig->origin_closed_told == 1);

    assert_int_equal(request->origin_err, ERR_ORIGIN_H2_BROKEN);
    rig_close(&rig);
}

static void ids_that_run_out_retire_the_connection(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct h2_peer_stream *last = NULL;
    (void)last;
    struct script_side *request = rig_prepare(rig, "GET", 0);
    struct h2_session *session = (struct h2_session *)rig->near.base.owner;
    assert_int_equal(nghttp2_session_set_next_stream_id(session->ng, INT32_MAX - 10), 0);
    pair_hold(&rig->near, true);

    http_conn_run(rig->origin, request->exchange);
    RIG_UNTIL(rig, rig->draining_told == 1);

    assert_int_equal(http_conn_free_slots(rig->origin), 0);
    rig_close(&rig);
}

static void only_trailers_of_te_and_one_cookie_are_sent(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    struct script_side *request = &rig->requests[rig->request_count++];
    struct exchange *exchange = script_client_open(request, &rig->pools, &rig->facts);
    struct head *head = script_request(exchange, "GET", "/");
    head->bodyless = true;
    script_field(head, "te", "trailers");
    script_field(head, "cookie", "a=1; b=2");
    script_field(head, "connection", "close");
    side_put_head(&request->side, head);
    script_produce(request);
    http_conn_run(rig->origin, exchange);
    RIG_UNTIL(rig, rig->peer->request_count == 1);

    struct h2_peer_stream *stream = h2_peer_stream(rig->peer, 1);
    assert_string_equal(stream->te, "trailers");
    assert_string_equal(stream->cookie, "a=1; b=2");
    assert_int_equal(stream->field_count, 6);
    assert_true(stream->ended);
    assert_int_equal(stream->data_frames, 0);
    rig_close(&rig);
}

static void a_flood_of_pings_ends_the_connection(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer(100);
    for (int i = 0; i < LIMIT_H2_PING_BURST + 5; i++)
        nghttp2_submit_ping(rig->peer->ng, 0, NULL);
    h2_peer_flush(rig->peer);

    RIG_UNTIL(rig, rig->origin_closed_told == 1);

    assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_a_hundred_until_settings_come),
        cmocka_unit_test(slots_follow_the_origins_settings_up_and_down),
        cmocka_unit_test(slots_are_told_once_a_turn),
        cmocka_unit_test(a_reset_is_told_by_its_code),
        cmocka_unit_test(a_reset_after_the_head_cuts_the_answer),
        cmocka_unit_test(no_error_after_a_whole_answer_stops_the_request),
        cmocka_unit_test(a_body_of_the_wrong_length_is_never_complete),
        cmocka_unit_test(a_visitor_who_leaves_cancels_the_stream),
        cmocka_unit_test(resets_are_paced_and_none_is_forgotten),
        cmocka_unit_test(a_read_timeout_ends_one_stream_alone),
        cmocka_unit_test(goaway_returns_what_the_origin_did_not_take),
        cmocka_unit_test(goaway_of_two_steps_loses_nothing),
        cmocka_unit_test(goaway_can_ask_for_http_1),
        cmocka_unit_test(a_fresh_connection_that_dies_is_reset_and_a_used_one_stale),
        cmocka_unit_test(what_was_not_sent_when_it_dies_was_not_processed),
        cmocka_unit_test(garbage_is_a_broken_origin),
        cmocka_unit_test(settings_that_never_come_are_a_broken_origin),
        cmocka_unit_test(ids_that_run_out_retire_the_connection),
        cmocka_unit_test(only_trailers_of_te_and_one_cookie_are_sent),
        cmocka_unit_test(a_flood_of_pings_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
