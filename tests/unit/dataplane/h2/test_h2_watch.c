/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_watch.c - frame heads are read along, and the order that RFC 9113 wants of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <nghttp2/nghttp2.h>
#include <string.h>

#include "dataplane/h2/h2_watch.h"

#define ENDS NGHTTP2_FLAG_END_STREAM
#define WHOLE NGHTTP2_FLAG_END_HEADERS

static uint32_t judge(struct h2_watch *watch, uint8_t type, uint8_t flags, uint32_t id)
{
    struct h2_frame_head frame = {.length = 10, .type = type, .flags = flags, .stream_id = id};
    uint32_t code = h2_watch_judge(watch, &frame, true);
    if (watch->block.whole)
        watch->block.stream_id = 0; /* as if its payload had passed */
    return code;
}

static uint32_t headers(struct h2_watch *watch, uint32_t id, uint8_t flags)
{
    return judge(watch, NGHTTP2_HEADERS, flags | WHOLE, id);
}

static void heads_are_found_however_the_bytes_are_cut(void **state)
{
    static const uint8_t frames[] = {
        0, 0, 2, 0, 1, 0x80, 0, 1, 3, 'a', 'b', /* DATA with the reserved bit */
        0, 0, 0, 4, 0, 0,    0, 0, 0,           /* SETTINGS */
        0, 1, 0, 9, 4, 0,    0, 0, 1,           /* CONTINUATION of 256 */
    };
    (void)state;
    for (size_t piece = 1; piece <= NGHTTP2_CLIENT_MAGIC_LEN + sizeof(frames); piece++) {
        uint8_t bytes[NGHTTP2_CLIENT_MAGIC_LEN + sizeof(frames)];
        struct h2_frame_head told[4];
        size_t count = 0;
        struct h2_watch watch;
        memcpy(bytes, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
        memcpy(bytes + NGHTTP2_CLIENT_MAGIC_LEN, frames, sizeof(frames));
        h2_watch_init(&watch, true);
        for (size_t at = 0; at < sizeof(bytes); at += piece) {
            struct span left = span_of(bytes + at, piece);
            if (left.len > sizeof(bytes) - at)
                left.len = sizeof(bytes) - at;
            while (left.len > 0) {
                bool whole;
                left = span_skip(left, h2_watch_next(&watch, left, &told[count], &whole));
                count += whole;
            }
        }
        assert_int_equal(count, 3);
        assert_int_equal(told[0].length, 2);
        assert_int_equal(told[0].stream_id, 259);
        assert_int_equal(told[0].flags, ENDS);
        assert_int_equal(told[1].type, NGHTTP2_SETTINGS);
        assert_int_equal(told[2].length, 256);
        assert_int_equal(told[2].type, NGHTTP2_CONTINUATION);
    }
}

static void what_a_peer_has_ended_takes_no_more(void **state)
{
    (void)state;
    struct h2_watch watch;
    h2_watch_init(&watch, true);

    assert_int_equal(headers(&watch, 1, ENDS), NGHTTP2_NO_ERROR);
    assert_int_equal(headers(&watch, 1, ENDS), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(judge(&watch, NGHTTP2_DATA, 0, 1), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(headers(&watch, 3, 0), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_RST_STREAM, 0, 3), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_DATA, 0, 3), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(headers(&watch, 3, ENDS), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(headers(&watch, 5, 0), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_DATA, ENDS, 5), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_DATA, ENDS, 5), NGHTTP2_STREAM_CLOSED);
}

static void what_a_peer_has_not_ended_may_go_on(void **state)
{
    (void)state;
    struct h2_watch watch;
    h2_watch_init(&watch, true);

    assert_int_equal(headers(&watch, 1, 0), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_DATA, 0, 1), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_DATA, 0, 1), NGHTTP2_NO_ERROR);
    assert_int_equal(headers(&watch, 1, ENDS), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_WINDOW_UPDATE, 0, 1), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_PRIORITY, 0, 1), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_RST_STREAM, 0, 1), NGHTTP2_NO_ERROR);
}

static void ids_that_were_left_out_are_closed(void **state)
{
    (void)state;
    struct h2_watch watch;
    h2_watch_init(&watch, true);
    assert_int_equal(headers(&watch, 5, ENDS), NGHTTP2_NO_ERROR);

    assert_int_equal(headers(&watch, 3, ENDS), NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_DATA, 0, 1), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(headers(&watch, 5, ENDS), NGHTTP2_STREAM_CLOSED);
    assert_int_equal(headers(&watch, 11, 0), NGHTTP2_NO_ERROR);
    assert_int_equal(headers(&watch, 9, ENDS), NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(headers(&watch, 11, ENDS), NGHTTP2_NO_ERROR);
}

/* What is older than LIMIT_H2_IDS_KEPT is nghttp2's affair, and bits are used again. */
static void only_so_many_ids_are_kept(void **state)
{
    (void)state;
    struct h2_watch watch;
    h2_watch_init(&watch, true);
    uint32_t id = 1;
    for (; id < 8 * LIMIT_H2_IDS_KEPT; id += 2)
        assert_int_equal(headers(&watch, id, id % 4 == 1 ? ENDS : 0), NGHTTP2_NO_ERROR);

    uint32_t oldest = id - 2 * LIMIT_H2_IDS_KEPT;
    for (uint32_t old = oldest; old < id; old += 2)
        assert_int_equal(headers(&watch, old, 0),
                         old % 4 == 1 ? NGHTTP2_STREAM_CLOSED : NGHTTP2_NO_ERROR);
    assert_int_equal(headers(&watch, oldest - 4, ENDS), NGHTTP2_NO_ERROR);
    assert_int_equal(headers(&watch, oldest - 2, ENDS), NGHTTP2_NO_ERROR);
    assert_int_equal(headers(&watch, 0x7fffffff, ENDS), NGHTTP2_NO_ERROR);
    assert_int_equal(headers(&watch, 0x7fffffff - 2, ENDS), NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(headers(&watch, id - 2, ENDS), NGHTTP2_NO_ERROR);
}

static void nothing_comes_between_the_frames_of_a_block(void **state)
{
    (void)state;
    struct h2_watch watch;
    h2_watch_init(&watch, true);
    assert_int_equal(judge(&watch, NGHTTP2_CONTINUATION, WHOLE, 1), NGHTTP2_PROTOCOL_ERROR);

    for (uint32_t type = 0; type < 256; type++) {
        h2_watch_init(&watch, true);
        assert_int_equal(judge(&watch, NGHTTP2_HEADERS, 0, 1), NGHTTP2_NO_ERROR);
        assert_true(h2_watch_in_block(&watch));
        uint32_t code = judge(&watch, (uint8_t)type, 0, 1);
        assert_int_equal(code, type == NGHTTP2_CONTINUATION ? 0 : NGHTTP2_PROTOCOL_ERROR);
    }
    h2_watch_init(&watch, true);
    assert_int_equal(judge(&watch, NGHTTP2_HEADERS, 0, 1), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_CONTINUATION, 0, 3), NGHTTP2_PROTOCOL_ERROR);
}

static void a_block_has_so_many_frames_and_bytes(void **state)
{
    (void)state;
    struct h2_watch watch;
    struct h2_frame_head full = {
        .length = H2_FRAME_BYTES_MAX, .type = NGHTTP2_HEADERS, .stream_id = 1};
    h2_watch_init(&watch, true);
    assert_int_equal(judge(&watch, NGHTTP2_HEADERS, 0, 1), NGHTTP2_NO_ERROR);
    for (int i = 0; i < LIMIT_H2_CONTINUATIONS; i++)
        assert_int_equal(judge(&watch, NGHTTP2_CONTINUATION, 0, 1), NGHTTP2_NO_ERROR);
    assert_int_equal(judge(&watch, NGHTTP2_CONTINUATION, 0, 1), NGHTTP2_ENHANCE_YOUR_CALM);

    h2_watch_init(&watch, true);
    for (uint32_t bytes = H2_FRAME_BYTES_MAX; bytes <= LIMIT_HEAD_BYTES;
         bytes += H2_FRAME_BYTES_MAX) {
        assert_int_equal(h2_watch_judge(&watch, &full, true), NGHTTP2_NO_ERROR);
        full.type = NGHTTP2_CONTINUATION;
    }
    assert_int_equal(h2_watch_judge(&watch, &full, true), NGHTTP2_ENHANCE_YOUR_CALM);
    full.length++;
    assert_int_equal(h2_watch_judge(&watch, &full, true), NGHTTP2_FRAME_SIZE_ERROR);
}

static void a_block_lasts_until_its_last_byte(void **state)
{
    (void)state;
    static const uint8_t frame[] = {0, 0, 2, 1, WHOLE, 0, 0, 0, 1, 0x82, 0x87, 0};
    struct h2_watch watch;
    struct h2_frame_head told;
    bool whole;
    h2_watch_init(&watch, false);
    assert_int_equal(h2_watch_next(&watch, span_of(frame, 9), &told, &whole), 9);
    assert_true(whole);
    assert_int_equal(h2_watch_judge(&watch, &told, true), NGHTTP2_NO_ERROR);
    assert_true(h2_watch_in_block(&watch));
    assert_int_equal(h2_watch_next(&watch, span_of(frame + 9, 1), &told, &whole), 1);
    assert_true(h2_watch_in_block(&watch));
    assert_int_equal(h2_watch_next(&watch, span_of(frame + 10, 1), &told, &whole), 1);
    assert_false(h2_watch_in_block(&watch));
    assert_int_equal(watch.block.serial, 1);
}

/* An origin's answers have our ids, and HEADERS without end. */
static void an_origins_ids_are_not_looked_at(void **state)
{
    (void)state;
    struct h2_watch watch;
    struct h2_frame_head frame = {
        .length = 1, .type = NGHTTP2_HEADERS, .flags = ENDS | WHOLE, .stream_id = 1};
    h2_watch_init(&watch, false);
    for (int i = 0; i < 3; i++) {
        watch.block.stream_id = 0;
        assert_int_equal(h2_watch_judge(&watch, &frame, false), NGHTTP2_NO_ERROR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_found_however_the_bytes_are_cut),
        cmocka_unit_test(what_a_peer_has_ended_takes_no_more),
        cmocka_unit_test(what_a_peer_has_not_ended_may_go_on),
        cmocka_unit_test(ids_that_were_left_out_are_closed),
        cmocka_unit_test(only_so_many_ids_are_kept),
        cmocka_unit_test(nothing_comes_between_the_frames_of_a_block),
        cmocka_unit_test(a_block_has_so_many_frames_and_bytes),
        cmocka_unit_test(a_block_lasts_until_its_last_byte),
        cmocka_unit_test(an_origins_ids_are_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
