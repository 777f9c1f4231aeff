/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_watch.c - the frame heads of a peer, read along before nghttp2 gets the bytes.
 */
#include "dataplane/h2/h2_watch.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#define ID_MASK 0x7fffffffu

_Static_assert((LIMIT_H2_IDS_KEPT & (LIMIT_H2_IDS_KEPT - 1)) == 0, "a ring of bits");

void h2_watch_init(struct h2_watch *watch, bool client_facing)
{
    *watch = (struct h2_watch){.pass_bytes = client_facing ? NGHTTP2_CLIENT_MAGIC_LEN : 0};
}

static void parse(const uint8_t *bytes, struct h2_frame_head *out)
{
    *out = (struct h2_frame_head){
        .length = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2],
        .type = bytes[3],
        .flags = bytes[4],
        .stream_id = ((uint32_t)bytes[5] << 24 | (uint32_t)bytes[6] << 16 |
                      (uint32_t)bytes[7] << 8 | bytes[8]) &
                     ID_MASK,
    };
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t h2_watch_next(struct h2_watch *watch, struct span bytes, struct h2_frame_head *out,
                     bool *told)
{
    size_t passed = smaller(watch->pass_bytes, bytes.len);
    watch->pass_bytes -= (uint32_t)passed;
    *told = false;
    if (watch->pass_bytes > 0)
        return passed;
    if (watch->block.whole)
        watch->block.stream_id = 0;
    size_t more = smaller(sizeof(watch->head) - watch->head_bytes, bytes.len - passed);
    if (more == 0)
        return passed;
    memcpy(watch->head + watch->head_bytes, bytes.ptr + passed, more);
    watch->head_bytes = (uint8_t)(watch->head_bytes + more);
    if (watch->head_bytes == sizeof(watch->head)) {
        parse(watch->head, out);
        watch->head_bytes = 0;
        watch->pass_bytes = out->length;
        *told = true;
    }
    return passed + more;
}

/* ---- ids: the odd ones, each two bits in a ring */

static bool bit_of(const uint8_t *ring, uint32_t id)
{
    uint32_t at = (id >> 1) % LIMIT_H2_IDS_KEPT;
    return ring[at / 8] & (1u << (at % 8));
}

static void set_bit(uint8_t *ring, uint32_t id, bool on)
{
    uint32_t at = (id >> 1) % LIMIT_H2_IDS_KEPT;
    uint8_t bit = (uint8_t)(1u << (at % 8));
    ring[at / 8] = (uint8_t)(on ? ring[at / 8] | bit : ring[at / 8] & ~bit);
}

static bool is_kept(const struct h2_watch *watch, uint32_t id)
{
    return id % 2 == 1 && id <= watch->last_id && (watch->last_id - id) / 2 < LIMIT_H2_IDS_KEPT;
}

/* Ids that were left out are closed (RFC 9113 5.1.1). */
static void begin(struct h2_watch *watch, uint32_t id)
{
    uint32_t left_out = watch->last_id == 0 ? 0 : (id - watch->last_id) / 2 - 1;
    if (left_out >= LIMIT_H2_IDS_KEPT)
        memset(watch->begun, 0, sizeof(watch->begun));
    else
        for (uint32_t k = 1; k <= left_out; k++)
            set_bit(watch->begun, id - 2 * k, false);
    set_bit(watch->begun, id, true);
    set_bit(watch->ended, id, false);
    watch->last_id = id;
}

/* ---- what may come */

static uint32_t judge_headers(struct h2_watch *watch, const struct h2_frame_head *frame)
{
    uint32_t id = frame->stream_id;
    if (id % 2 == 0)
        return NGHTTP2_NO_ERROR; /* nghttp2 refuses it */
    if (id > watch->last_id)
        begin(watch, id);
    if (!is_kept(watch, id))
        return NGHTTP2_NO_ERROR;
    if (!bit_of(watch->begun, id))
        return NGHTTP2_PROTOCOL_ERROR;
    if (bit_of(watch->ended, id))
        return NGHTTP2_STREAM_CLOSED;
    if (frame->flags & NGHTTP2_FLAG_END_STREAM)
        set_bit(watch->ended, id, true);
    return NGHTTP2_NO_ERROR;
}

/* DATA, RST_STREAM: an id above the last one is idle, which nghttp2 refuses. */
static uint32_t judge_other(struct h2_watch *watch, const struct h2_frame_head *frame)
{
    uint32_t id = frame->stream_id;
    bool data = frame->type == NGHTTP2_DATA;
    if (!is_kept(watch, id))
        return NGHTTP2_NO_ERROR;
    if (data && (!bit_of(watch->begun, id) || bit_of(watch->ended, id)))
        return NGHTTP2_STREAM_CLOSED;
    if (!data || frame->flags & NGHTTP2_FLAG_END_STREAM)
        set_bit(watch->ended, id, true);
    return NGHTTP2_NO_ERROR;
}

/* RFC 9113 6.2, 6.10: nothing comes between the frames of a block. */
static uint32_t judge_block(struct h2_watch *watch, const struct h2_frame_head *frame)
{
    bool continues = frame->type == NGHTTP2_CONTINUATION;
    bool inside = watch->block.stream_id != 0;
    if (continues != inside || (inside && frame->stream_id != watch->block.stream_id))
        return NGHTTP2_PROTOCOL_ERROR;
    if (!continues) {
        watch->block.stream_id = frame->stream_id;
        watch->block.frame_count = watch->block.bytes = 0;
        watch->block.serial++;
    }
    watch->block.whole = frame->flags & NGHTTP2_FLAG_END_HEADERS;
    watch->block.bytes += frame->length;
    watch->block.frame_count += continues;
    return NGHTTP2_NO_ERROR;
}

uint32_t h2_watch_judge(struct h2_watch *watch, const struct h2_frame_head *frame,
                        bool client_facing)
{
    bool headers = frame->type == NGHTTP2_HEADERS;
    uint32_t code = NGHTTP2_NO_ERROR;
    if (frame->length > H2_FRAME_BYTES_MAX)
        return NGHTTP2_FRAME_SIZE_ERROR;
    if (headers || frame->type == NGHTTP2_CONTINUATION || watch->block.stream_id != 0)
        code = judge_block(watch, frame);
    if (code != NGHTTP2_NO_ERROR || !client_facing)
        return code;
    if (watch->block.bytes > LIMIT_HEAD_BYTES || watch->block.frame_count > LIMIT_H2_CONTINUATIONS)
        return NGHTTP2_ENHANCE_YOUR_CALM;
    if (headers)
        return judge_headers(watch, frame);
    if (frame->type == NGHTTP2_DATA || frame->type == NGHTTP2_RST_STREAM)
        return judge_other(watch, frame);
    return NGHTTP2_NO_ERROR;
}
