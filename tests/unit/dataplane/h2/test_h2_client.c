/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_client.c - what a visitor may do to its HTTP/2 connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "dataplane/h2/h2_session.h"
#include "tests/unit/support/h2_rig.h"

static struct h2_rig *open_to_peer(void)
{
    struct h2_rig *rig = rig_open();
    rig_open_client(rig);
    rig_open_peer(rig, false, UINT32_MAX, false);
    rig_settle(rig);
    return rig;
}

static struct h2_session *session_of(struct h2_rig *rig)
{
    return rig->far.base.owner;
}

static struct h2_peer_stream *answered(struct h2_rig *rig, int32_t id)
{
    struct h2_peer_stream *stream = h2_peer_stream(rig->peer, id);
    RIG_UNTIL(rig, stream->ended || stream->reset);
    return stream;
}

/* ---- answers */

static void a_small_answer_is_headers_and_one_data_frame(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->answer_bytes = 1024;

    struct h2_peer_stream *stream = answered(rig, h2_peer_request(rig->peer, "GET", 0, NULL));

    assert_int_equal(stream->status, 200);
    assert_int_equal(stream->data_bytes, 1024);
    assert_int_equal(stream->head_frames, 1);
    assert_int_equal(stream->data_frames, 1);
    rig_close(&rig);
}

static void the_settings_say_what_is_allowed(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    nghttp2_session *ng = rig->peer->ng;

    assert_int_equal(rig->peer->told_streams_max, LIMIT_CLIENT_STREAMS);
    assert_int_equal(nghttp2_session_get_remote_settings(ng, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE),
                     LIMIT_FLOW_BYTES);
    assert_int_equal(nghttp2_session_get_remote_window_size(ng), LIMIT_CLIENT_CONN_WINDOW_BYTES);
    rig_close(&rig);
}

static void streams_past_the_limit_are_refused(void **state)
{
    (void)state;
    struct h2_rig *rig = rig_open();
    rig_open_client(rig);
    rig_open_peer(rig, false, UINT32_MAX, false);
    rig->mute = true;
    /* Before our SETTINGS have arrived the peer may send more than they allow. */
    for (int i = 0; i < LIMIT_CLIENT_STREAMS + 10; i++)
        h2_peer_request(rig->peer, "GET", 0, NULL);
    struct h2_peer_stream *refused = h2_peer_stream(rig->peer, 2 * LIMIT_CLIENT_STREAMS + 1);
    RIG_UNTIL(rig, refused->reset);

    assert_int_equal(refused->reset_code, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(rig->answer_count, LIMIT_CLIENT_STREAMS);
    rig_close(&rig);
}

static void expect_continue_is_answered_before_the_body(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    const char *const fields[] = {"expect", "100-continue", NULL};

    struct h2_peer_stream *stream = answered(rig, h2_peer_request(rig->peer, "POST", 100, fields));
    RIG_UNTIL(rig, rig->answers[0].done);

    assert_int_equal(stream->interim_count, 1);
    assert_int_equal(stream->status, 200);
    assert_int_equal(rig->answers[0].got_bytes, 100);
    rig_close(&rig);
}

static void a_failed_answer_is_reset_and_not_ended(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->answer_bytes = 3000;
    rig->withhold_end = true;
    int32_t id = h2_peer_request(rig->peer, "GET", 0, NULL);
    struct h2_peer_stream *stream = h2_peer_stream(rig->peer, id);
    RIG_UNTIL(rig, stream->data_bytes == 3000);

    side_fail(&rig->answers[0].side, ERR_ORIGIN_RESET);
    RIG_UNTIL(rig, stream->reset);

    assert_int_equal(stream->reset_code, NGHTTP2_INTERNAL_ERROR);
    assert_false(stream->ended);
    rig_close(&rig);
}

static void an_early_answer_is_followed_by_no_error(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->mute = true;
    rig->answer_bytes = 100;
    int32_t id = h2_peer_request(rig->peer, "POST", UINT64_MAX, NULL);
    RIG_UNTIL(rig, rig->answer_count == 1 && rig->answers[0].got_bytes > 200000);
    rig->mute = false;

    side_stop(&rig->answers[0].side);
    rig->answers[0].end_got = true;
    rig->answers[0].head_told(&rig->answers[0]);
    struct h2_peer_stream *stream = h2_peer_stream(rig->peer, id);
    RIG_UNTIL(rig, stream->reset);

    assert_true(stream->ended);
    assert_int_equal(stream->data_bytes, 100);
    assert_int_equal(stream->reset_code, NGHTTP2_NO_ERROR);
    rig_close(&rig);
}

static void a_visitor_who_resets_is_gone(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->mute = true;
    int32_t id = h2_peer_request(rig->peer, "GET", 0, NULL);
    RIG_UNTIL(rig, rig->answer_count == 1);

    h2_peer_reset(rig->peer, id, NGHTTP2_CANCEL);
    RIG_UNTIL(rig, rig->answers[0].done);

    assert_true(rig->answers[0].aborted);
    assert_int_equal(rig->client_closed_told, 0);
    rig_close(&rig);
}

/* ---- refusals */

static void a_head_past_the_announced_size_is_431(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    char value[4096];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    const char *fields[2 * 10 + 1] = {0};
    for (size_t i = 0; i < 10; i++) {
        fields[2 * i] = "x-large";
        fields[2 * i + 1] = value;
    }

    struct h2_peer_stream *stream = answered(rig, h2_peer_request(rig->peer, "GET", 0, fields));

    assert_int_equal(stream->status, 431);
    assert_int_equal(rig->answer_count, 0);
    assert_int_equal(rig->client_closed_told, 0);
    rig_close(&rig);
}

static void too_many_fields_are_431_and_cookie_crumbs_are_one(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    const char *fields[2 * 120 + 1] = {0};
    for (size_t i = 0; i < 120; i++) {
        fields[2 * i] = "x-many";
        fields[2 * i + 1] = "v";
    }
    assert_int_equal(answered(rig, h2_peer_request(rig->peer, "GET", 0, fields))->status, 431);
    for (size_t i = 0; i < 120; i++)
        fields[2 * i] = "cookie";
    assert_int_equal(answered(rig, h2_peer_request(rig->peer, "POST", 9, fields))->status, 200);

    assert_int_equal(rig->answer_count, 1);
    rig_close(&rig);
}

static void malformed_requests_are_reset_and_refused_ones_answered(void **state)
{
    static const struct {
        const char *method, *name, *value;
        int status; /* 0: PROTOCOL_ERROR */
    } rows[] = {
        {"GET", "host", "other.test", 0},  {"GET", "x", "a\x01", 0},
        {"GET", "connection", "close", 0}, {"GET", "content-length", "5", 0},
        {"TRACE", "x", "y", 405},          {"GET", "expect", "tea", 417},
        {"GET", "x", "fine", 200},
    };
    (void)state;
    struct h2_rig *rig = open_to_peer();
    for (size_t i = 0; i < countof(rows); i++) {
        const char *const fields[] = {rows[i].name, rows[i].value, NULL};
        struct h2_peer_stream *stream =
            answered(rig, h2_peer_request(rig->peer, rows[i].method, 0, fields));
        assert_int_equal(stream->status, rows[i].status);
        if (rows[i].status == 0)
            assert_int_equal(stream->reset_code, NGHTTP2_PROTOCOL_ERROR);
    }
    assert_int_equal(rig->answer_count, 1);
    rig_close(&rig);
}

static void a_refused_upload_is_answered_and_reset(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    int32_t id = h2_peer_request(rig->peer, "TRACE", UINT64_MAX, NULL);
    struct h2_peer_stream *stream = h2_peer_stream(rig->peer, id);
    RIG_UNTIL(rig, stream->reset);

    assert_int_equal(stream->status, 405);
    assert_true(stream->ended);
    assert_int_equal(stream->reset_code, NGHTTP2_NO_ERROR);
    assert_int_equal(rig->pools.exchange_count, 0);
    rig_close(&rig);
}

static void what_is_no_http2_ends_the_connection(void **state)
{
    (void)state;
    struct h2_rig *rig = rig_open();
    rig_open_client(rig);
    rig_open_peer(rig, false, UINT32_MAX, true);

    transport_write(&rig->near.base, SPAN("GET / HTTP/1.1\r\nhost: example.test\r\n\r\n"));
    RIG_UNTIL(rig, rig->client_closed_told == 1);

    assert_int_equal(rig->client_closed_err, ERR_PROTOCOL);
    rig_close(&rig);
}

/* ---- time: what has happened is moved into the past, and the tick is told */

static void tick(struct h2_rig *rig)
{
    struct h2_session *session = session_of(rig);
    session->tick.expired(&session->tick);
    rig_settle(rig);
}

static void a_visitor_that_never_begins_is_dropped(void **state)
{
    (void)state;
    struct h2_rig *rig = rig_open();
    rig_open_client(rig);
    rig_open_peer(rig, false, UINT32_MAX, true);
    rig_settle(rig);

    tick(rig);
    assert_int_equal(rig->client_closed_told, 0);
    session_of(rig)->opened_at_ms -= LIMIT_CLIENT_HEAD_MS;
    tick(rig);

    assert_int_equal(rig->client_closed_told, 1);
    rig_close(&rig);
}

static void an_idle_visitor_is_told_goodbye(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    answered(rig, h2_peer_request(rig->peer, "GET", 0, NULL));
    rig_settle(rig);

    tick(rig);
    assert_int_equal(rig->client_closed_told, 0);
    session_of(rig)->idle_since_ms -= LIMIT_CLIENT_IDLE_MS;
    tick(rig);

    assert_int_equal(rig->client_closed_told, 1);
    assert_int_equal(rig->peer->goaway_code, NGHTTP2_NO_ERROR);
    rig_close(&rig);
}

static void a_head_that_never_ends_is_not_waited_for(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    const uint8_t begun[] = {0, 0, 3, 1, 1, 0, 0, 0, 1, 0x82, 0x87, 0x84};
    transport_write(&rig->near.base, span_of(begun, sizeof(begun)));
    rig_settle(rig);

    session_of(rig)->block.since_ms -= LIMIT_CLIENT_HEAD_MS;
    tick(rig);

    assert_int_equal(rig->client_closed_told, 1);
    assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(rig->pools.exchange_count, 0);
    rig_close(&rig);
}

static void age_streams(struct h2_rig *rig, size_t count)
{
    LIST_EACH(&session_of(rig)->streams, node)
    {
        struct h2_stream *stream = container_of(node, struct h2_stream, node);
        if (count-- == 0)
            break;
        stream->in_pace.since_ms -= LIMIT_CLIENT_GRACE_MS;
        stream->out_pace.since_ms -= LIMIT_CLIENT_GRACE_MS;
        stream->progress_at_ms -= LIMIT_CLIENT_GRPC_SILENCE_MS;
    }
}

static int32_t ask_with_no_window(struct h2_rig *rig)
{
    rig->answer_bytes = 500000;
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    nghttp2_submit_settings(rig->peer->ng, 0, &entry, 1);
    int32_t id = h2_peer_request(rig->peer, "GET", 0, NULL);
    RIG_UNTIL(rig, h2_peer_stream(rig->peer, id)->status == 200);
    return id;
}

static void a_window_that_stays_closed_resets_its_stream(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    int32_t id = ask_with_no_window(rig);
    int32_t other = h2_peer_request(rig->peer, "GET", 0, NULL);
    RIG_UNTIL(rig, h2_peer_stream(rig->peer, other)->status == 200);

    tick(rig);
    assert_false(h2_peer_stream(rig->peer, id)->reset);
    age_streams(rig, 1);
    tick(rig);

    assert_true(h2_peer_stream(rig->peer, id)->reset);
    assert_false(h2_peer_stream(rig->peer, other)->reset);
    assert_true(rig->answers[0].aborted);
    assert_int_equal(rig->client_closed_told, 0);
    rig_close(&rig);
}

static void a_visitor_late_with_everything_is_let_go(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    (void)ask_with_no_window(rig);

    age_streams(rig, SIZE_MAX);
    tick(rig);

    assert_true(rig->answers[0].aborted);
    assert_int_equal(rig->client_closed_told, 1);
    assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    rig_close(&rig);
}

static void a_visitor_that_never_asks_is_not_kept_for_long(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig_settle(rig);
    session_of(rig)->idle_since_ms -= LIMIT_CLIENT_HEAD_MS;
    tick(rig);

    assert_int_equal(rig->client_closed_told, 1);
    assert_int_equal(rig->peer->goaway_code, NGHTTP2_NO_ERROR);
    rig_close(&rig);
}

static void a_stalled_upload_is_reset(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->mute = true;
    const uint8_t begun[] = {0, 0, 6, 1, 4, 0, 0, 0, 1, 0x83, 0x87, 0x84, 0x41, 0x01, 'a'};
    transport_write(&rig->near.base, span_of(begun, sizeof(begun)));
    RIG_UNTIL(rig, rig->answer_count == 1);

    tick(rig);
    assert_false(rig->answers[0].aborted);
    age_streams(rig, SIZE_MAX);
    tick(rig);

    assert_true(rig->answers[0].aborted);
    rig_close(&rig);
}

static void an_upload_that_waits_for_us_is_not_reset(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->mute = true;
    int32_t id = h2_peer_request(rig->peer, "POST", UINT64_MAX, NULL);
    RIG_UNTIL(rig, rig->answer_count == 1);
    rig->answers[0].consume_max = rig->answers[0].got_bytes;
    rig_settle(rig);

    age_streams(rig, SIZE_MAX);
    tick(rig);

    assert_false(rig->answers[0].aborted);
    assert_false(h2_peer_stream(rig->peer, id)->reset);
    rig_close(&rig);
}

/* ---- drain */

static void drain_is_two_goaways_and_serves_what_was_on_its_way(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->answer_bytes = 10;
    rig->mute = true;
    h2_peer_request(rig->peer, "GET", 0, NULL);
    RIG_UNTIL(rig, rig->answer_count == 1);

    pair_hold(&rig->far, true);
    h2_client_drain(rig->client);
    int32_t late = h2_peer_request(rig->peer, "GET", 0, NULL);
    rig_settle(rig);
    pair_hold(&rig->far, false);
    RIG_UNTIL(rig, rig->peer->goaway_count == 2);
    assert_int_equal(rig->peer->goaway_last_id, late);
    assert_int_equal(rig->peer->goaway_code, NGHTTP2_NO_ERROR);
    assert_int_equal(rig->answer_count, 2);

    rig->mute = false;
    rig->answers[0].head_told(&rig->answers[0]);
    rig->answers[1].head_told(&rig->answers[1]);
    RIG_UNTIL(rig, rig->client_closed_told == 1);
    assert_true(answered(rig, late)->ended);
    rig_close(&rig);
}

static void close_aborts_what_runs(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->mute = true;
    h2_peer_request(rig->peer, "GET", 0, NULL);
    RIG_UNTIL(rig, rig->answer_count == 1);

    h2_client_close(rig->client);
    assert_int_equal(rig->client_closed_told, 0);
    RIG_UNTIL(rig, rig->client_closed_told == 1 && rig->answers[0].done);

    assert_true(rig->answers[0].aborted);
    rig_settle(rig);
    assert_false(h2_peer_stream(rig->peer, 1)->ended);
    rig_close(&rig);
}

/* ---- RFC 8441 */

static const char *const websocket[] = {":protocol", "websocket", NULL};

static void an_extended_connect_is_a_tunnel_both_ways(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    assert_int_equal(nghttp2_session_get_remote_settings(rig->peer->ng,
                                                         NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL),
                     1);
    rig->status = 101;
    rig->answer_bytes = 3000;

    struct h2_peer_stream *stream =
        answered(rig, h2_peer_request(rig->peer, "CONNECT", 2000, websocket));

    assert_int_equal(stream->status, 200);
    assert_int_equal(stream->data_bytes, 3000);
    assert_true(stream->ended && !stream->reset);
    assert_int_equal(rig->answers[0].got_bytes, 2000);
    assert_true(rig->answers[0].end_got);
    rig_close(&rig);
}

static void a_tunnel_that_fails_is_reset(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->status = 101;
    rig->answer_bytes = 10;
    rig->withhold_end = true;
    struct h2_peer_stream *stream = h2_peer_stream(rig->peer, 1);
    h2_peer_request(rig->peer, "CONNECT", UINT64_MAX, websocket);
    RIG_UNTIL(rig, stream->data_bytes == 10);

    side_fail(&rig->answers[0].side, ERR_ORIGIN_RESET);
    RIG_UNTIL(rig, stream->reset);

    assert_int_equal(stream->reset_code, NGHTTP2_CONNECT_ERROR);
    assert_false(stream->ended);
    rig_close(&rig);
}

static void other_protocols_and_plain_connect_are_refused(void **state)
{
    (void)state;
    static const char *const other[] = {":protocol", "connect-udp", NULL};
    struct h2_rig *rig = open_to_peer();
    struct h2_peer_stream *stream = answered(rig, h2_peer_request(rig->peer, "CONNECT", 10, other));
    assert_int_equal(stream->status, 405);
    assert_int_equal(rig->answer_count, 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_answer_is_headers_and_one_data_frame),
        cmocka_unit_test(the_settings_say_what_is_allowed),
        cmocka_unit_test(an_extended_connect_is_a_tunnel_both_ways),
        cmocka_unit_test(a_tunnel_that_fails_is_reset),
        cmocka_unit_test(other_protocols_and_plain_connect_are_refused),
        cmocka_unit_test(streams_past_the_limit_are_refused),
        cmocka_unit_test(expect_continue_is_answered_before_the_body),
        cmocka_unit_test(a_failed_answer_is_reset_and_not_ended),
        cmocka_unit_test(an_early_answer_is_followed_by_no_error),
        cmocka_unit_test(a_visitor_who_resets_is_gone),
        cmocka_unit_test(a_head_past_the_announced_size_is_431),
        cmocka_unit_test(too_many_fields_are_431_and_cookie_crumbs_are_one),
        cmocka_unit_test(malformed_requests_are_reset_and_refused_ones_answered),
        cmocka_unit_test(a_refused_upload_is_answered_and_reset),
        cmocka_unit_test(what_is_no_http2_ends_the_connection),
        cmocka_unit_test(a_visitor_that_never_begins_is_dropped),
        cmocka_unit_test(an_idle_visitor_is_told_goodbye),
        cmocka_unit_test(a_head_that_never_ends_is_not_waited_for),
        cmocka_unit_test(a_window_that_stays_closed_resets_its_stream),
        cmocka_unit_test(a_visitor_late_with_everything_is_let_go),
        cmocka_unit_test(a_visitor_that_never_asks_is_not_kept_for_long),
        cmocka_unit_test(a_stalled_upload_is_reset),
        cmocka_unit_test(an_upload_that_waits_for_us_is_not_reset),
        cmocka_unit_test(drain_is_two_goaways_and_serves_what_was_on_its_way),
        cmocka_unit_test(close_aborts_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
