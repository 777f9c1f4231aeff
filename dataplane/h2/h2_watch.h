/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_watch.h - the frame heads of a peer, read along before nghttp2 gets the bytes.
 *
 * nghttp2 swallows without a word what it does not know or no longer expects: extension frames,
 * frames for streams that are closed, HEADERS with an old id.  So what they cost is not counted,
 * and RFC 9113 5.1 (STREAM_CLOSED) and 5.1.1 (ids only grow) are not kept.  This answers, nine
 * bytes a frame and without looking at payloads: may a peer send this frame now?
 *
 *      bytes --next--> frame head --judge--> NGHTTP2_NO_ERROR | code of a connection error
 *
 * Two bits of each of the last LIMIT_H2_IDS_KEPT ids are kept: the peer has begun it, the peer has
 * ended it (END_STREAM, RST_STREAM).  Both say what the peer did and nothing of what we did: a
 * frame that was on its way when we reset its stream is no error.  Older ids are nghttp2's.
 *
 * Limits:    LIMIT_H2_IDS_KEPT, LIMIT_H2_CONTINUATIONS, LIMIT_HEAD_BYTES.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_WATCH_H
#define TRUNKLINE_DATAPLANE_H2_H2_WATCH_H

#include <stdbool.h>

#include "common/base/assert.h"
#include "common/base/span.h"
#include "common/model/limits.h"

#define H2_FRAME_HEAD_BYTES 9
#define H2_FRAME_BYTES_MAX \
    16384 /* MAX_FRAME_SIZE, of which nothing else is told (RFC 9113 6.5.2) */

struct h2_frame_head {
    uint32_t length, stream_id;
    uint8_t type, flags;
};

struct h2_watch {
    uint32_t pass_bytes; /* of the preface or a payload: not looked at */
    uint8_t head[H2_FRAME_HEAD_BYTES];
    uint8_t head_bytes;
    uint32_t last_id; /* the highest that the peer has begun; 0: none */
    uint8_t begun[LIMIT_H2_IDS_KEPT / 8], ended[LIMIT_H2_IDS_KEPT / 8];
    struct {
        uint32_t stream_id;   /* 0 between blocks */
        uint32_t frame_count; /* CONTINUATION */
        uint32_t bytes;       /* as they are on the wire */
        uint32_t serial;      /* how many blocks there were: tells one from the next */
        bool whole;           /* END_HEADERS was said, its payload may still come */
    } block;
};

/* client_facing: a preface comes first. */
void h2_watch_init(struct h2_watch *watch, bool client_facing);
/* Takes bytes up to the end of the next frame head at most; returns how many.  True in *told when a
 * head is whole, in *out. */
MUST_USE size_t h2_watch_next(struct h2_watch *watch, struct span bytes, struct h2_frame_head *out,
                              bool *told);
/* NGHTTP2_NO_ERROR, or the code of the connection error that the frame is.  Header blocks are
 * followed for both roles; how large they are, and ids, are looked at of a client's. */
MUST_USE uint32_t h2_watch_judge(struct h2_watch *watch, const struct h2_frame_head *frame,
                                 bool client_facing);

/* Between the first byte of a header block and its last. */
static inline bool h2_watch_in_block(const struct h2_watch *watch)
{
    return watch->block.stream_id != 0 && (!watch->block.whole || watch->pass_bytes > 0);
}

#endif
