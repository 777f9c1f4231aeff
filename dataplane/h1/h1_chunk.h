/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_chunk.h - the chunked transfer coding, taken apart while it trickles in (RFC 9112 7.1).
 *
 *      SIZE [;ext] CRLF --> DATA CRLF --> SIZE ... "0" CRLF --> trailer lines --> CRLF --> ENDED
 *
 * Strict: 1 to 15 hexadecimal digits, CR LF only, extensions without control characters.
 * Ownership: trailer lines are collected in a buf; h1_chunk_release lets go of it.
 * Limits: LIMIT_CHUNK_LINE_BYTES, LIMIT_TRAILER_BYTES.
 */
#ifndef TRUNKLINE_DATAPLANE_H1_H1_CHUNK_H
#define TRUNKLINE_DATAPLANE_H1_H1_CHUNK_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/limits.h"

enum h1_chunk_state {
    H1_CHUNK_SIZE,
    H1_CHUNK_EXTENSION,
    H1_CHUNK_SIZE_LF,
    H1_CHUNK_DATA,
    H1_CHUNK_DATA_CR,
    H1_CHUNK_DATA_LF,
    H1_CHUNK_TRAILER, /* at the beginning of a line */
    H1_CHUNK_TRAILER_LINE,
    H1_CHUNK_END_LF,
    H1_CHUNK_ENDED,
};

struct h1_chunk {
    enum h1_chunk_state state;
    uint64_t left_bytes; /* of the chunk */
    uint32_t digit_count;
    uint32_t line_bytes;
    struct buf trailers; /* raw lines */
};

struct h1_chunk_step {
    size_t used;      /* bytes of the input that are done with */
    struct span body; /* lent, inside the input: part of a chunk's data, or empty */
};

void h1_chunk_init(struct h1_chunk *chunk);
void h1_chunk_release(struct h1_chunk *chunk);

/* Goes on until it has data to lend (at most body_max bytes of it), the end, or no more input.
 * ERR_REQUEST_FRAMING when it is not the coding. */
MUST_USE enum err h1_chunk_next(struct h1_chunk *chunk, struct span in, size_t body_max,
                                struct h1_chunk_step *out);

static inline bool h1_chunk_ended(const struct h1_chunk *chunk)
{
    return chunk->state == H1_CHUNK_ENDED;
}

#endif
