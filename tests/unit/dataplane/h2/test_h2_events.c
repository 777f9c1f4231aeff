/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_events.c - frames that cost their sender nothing are counted, and cut off.
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

static struct h2_peer_stream *answered(struct h2_rig *rig, int32_t id)
{
    struct h2_peer_stream *stream = h2_peer_stream(rig->peer, id);
    RIG_UNTIL(rig, stream->ended || stream->reset);
    return stream;
}

static void a_flood_of_resets_is_cut_off(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->mute = true;
    for (int round = 0; round < 30 && rig->client_closed_told == 0; round++) {
        for (int i = 0; i < 10; i++) {
            int32_t id = h2_peer_request(rig->peer, "GET", 0, NULL);
            rig_turn(rig, rig_now_ms());
            h2_peer_reset(rig->peer, id, NGHTTP2_CANCEL);
        }
        rig_settle(rig);
    }
    RIG_UNTIL(rig, rig->client_closed_told == 1);

    assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(rig->client_closed_err, ERR_PROTOCOL);
    assert_true(rig->answer_count <= LIMIT_H2_RESET_BURST + LIMIT_H2_RESET_PER_S * 5);
    rig_close(&rig);
}

/* MadeYouReset: the peer makes us reset. */
static void a_flood_of_stream_errors_is_cut_off(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    const char *const fields[] = {"connection", "close", NULL};
    for (int i = 0; i < 300 && rig->client_closed_told == 0; i++) {
        h2_peer_request(rig->peer, "GET", 0, fields);
        rig_turn(rig, rig_now_ms());
        rig_turn(rig, rig_now_ms());
    }
    RIG_UNTIL(rig, rig->client_closed_told == 1);

    assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    rig_close(&rig);
}

static void floods_of_frames_that_cost_nothing_are_cut_off(void **state)
{
    static const uint8_t ping[] = {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    static const uint8_t priority[] = {0, 0, 5, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 7};
    static const uint8_t empty_data[] = {0, 0, 0, 0, 0, 0, 0, 0, 1};
    static const struct {
        const uint8_t *frame;
        size_t len;
        int allowed;
    } rows[] = {
        {ping, sizeof(ping), LIMIT_H2_PING_BURST},
        {settings, sizeof(settings), LIMIT_H2_SETTINGS_BURST},
        {priority, sizeof(priority), LIMIT_H2_GLITCH_BURST},
        {empty_data, sizeof(empty_data), LIMIT_H2_GLITCH_BURST},
    };
    (void)state;
    for (size_t r = 0; r < countof(rows); r++) {
        struct h2_rig *rig = open_to_peer();
        rig->mute = true;
        h2_peer_request(rig->peer, "POST", UINT64_MAX, NULL);
        pair_hold(&rig->near, false);
        RIG_UNTIL(rig, rig->answer_count == 1);
        rig->answers[0].consume_max = 0;
        rig_settle(rig);
        for (int i = 0; i < rows[r].allowed + 20; i++)
            transport_write(&rig->near.base, span_of(rows[r].frame, rows[r].len));
        RIG_UNTIL(rig, rig->client_closed_told == 1);

        assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
        rig_close(&rig);
    }
}

static void pings_between_data_are_fine(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->answer_bytes = 10;
    for (int i = 0; i < 4 * LIMIT_H2_PING_BURST; i++) {
        if (i % 10 == 0)
            answered(rig, h2_peer_request(rig->peer, "GET", 0, NULL));
        nghttp2_submit_ping(rig->peer->ng, 0, NULL);
        h2_peer_flush(rig->peer);
        rig_settle(rig);
    }
    assert_int_equal(rig->client_closed_told, 0);
    rig_close(&rig);
}

static void a_small_block_that_grows_huge_ends_the_connection(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    uint8_t raw[9 + 3000 + 400];
    size_t at = 9;
    const uint8_t pseudo[] = {0x82, 0x87, 0x84, 0x41, 0x01, 'a', 0x40, 0x01, 'x', 0x7f, 0x99, 0x16};
    memcpy(raw + at, pseudo, sizeof(pseudo)); /* then x: 2968 bytes into the table */
    at += sizeof(pseudo);
    memset(raw + at, 'v', 2968);
    at += 2968;
    memset(raw + at, 0xbe, 100); /* a hundred references to it */
    at += 100;
    const uint8_t head[] = {0, (uint8_t)((at - 9) >> 8), (uint8_t)(at - 9), 1, 5, 0, 0, 0, 1};
    memcpy(raw, head, sizeof(head));

    transport_write(&rig->near.base, span_of(raw, at));
    RIG_UNTIL(rig, rig->client_closed_told == 1 && rig->peer->goaway_count > 0);

    assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(rig->answer_count, 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_resets_is_cut_off),
        cmocka_unit_test(a_flood_of_stream_errors_is_cut_off),
        cmocka_unit_test(floods_of_frames_that_cost_nothing_are_cut_off),
        cmocka_unit_test(pings_between_data_are_fine),
        cmocka_unit_test(a_small_block_that_grows_huge_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
