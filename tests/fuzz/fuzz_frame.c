/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frame.c - a stream of frames in pieces: what decodes encodes to the same bytes again.
 *
 * The first byte of the input says how large the pieces are.
 */
#include "common/wire/message.h"

#include "tests/fuzz/fuzz.h"

static void check_message(const struct frame *frame)
{
    struct message message;
    struct problem problem;
    struct buf again;
    if (message_decode(frame, &message, &problem) != ERR_OK) {
        ASSERT(problem.code == ERR_PROTOCOL);
        return;
    }
    buf_init(&again, LIMIT_LINK_OUT_BYTES);
    message_encode(&message, &again);
    ASSERT(span_equal(span_skip(buf_span(&again), FRAME_HEAD_BYTES), frame->payload));
    ASSERT(again.ptr[4] == frame->kind);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct frame_reader reader;
    struct frame frame;
    enum err err = ERR_MORE;
    if (len == 0)
        return 0;
    size_t piece_bytes = bytes[0] + (size_t)1;
    struct span rest = span_skip(span_of(bytes, len), 1);

    frame_reader_init(&reader);
    while (rest.len > 0 && err == ERR_MORE) {
        size_t taken = rest.len < piece_bytes ? rest.len : piece_bytes;
        frame_reader_feed(&reader, span_first(rest, taken));
        rest = span_skip(rest, taken);
        while ((err = frame_reader_next(&reader, &frame)) == ERR_OK)
            check_message(&frame);
    }
    frame_reader_release(&reader);
    return 0;
}
