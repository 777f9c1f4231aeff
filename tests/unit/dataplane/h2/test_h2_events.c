/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_events.c - frames that cost their sender nothing are counted, and cut off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/random.h"
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

static uint64_t counted(const struct h2_rig *rig, enum counter counter)
{
    return counters_read(rig->loop.counters, counter);
}

struct flood {
    uint8_t frame[20];
    size_t len;
    int burst;
    enum counter counter;
};

static const struct flood floods[] = {
    {{0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
     17,
     LIMIT_H2_PING_BURST,
     COUNTER_H2_PING_FLOODS},
    {{0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
     17,
     LIMIT_H2_GLITCH_BURST,
     COUNTER_H2_GLITCH_FLOODS},
    {{0, 0, 0, 4, 0, 0, 0, 0, 0}, 9, LIMIT_H2_SETTINGS_BURST, COUNTER_H2_SETTINGS_FLOODS},
    {{0, 0, 5, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 7},
     14,
     LIMIT_H2_GLITCH_BURST,
     COUNTER_H2_GLITCH_FLOODS},
    {{0, 0, 0, 0, 0, 0, 0, 0, 1}, 9, LIMIT_H2_GLITCH_BURST, COUNTER_H2_GLITCH_FLOODS},
    {{0, 0, 1, 0, 8, 0, 0, 0, 1, 0},
     10,
     LIMIT_H2_GLITCH_BURST,
     COUNTER_H2_GLITCH_FLOODS}, /* padding alone */
    {{0, 0, 0, 0x16, 0, 0, 0, 0, 0}, 9, LIMIT_H2_GLITCH_BURST, COUNTER_H2_GLITCH_FLOODS},
    {{0, 0, 5, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'u'},
     14,
     LIMIT_H2_GLITCH_BURST,
     COUNTER_H2_GLITCH_FLOODS},
    {{0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
     17,
     LIMIT_H2_GLITCH_BURST,
     COUNTER_H2_GLITCH_FLOODS},
    {{0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 13, LIMIT_H2_WINDOW_BURST, COUNTER_H2_WINDOW_FLOODS},
    {{0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 13, LIMIT_H2_WINDOW_BURST, COUNTER_H2_WINDOW_FLOODS},
};

/* Open, with an upload that is not answered; the peer has sent nothing that was counted. */
static struct h2_rig *open_to_flood(void)
{
    struct h2_rig *rig = open_to_peer();
    static const uint8_t post[] = {0, 0, 6, 1, 4, 0, 0, 0, 1, 0x83, 0x87, 0x84, 0x41, 0x01, 'a'};
    rig->mute = true;
    transport_write(&rig->near.base, span_of(post, sizeof(post)));
    RIG_UNTIL(rig, rig->answer_count == 1);
    struct h2_session *session = rig->far.base.owner;
    for (int b = 0; b < H2_BUDGET_COUNT; b++)
        h2_abuse_fill(&session->abuse, (enum h2_budget)b);
    return rig;
}

static void send_often(struct h2_rig *rig, const struct flood *flood, int count)
{
    for (int i = 0; i < count; i++)
        transport_write(&rig->near.base, span_of(flood->frame, flood->len));
}

static void floods_of_frames_that_cost_nothing_are_cut_off(void **state)
{
    (void)state;
    for (size_t f = 0; f < countof(floods); f++) {
        struct h2_rig *rig = open_to_flood();
        send_often(rig, &floods[f], 3 * floods[f].burst);
        RIG_UNTIL(rig, rig->client_closed_told == 1 && rig->peer->goaway_count > 0);

        assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
        assert_int_equal(counted(rig, floods[f].counter), 1);
        assert_int_equal(counted(rig, COUNTER_H2_PROTOCOL_ERRORS), 0);
        assert_true(rig->answers[0].aborted);
        rig_close(&rig);
    }
}

static void as_many_as_are_allowed_are_no_flood(void **state)
{
    (void)state;
    for (size_t f = 0; f < countof(floods); f++) {
        struct h2_rig *rig = open_to_flood();
        send_often(rig, &floods[f], floods[f].burst);
        rig_settle(rig);

        assert_int_equal(rig->client_closed_told, 0);
        assert_int_equal(counted(rig, floods[f].counter), 0);
        rig_close(&rig);
    }
}

static void an_origins_flood_is_cut_off_too(void **state)
{
    (void)state;
    for (size_t f = 0; f < countof(floods); f++) {
        if (floods[f].frame[3] == NGHTTP2_GOAWAY)
            continue; /* the first one drains the connection */
        struct h2_rig *rig = rig_open();
        rig_open_origin(rig, 5000, 5000);
        rig_open_peer(rig, true, UINT32_MAX, false);
        rig_settle(rig);
        struct script_side *request = rig_request(rig, "GET", 0);
        rig_settle(rig);
        for (int i = 0; i < 3 * floods[f].burst; i++)
            transport_write(&rig->far.base, span_of(floods[f].frame, floods[f].len));
        RIG_UNTIL(rig, rig->origin_closed_told == 1);

        assert_true(request->done);
        if (floods[f].frame[3] != NGHTTP2_DATA) /* which is an error before an answer */
            assert_int_equal(counted(rig, COUNTER_ORIGIN_H2_FLOODS), 1);
        rig_close(&rig);
    }
}

static void windows_between_answers_are_fine(void **state)
{
    (void)state;
    struct h2_rig *rig = open_to_peer();
    rig->answer_bytes = 10;
    for (int i = 0; i < 4; i++) {
        send_often(rig, &floods[9], LIMIT_H2_WINDOW_BURST - 10);
        answered(rig, h2_peer_request(rig->peer, "GET", 0, NULL));
    }
    assert_int_equal(rig->client_closed_told, 0);
    rig_close(&rig);
}

/* nghttp2 decodes the header blocks of a stream that is gone and does not tell. */
static void header_blocks_for_nobody_are_counted(void **state)
{
    (void)state;
    static const uint8_t malformed[] = {0, 0,    7,    1,    4, 0,    0,   0,
                                        1, 0x83, 0x87, 0x84, 0, 0x01, 'A', 0};
    static const struct flood trailers = {{0, 0, 4, 1, 4, 0, 0, 0, 1, 0, 0x01, 't', 0},
                                          13,
                                          LIMIT_H2_GLITCH_BURST,
                                          COUNTER_H2_GLITCH_FLOODS};
    struct h2_rig *rig = open_to_peer();
    rig->peer->silent = true; /* it has not opened this stream, and would say so */
    transport_write(&rig->near.base, span_of(malformed, sizeof(malformed)));
    rig_settle(rig);
    assert_int_equal(counted(rig, COUNTER_H2_REQUESTS_MALFORMED), 1);

    send_often(rig, &trailers, LIMIT_H2_GLITCH_BURST - 10);
    rig_settle(rig);
    assert_int_equal(rig->client_closed_told, 0);
    send_often(rig, &trailers, LIMIT_H2_GLITCH_BURST);
    RIG_UNTIL(rig, rig->client_closed_told == 1);

    assert_int_equal(counted(rig, COUNTER_H2_GLITCH_FLOODS), 1);
    assert_int_equal(rig->answer_count, 0);
    rig_close(&rig);
}

/* Heads that are each allowed, and together more than anybody needs. */
static void decoded_bytes_are_counted(void **state)
{
    (void)state;
    static char value[6000];
    memset(value, 'v', sizeof(value) - 1);
    const char *const fields[] = {"a", value, "b", value, "c", value, "d", value, NULL};
    struct h2_rig *rig = open_to_peer();
    int allowed = LIMIT_H2_DECODED_BURST / (4 * (int)sizeof(value));
    for (int i = 0; i < allowed; i++)
        answered(rig, h2_peer_request(rig->peer, "GET", 0, fields));
    assert_int_equal(rig->client_closed_told, 0);
    struct h2_session *session = rig->far.base.owner;
    session->abuse.millitokens[H2_BUDGET_DECODED] = 0;
    session->abuse.filled_at_ms[H2_BUDGET_DECODED] = h2_session_now_ms(session);
    for (int i = 0; i < 400 && rig->client_closed_told == 0; i++) {
        h2_peer_request(rig->peer, "GET", 0, fields);
        rig_turn(rig, rig_now_ms());
    }
    RIG_UNTIL(rig, rig->client_closed_told == 1);

    assert_int_equal(rig->peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(counted(rig, COUNTER_H2_BLOCK_FLOODS), 1);
    rig_close(&rig);
}

/* security.md 2.2: what came and went in one read is not told to anybody. */
static void a_request_that_is_reset_in_its_read_batch_ends_before_its_turn(void **state)
{
    (void)state;
    static const uint8_t both[] = {0,   0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x87, 0x84, 0x41, 1,
                                   'a', 0, 0, 4, 3, 0, 0, 0, 0, 1,    0,    0,    0,    8};
    struct h2_rig *rig = open_to_peer();
    rig->answer_bytes = 10;
    transport_write(&rig->near.base, span_of(both, sizeof(both)));
    rig_settle(rig);

    assert_true(rig->answer_count == 0 || !rig->answers[0].head_got);
    assert_int_equal(rig->client_closed_told, 0);
    rig_close(&rig);
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

/* ---- any frame in any order: nothing may assert, and everything is let go of */

struct block {
    const uint8_t *bytes;
    size_t len;
};

static const uint8_t get_block[] = {0x82, 0x87, 0x84, 0x41, 0x01, 'a'};
static const uint8_t post_block[] = {0x83, 0x87, 0x84, 0x41, 0x01, 'a'};
static const uint8_t ok_block[] = {0x88};
static const uint8_t hints_block[] = {0x08, 0x03, '1', '0', '3'};
static const uint8_t trailer_block[] = {0x40, 0x01, 't', 0x01, 'v'};
static const uint8_t length_block[] = {0x88, 0x0f, 0x0d, 0x01, '3'};
static const uint8_t bad_block[] = {0xff, 0xff, 0xff};
static const struct block blocks[] = {
    {get_block, sizeof(get_block)},         {post_block, sizeof(post_block)},
    {ok_block, sizeof(ok_block)},           {hints_block, sizeof(hints_block)},
    {trailer_block, sizeof(trailer_block)}, {length_block, sizeof(length_block)},
    {bad_block, sizeof(bad_block)},
};

/* Mostly well-formed frames, mostly on streams that are or were there, so that not each connection
 * ends with the first.  Frames to a client begin streams, and move *last_id. */
static size_t random_frame(uint8_t *out, bool to_client, uint32_t *last_id)
{
    static const uint8_t types[] = {0, 0, 0, 1, 1, 1, 1, 3, 4, 6, 7, 8, 8, 9, 2, 0x20};
    static const uint8_t lengths[] = {0, 0, 0, 0, 4, 0, 8, 8, 4, 0};
    uint8_t type = types[random_below(sizeof(types))];
    uint8_t payload[64] = {0};
    size_t len = 0;
    uint32_t id = 1 + 2 * (uint32_t)random_below(*last_id / 2 + 1);
    if (!to_client && (*last_id == 0 || (type == 1 && random_below(2)))) {
        type = 1;
        id = *last_id = *last_id == 0 ? 1 : *last_id + 2;
    } else if (*last_id == 0) {
        return 0;
    }
    uint8_t flags = (uint8_t)(random_below(4) == 0 ? 1 : 0);

    random_bytes(payload, 4);
    payload[0] = payload[1] = 0;
    if (type == 1) {
        size_t pick = (size_t)random_below(500);
        size_t first = to_client ? 2 : 0;
        const struct block *block =
            pick == 0 ? &blocks[6] : &blocks[first + (size_t)random_below(to_client ? 4 : 2)];
        if (!to_client && pick > 400)
            block = &blocks[4];
        memcpy(payload, block->bytes, block->len);
        len = block->len;
        flags |= 4;
    } else if (type == 0) {
        len = (size_t)random_below(40);
    } else if (type < sizeof(lengths)) {
        len = type == 2 ? 5 : type == 3 ? 4 : type == 4 ? 0 : type == 9 ? 3 : lengths[type];
        flags = 0;
        if (type == 4 || type == 6 || type == 7 || (type == 8 && random_below(2)))
            id = 0;
        if ((type == 7 || type == 9) && random_below(100) != 0)
            return 0;
    }
    const uint8_t head[] = {0, 0, (uint8_t)len, type, flags, 0, 0, (uint8_t)(id >> 8), (uint8_t)id};
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), payload, len);
    return sizeof(head) + len;
}

static void send_random_frames(struct pair_end *end, bool to_client, uint32_t *last_id)
{
    uint8_t frame[128];
    for (size_t count = (size_t)random_below(8); count > 0; count--) {
        size_t len = random_frame(frame, to_client, last_id);
        if (!end->closed && len > 0 && transport_write_room(&end->base) > len)
            transport_write(&end->base, span_of(frame, len));
    }
}

static void any_frames_in_any_order_are_survived_by_a_client(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct h2_rig *rig = open_to_peer();
        rig->answer_bytes = random_below(3) * 30000;
        rig->withhold_end = random_below(4) == 0;
        rig->mute = random_below(4) == 0;
        pair_hold(&rig->far, random_below(8) == 0);
        uint32_t last_id = 0;
        for (int turn = 0; turn < 30 && rig->client; turn++) {
            send_random_frames(&rig->near, false, &last_id);
            rig_turn(rig, rig_now_ms());
            for (size_t i = 0; i < rig->answer_count && random_below(6) == 0; i++) {
                if (rig->answers[i].side.exchange)
                    side_fail(&rig->answers[i].side, ERR_ORIGIN_RESET);
            }
        }
        pair_hold(&rig->far, false);
        rig_close(&rig);
    }
}

static void any_frames_in_any_order_are_survived_by_an_origin(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct h2_rig *rig = rig_open();
        rig_open_origin(rig, 5000, 5000);
        rig_open_peer(rig, true, UINT32_MAX, false);
        rig_settle(rig);
        pair_hold(&rig->near, random_below(8) == 0);
        for (int turn = 0; turn < 30 && rig->origin; turn++) {
            if (http_conn_free_slots(rig->origin) > 0 && random_below(3) == 0)
                rig_request(rig, "POST", random_below(3) * 50000);
            uint32_t last_id = rig->request_count > 0 ? 2 * (uint32_t)rig->request_count - 1 : 0;
            send_random_frames(&rig->far, true, &last_id);
            rig_turn(rig, rig_now_ms());
            for (size_t i = 0; i < rig->request_count && random_below(6) == 0; i++) {
                if (rig->requests[i].side.exchange)
                    side_fail(&rig->requests[i].side, ERR_CLIENT_GONE);
            }
        }
        pair_hold(&rig->near, false);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_resets_is_cut_off),
        cmocka_unit_test(a_flood_of_stream_errors_is_cut_off),
        cmocka_unit_test(floods_of_frames_that_cost_nothing_are_cut_off),
        cmocka_unit_test(as_many_as_are_allowed_are_no_flood),
        cmocka_unit_test(an_origins_flood_is_cut_off_too),
        cmocka_unit_test(windows_between_answers_are_fine),
        cmocka_unit_test(header_blocks_for_nobody_are_counted),
        cmocka_unit_test(decoded_bytes_are_counted),
        cmocka_unit_test(a_request_that_is_reset_in_its_read_batch_ends_before_its_turn),
        cmocka_unit_test(pings_between_data_are_fine),
        cmocka_unit_test(a_small_block_that_grows_huge_ends_the_connection),
        cmocka_unit_test(any_frames_in_any_order_are_survived_by_a_client),
        cmocka_unit_test(any_frames_in_any_order_are_survived_by_an_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
