/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - how messages are cut out of a stream of bytes (schema/wire.md).
 *
 *      0        4      5         6          8
 *      | length | kind | version | reserved | payload, `length` bytes |      big-endian
 *
 * Sans I/O: the same decoder serves the link, the worker channel and the fuzzer.
 */
#ifndef TRUNKLINE_COMMON_WIRE_FRAME_H
#define TRUNKLINE_COMMON_WIRE_FRAME_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/limits.h"

#define FRAME_HEAD_BYTES 8
#define FRAME_VERSION 1

struct frame {
    uint8_t kind;
    struct span payload;
};

struct frame_reader {
    struct buf pending; /* bytes of an unfinished frame */
    size_t taken_bytes; /* of the frames lent; dropped by the next feed */
};

void frame_reader_init(struct frame_reader *reader);
void frame_reader_release(struct frame_reader *reader);

/* Adds bytes from the stream.  Take every frame out (ERR_MORE) before the next feed: a reader that
 * is fed two frames' worth at once is lost. */
void frame_reader_feed(struct frame_reader *reader, struct span bytes);

/* ERR_OK: *out is the next frame, lent until the next call.  ERR_MORE: nothing whole is there.
 * ERR_PROTOCOL: a version we do not speak, reserved bits, or a length past LIMIT_FRAME_BYTES; the
 * stream is lost. */
MUST_USE enum err frame_reader_next(struct frame_reader *reader, struct frame *out);

/* Overwrites the frames lent since the last feed: one of them carried a secret. */
void frame_reader_wipe(struct frame_reader *reader);

/* Starts a frame at the end of out and returns the mark that frame_end needs. */
size_t frame_begin(struct buf *out, uint8_t kind);
/* Writes the length into the head; drops the whole frame where out has overflowed. */
void frame_end(struct buf *out, size_t mark);

#endif
