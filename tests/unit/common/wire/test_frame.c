/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_frame.c - frames arrive whole however the stream was cut.
 */
#include "common/wire/frame.h"

#include "common/base/mem.h"

#include "tests/unit/common/model/cmocka_all.h"

static void put_frame(struct buf *out, uint8_t kind, struct span payload)
{
    size_t mark = frame_begin(out, kind);
    buf_append(out, payload);
    frame_end(out, mark);
}

static void assert_next(struct frame_reader *reader, uint8_t kind, struct span payload)
{
    struct frame frame;
    assert_int_equal(frame_reader_next(reader, &frame), ERR_OK);
    assert_int_equal(frame.kind, kind);
    assert_true(span_equal(frame.payload, payload));
}

static void assert_more(struct frame_reader *reader)
{
    struct frame frame;
    assert_int_equal(frame_reader_next(reader, &frame), ERR_MORE);
    assert_int_equal(frame.payload.len, 0);
}

static void a_frame_has_a_head_of_eight_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0, 0, 0, 3, 9, FRAME_VERSION, 0, 0, 'a', 'b', 'c'};
    struct buf out;
    buf_init(&out, 100);
    put_frame(&out, 9, SPAN("abc"));
    assert_true(span_equal(buf_span(&out), span_of(expected, sizeof(expected))));
    buf_release(&out);
}

static void a_stream_cut_at_every_byte_gives_the_same_frames(void **state)
{
    (void)state;
    struct buf stream;
    buf_init(&stream, 1000);
    put_frame(&stream, 1, SPAN("first"));
    put_frame(&stream, 2, SPAN_EMPTY);
    put_frame(&stream, 255, SPAN("the third"));

    for (size_t cut = 0; cut <= stream.len; cut++) {
        struct frame_reader reader;
        struct frame frame;
        size_t seen = 0;
        frame_reader_init(&reader);
        frame_reader_feed(&reader, span_first(buf_span(&stream), cut));
        while (frame_reader_next(&reader, &frame) == ERR_OK)
            seen++;
        frame_reader_feed(&reader, span_skip(buf_span(&stream), cut));
        if (seen == 0)
            assert_next(&reader, 1, SPAN("first"));
        if (seen <= 1)
            assert_next(&reader, 2, SPAN_EMPTY);
        if (seen <= 2)
            assert_next(&reader, 255, SPAN("the third"));
        assert_more(&reader);
        frame_reader_release(&reader);
    }
    buf_release(&stream);
}

static void bytes_may_come_one_by_one(void **state)
{
    (void)state;
    struct buf stream;
    struct frame_reader reader;
    buf_init(&stream, 1000);
    frame_reader_init(&reader);
    put_frame(&stream, 7, SPAN("payload"));

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < stream.len; i++) {
            assert_more(&reader);
            frame_reader_feed(&reader, span_of(stream.ptr + i, 1));
        }
        assert_next(&reader, 7, SPAN("payload"));
        assert_more(&reader);
    }
    frame_reader_release(&reader);
    buf_release(&stream);
}

static void bad_heads_are_refused_before_the_payload_came(void **state)
{
    (void)state;
    static const uint8_t heads[][FRAME_HEAD_BYTES] = {
        {0, 0, 0, 1, 1, 0, 0, 0},
        {0, 0, 0, 1, 1, FRAME_VERSION + 1, 0, 0},
        {0, 0, 0, 1, 1, FRAME_VERSION, 1, 0},
        {0, 0, 0, 1, 1, FRAME_VERSION, 0, 1},
        {0x00, 0x40, 0x00, 0x01, 1, FRAME_VERSION, 0, 0}, /* LIMIT_FRAME_BYTES + 1 */
        {0xff, 0xff, 0xff, 0xff, 1, FRAME_VERSION, 0, 0},
    };
    _Static_assert(LIMIT_FRAME_BYTES == 0x400000, "the head above is one more");
    for (size_t i = 0; i < countof(heads); i++) {
        struct frame_reader reader;
        struct frame frame;
        frame_reader_init(&reader);
        frame_reader_feed(&reader, span_of(heads[i], FRAME_HEAD_BYTES));
        assert_int_equal(frame_reader_next(&reader, &frame), ERR_PROTOCOL);
        assert_int_equal(frame_reader_next(&reader, &frame), ERR_PROTOCOL);
        frame_reader_release(&reader);
    }
}

static void the_largest_frame_passes_and_its_memory_is_given_back(void **state)
{
    (void)state;
    struct buf stream;
    struct frame_reader reader;
    uint8_t *payload = mem_calloc(1, LIMIT_FRAME_BYTES);
    buf_init(&stream, (size_t)LIMIT_FRAME_BYTES + FRAME_HEAD_BYTES);
    frame_reader_init(&reader);
    put_frame(&stream, 1, span_of(payload, LIMIT_FRAME_BYTES));
    assert_false(stream.overflowed);

    for (size_t at = 0; at < stream.len; at += 65536) {
        size_t len = stream.len - at < 65536 ? stream.len - at : 65536;
        assert_more(&reader);
        frame_reader_feed(&reader, span_of(stream.ptr + at, len));
    }
    assert_next(&reader, 1, span_of(payload, LIMIT_FRAME_BYTES));
    assert_more(&reader);
    assert_int_equal(reader.pending.cap, 0);
    frame_reader_feed(&reader, span_first(buf_span(&stream), FRAME_HEAD_BYTES));
    assert_more(&reader);

    frame_reader_release(&reader);
    buf_release(&stream);
    mem_free(&payload);
}

static void a_stream_nobody_reads_is_lost_not_garbled(void **state)
{
    (void)state;
    struct frame_reader reader;
    struct frame frame;
    uint8_t *bytes = mem_calloc(1, LIMIT_FRAME_BYTES);
    frame_reader_init(&reader);
    for (int i = 0; i < 3; i++)
        frame_reader_feed(&reader, span_of(bytes, LIMIT_FRAME_BYTES));
    assert_int_equal(frame_reader_next(&reader, &frame), ERR_PROTOCOL);
    frame_reader_release(&reader);
    mem_free(&bytes);
}

static void a_frame_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 24);
    put_frame(&out, 1, SPAN("fits"));
    size_t len = out.len;
    put_frame(&out, 2, SPAN("does not fit"));
    assert_true(out.overflowed);
    assert_int_equal(out.len, len);
    buf_release(&out);
}

static void frames_that_carried_a_secret_are_wiped(void **state)
{
    (void)state;
    struct frame_reader reader;
    struct frame frame;
    struct buf stream;
    buf_init(&stream, 256);
    for (int i = 0; i < 2; i++) {
        size_t mark = frame_begin(&stream, 7);
        buf_append(&stream, i == 0 ? SPAN("secret") : SPAN("public"));
        frame_end(&stream, mark);
    }
    frame_reader_init(&reader);
    frame_reader_feed(&reader, buf_span(&stream));
    assert_int_equal(frame_reader_next(&reader, &frame), ERR_OK);

    frame_reader_wipe(&reader);

    assert_memory_equal(frame.payload.ptr, "\0\0\0\0\0\0", 6);
    assert_next(&reader, 7, SPAN("public"));
    frame_reader_release(&reader);
    buf_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_has_a_head_of_eight_bytes),
        cmocka_unit_test(frames_that_carried_a_secret_are_wiped),
        cmocka_unit_test(a_stream_cut_at_every_byte_gives_the_same_frames),
        cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(bad_heads_are_refused_before_the_payload_came),
        cmocka_unit_test(the_largest_frame_passes_and_its_memory_is_given_back),
        cmocka_unit_test(a_stream_nobody_reads_is_lost_not_garbled),
        cmocka_unit_test(a_frame_that_does_not_fit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
