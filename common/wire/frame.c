/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - frames out of a stream of bytes, and into one.
 */
#include "common/wire/frame.h"

#include "common/base/mem.h"

/* One whole frame and what a read may bring behind it. */
#define PENDING_BYTES_MAX (2 * ((size_t)LIMIT_FRAME_BYTES + FRAME_HEAD_BYTES))
/* An idle link holds no more than this. */
#define IDLE_BYTES_MAX 65536

void frame_reader_init(struct frame_reader *reader)
{
    buf_init(&reader->pending, PENDING_BYTES_MAX);
    reader->taken_bytes = 0;
}

void frame_reader_release(struct frame_reader *reader)
{
    buf_release(&reader->pending);
    reader->taken_bytes = 0;
}

void frame_reader_feed(struct frame_reader *reader, struct span bytes)
{
    buf_consume(&reader->pending, reader->taken_bytes);
    reader->taken_bytes = 0;
    buf_append(&reader->pending, bytes);
}

static uint32_t head_length(struct span head)
{
    return (uint32_t)head.ptr[0] << 24 | (uint32_t)head.ptr[1] << 16 | (uint32_t)head.ptr[2] << 8 |
           head.ptr[3];
}

static enum err more(struct frame_reader *reader)
{
    if (reader->taken_bytes == reader->pending.len && reader->pending.cap > IDLE_BYTES_MAX) {
        buf_shrink(&reader->pending);
        reader->taken_bytes = 0;
    }
    return ERR_MORE;
}

enum err frame_reader_next(struct frame_reader *reader, struct frame *out)
{
    *out = (struct frame){.payload = SPAN_EMPTY};
    if (reader->pending.overflowed)
        return ERR_PROTOCOL;
    struct span left = span_skip(buf_span(&reader->pending), reader->taken_bytes);
    if (left.len < FRAME_HEAD_BYTES)
        return more(reader);
    size_t length = head_length(left);
    if (length > LIMIT_FRAME_BYTES || left.ptr[5] != FRAME_VERSION || left.ptr[6] != 0 ||
        left.ptr[7] != 0)
        return ERR_PROTOCOL;
    if (left.len - FRAME_HEAD_BYTES < length)
        return ERR_MORE;
    out->kind = left.ptr[4];
    out->payload = span_first(span_skip(left, FRAME_HEAD_BYTES), length);
    reader->taken_bytes += FRAME_HEAD_BYTES + length;
    return ERR_OK;
}

void frame_reader_wipe(struct frame_reader *reader)
{
    if (reader->taken_bytes > 0)
        mem_wipe(reader->pending.ptr, reader->taken_bytes);
}

size_t frame_begin(struct buf *out, uint8_t kind)
{
    const uint8_t head[FRAME_HEAD_BYTES] = {0, 0, 0, 0, kind, FRAME_VERSION, 0, 0};
    size_t mark = out->len;
    buf_append(out, span_of(head, sizeof(head)));
    return mark;
}

/* Where the frame did not fit, nothing of it stays: half a frame would be read as garbage. */
void frame_end(struct buf *out, size_t mark)
{
    if (out->overflowed) {
        out->len = mark;
        return;
    }
    ASSERT(out->len >= mark + FRAME_HEAD_BYTES);
    size_t length = out->len - mark - FRAME_HEAD_BYTES;
    ASSERT(length <= LIMIT_FRAME_BYTES);
    uint8_t *head = out->ptr + mark;
    head[0] = (uint8_t)(length >> 24);
    head[1] = (uint8_t)(length >> 16);
    head[2] = (uint8_t)(length >> 8);
    head[3] = (uint8_t)length;
}
