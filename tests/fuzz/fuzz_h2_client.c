/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_h2_client.c - a visitor who sends anything over HTTP/2: what an origin gets of it is clean,
 * and a body is whole only when it is.
 *
 * Input: the size of the pieces, then frames as they are, or, when the size has its highest bit, in
 * short: type, flags, stream, length (a byte each), payload.  Type | 64 has a good request's
 * pseudo-header fields in front of its payload.  The preface is sent before them.
 */
#include "dataplane/h2/h2_client.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_client.h"

#define SHORT_HEAD_BYTES 4
#define FRAMES_BYTES_MAX (1u << 20)
#define TYPE_WITH_REQUEST 64
#define PREFACE SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
/* GET, https, /, and a literal :authority */
#define REQUEST                 \
    SPAN("\x82\x87\x84\x01\x01" \
         "a")

static void expand(struct span rest, struct buf *frames)
{
    while (rest.len >= SHORT_HEAD_BYTES) {
        const uint8_t *head = rest.ptr;
        struct span payload = span_skip(rest, SHORT_HEAD_BYTES);
        struct span front = head[0] & TYPE_WITH_REQUEST ? REQUEST : SPAN_EMPTY;
        size_t len = head[3] < payload.len ? head[3] : payload.len;
        size_t frame_bytes = len + front.len;
        const uint8_t out[] = {0,
                               (uint8_t)(frame_bytes >> 8),
                               (uint8_t)frame_bytes,
                               head[0] & 15,
                               head[1],
                               0,
                               0,
                               0,
                               head[2]};
        buf_append(frames, span_of(out, sizeof(out)));
        buf_append(frames, front);
        buf_append(frames, span_first(payload, len));
        rest = span_skip(payload, len);
    }
}

static void run(struct span frames, size_t step)
{
    static const struct h2_client_events events = {.on_closed = client_on_closed};
    static const struct client_facts facts = {.address = {(const uint8_t *)"192.0.2.1", 9},
                                              .version = HTTP_2};
    struct client_rig rig;

    client_open(&rig, false);
    struct h2_client *conn =
        h2_client_open(&rig.transport.base, &rig.intake, &facts, &events, &rig);
    client_give(&rig, PREFACE, SIZE_MAX);
    client_give(&rig, frames, step);
    if (!fake_transport_gone(&rig.transport))
        fake_transport_end(&rig.transport);
    client_settle(&rig);
    if (rig.closed_count == 0)
        h2_client_close(conn);
    client_close(&rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    struct span frames = span_skip(span_of(bytes, len), 1);
    size_t step = (size_t)(bytes[0] & 127) + 1;
    struct buf expanded;

    buf_init(&expanded, FRAMES_BYTES_MAX);
    if (bytes[0] & 128) {
        expand(frames, &expanded);
        frames = buf_span(&expanded);
    }
    run(frames, step == 128 ? SIZE_MAX : step);
    buf_release(&expanded);
    return 0;
}
