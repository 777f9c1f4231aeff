/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_h2_origin.c - an HTTP/2 origin that sends anything: no answer is complete unless a frame
 * with END_STREAM has come whole for its stream.
 *
 * Input: options (fuzz_origin.h), the size of the pieces, then the origin's bytes: frames as they
 * are, or, when the size has its highest bit, in short: type, flags, stream, length (a byte each),
 * payload. Type | 64 has `:status 200` in front of its payload.
 */
#include "dataplane/h2/h2_origin.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_origin.h"

#define FRAME_HEAD_BYTES 9
#define FRAME_DATA 0
#define FRAME_HEADERS 1
#define FLAG_END_STREAM 1

#define SHORT_HEAD_BYTES 4
#define SHORT_FRAMES 128
#define FRAMES_BYTES_MAX (1u << 20)
#define STATUS_200 0x88
#define TYPE_WITH_STATUS 64

/* Short frames as they are on the wire: what is mutated is then seldom lost as a broken length. */
static void expand(struct span rest, struct buf *frames)
{
    while (rest.len >= SHORT_HEAD_BYTES) {
        const uint8_t *head = rest.ptr;
        struct span payload = span_skip(rest, SHORT_HEAD_BYTES);
        size_t len = head[3] < payload.len ? head[3] : payload.len;
        bool answers = head[0] & TYPE_WITH_STATUS;
        const uint8_t out[] = {
            0, 0, (uint8_t)(len + answers), head[0] & 15, head[1], 0, 0, 0, head[2], STATUS_200};
        if (len + answers > UINT8_MAX)
            return;
        buf_append(frames, span_of(out, FRAME_HEAD_BYTES + (size_t)answers));
        buf_append(frames, span_first(payload, len));
        rest = span_skip(payload, len);
    }
}

static uint32_t frame_stream(const uint8_t *head)
{
    return ((uint32_t)(head[5] & 0x7f) << 24) | ((uint32_t)head[6] << 16) |
           ((uint32_t)head[7] << 8) | head[8];
}

/* How many body bytes frames promise for the stream at most; whether one of them ends it. */
static bool stream_ends(struct span frames, uint32_t stream, uint64_t *data_bytes)
{
    bool ends = false;
    *data_bytes = 0;
    while (frames.len >= FRAME_HEAD_BYTES) {
        const uint8_t *head = frames.ptr;
        size_t len = ((size_t)head[0] << 16) | ((size_t)head[1] << 8) | head[2];
        if (len > frames.len - FRAME_HEAD_BYTES)
            len = frames.len - FRAME_HEAD_BYTES; /* cut: its bytes may count, its end does not */
        else if (head[3] <= FRAME_HEADERS && head[4] & FLAG_END_STREAM)
            ends = ends || frame_stream(head) == stream;
        if (head[3] == FRAME_DATA && frame_stream(head) == stream)
            *data_bytes += len;
        frames = span_skip(frames, FRAME_HEAD_BYTES + len);
    }
    return ends;
}

static void check_answers(const struct fuzz_rig *rig, struct span frames)
{
    for (size_t i = 0; i < rig->exchange_count; i++) {
        const struct script_side *client = &rig->exchanges[i].client;
        uint64_t data_bytes;
        bool ends = stream_ends(frames, (uint32_t)(2 * i + 1), &data_bytes);
        ASSERT(!client->end_got || ends);
        ASSERT(client->got_bytes <= data_bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    static const struct h2_origin_options options = {
        .streams_max = FUZZ_EXCHANGES,
        .read_timeout_ms = FUZZ_TIMEOUT_MS,
        .settings_timeout_ms = FUZZ_TIMEOUT_MS,
    };
    struct fuzz_rig rig;
    struct buf expanded;
    if (len < 2)
        return 0;
    struct span frames = span_skip(span_of(bytes, len), 2);
    size_t step = bytes[1] & (SHORT_FRAMES - 1u);
    buf_init(&expanded, FRAMES_BYTES_MAX);
    if (bytes[1] & SHORT_FRAMES) {
        expand(frames, &expanded);
        frames = buf_span(&expanded);
    }

    fuzz_open(&rig, bytes[0]);
    rig.conn = h2_origin_open(&rig.transport.base, &options, &fuzz_conn_events, &rig);
    while (rig.exchange_count < (rig.options & FUZZ_COUNT) + 1u && fuzz_request(&rig))
        fuzz_turns(&rig, 1);
    if (rig.options & FUZZ_SPEAKS)
        fuzz_give(&rig, span_of(settings, sizeof(settings)), SIZE_MAX);
    fuzz_turns(&rig, 2);
    fuzz_give(&rig, frames, step > 0 ? step : SIZE_MAX);
    fuzz_end(&rig);
    check_answers(&rig, frames);
    fuzz_close(&rig);
    buf_release(&expanded);
    return 0;
}
