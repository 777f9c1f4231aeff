/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_chunk.c - the chunked transfer coding, taken apart byte by byte around its data.
 */
#include "dataplane/h1/h1_chunk.h"

#define DIGITS_MAX 15 /* keeps the size below 2^60 */

void h1_chunk_init(struct h1_chunk *chunk)
{
    *chunk = (struct h1_chunk){.state = H1_CHUNK_SIZE};
    buf_init(&chunk->trailers, LIMIT_TRAILER_BYTES);
}

void h1_chunk_release(struct h1_chunk *chunk)
{
    buf_release(&chunk->trailers);
}

static int hex_digit(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    c = (uint8_t)(c | 0x20);
    return (uint8_t)(c - 'a') < 6 ? c - 'a' + 10 : -1;
}

static enum err take_size(struct h1_chunk *chunk, uint8_t byte)
{
    int digit = hex_digit(byte);

    if (digit >= 0 && chunk->digit_count < DIGITS_MAX) {
        chunk->left_bytes = chunk->left_bytes << 4 | (uint64_t)digit;
        chunk->digit_count++;
        return ERR_OK;
    }
    if (chunk->digit_count == 0 || (byte != '\r' && byte != ';'))
        return ERR_REQUEST_FRAMING;
    chunk->state = byte == '\r' ? H1_CHUNK_SIZE_LF : H1_CHUNK_EXTENSION;
    return ERR_OK;
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

static enum err take_extension(struct h1_chunk *chunk, uint8_t byte)
{
    if (byte == '\r')
        chunk->state = H1_CHUNK_SIZE_LF;
    else if (is_control(byte))
        return ERR_REQUEST_FRAMING;
    return ERR_OK;
}

static enum err take_line_end(struct h1_chunk *chunk, uint8_t byte)
{
    if (byte != '\n')
        return ERR_REQUEST_FRAMING;
    chunk->state = chunk->left_bytes > 0 ? H1_CHUNK_DATA : H1_CHUNK_TRAILER;
    return ERR_OK;
}

static enum err take_data_end(struct h1_chunk *chunk, uint8_t byte)
{
    if (byte != (chunk->state == H1_CHUNK_DATA_CR ? '\r' : '\n'))
        return ERR_REQUEST_FRAMING;
    if (chunk->state == H1_CHUNK_DATA_CR) {
        chunk->state = H1_CHUNK_DATA_LF;
        return ERR_OK;
    }
    chunk->state = H1_CHUNK_SIZE;
    chunk->left_bytes = 0;
    chunk->digit_count = chunk->line_bytes = 0;
    return ERR_OK;
}

/* A trailer line is kept raw; what it says is h1_parse_trailers' business. */
static enum err take_trailer(struct h1_chunk *chunk, uint8_t byte)
{
    if (chunk->state == H1_CHUNK_TRAILER && byte == '\r') {
        chunk->state = H1_CHUNK_END_LF;
        return ERR_OK;
    }
    buf_append_byte(&chunk->trailers, byte);
    if (chunk->trailers.overflowed)
        return ERR_REQUEST_FRAMING;
    chunk->state = H1_CHUNK_TRAILER_LINE;
    if (byte != '\n')
        return ERR_OK;
    size_t len = chunk->trailers.len;
    if (len < 2 || chunk->trailers.ptr[len - 2] != '\r')
        return ERR_REQUEST_FRAMING;
    chunk->state = H1_CHUNK_TRAILER;
    return ERR_OK;
}

static enum err take_byte(struct h1_chunk *chunk, uint8_t byte)
{
    switch (chunk->state) {
    case H1_CHUNK_SIZE:
    case H1_CHUNK_EXTENSION:
    case H1_CHUNK_SIZE_LF:
        if (++chunk->line_bytes > LIMIT_CHUNK_LINE_BYTES)
            return ERR_REQUEST_FRAMING;
        if (chunk->state == H1_CHUNK_SIZE)
            return take_size(chunk, byte);
        return chunk->state == H1_CHUNK_EXTENSION ? take_extension(chunk, byte)
                                                  : take_line_end(chunk, byte);
    case H1_CHUNK_DATA_CR:
    case H1_CHUNK_DATA_LF:
        return take_data_end(chunk, byte);
    case H1_CHUNK_TRAILER:
    case H1_CHUNK_TRAILER_LINE:
        return take_trailer(chunk, byte);
    case H1_CHUNK_END_LF:
        chunk->state = H1_CHUNK_ENDED;
        return byte == '\n' ? ERR_OK : ERR_REQUEST_FRAMING;
    case H1_CHUNK_DATA:
    case H1_CHUNK_ENDED:
        break;
    }
    UNREACHABLE();
}

enum err h1_chunk_next(struct h1_chunk *chunk, struct span in, size_t body_max,
                       struct h1_chunk_step *out)
{
    *out = (struct h1_chunk_step){.used = 0};
    while (out->used < in.len && chunk->state != H1_CHUNK_ENDED) {
        if (chunk->state != H1_CHUNK_DATA) {
            TRY(take_byte(chunk, in.ptr[out->used]));
            out->used++;
            continue;
        }
        size_t len = in.len - out->used;
        if (len > chunk->left_bytes)
            len = (size_t)chunk->left_bytes;
        if (len > body_max)
            len = body_max;
        out->body = span_first(span_skip(in, out->used), len);
        out->used += len;
        chunk->left_bytes -= len;
        if (chunk->left_bytes == 0)
            chunk->state = H1_CHUNK_DATA_CR;
        break;
    }
    return ERR_OK;
}
