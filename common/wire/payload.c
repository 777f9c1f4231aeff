/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.c - values of a message, big-endian.
 */
#include "common/wire/payload.h"

void payload_put_u32(struct buf *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_append_byte(out, (uint8_t)(value >> shift));
}

void payload_put_u64(struct buf *out, uint64_t value)
{
    payload_put_u32(out, (uint32_t)(value >> 32));
    payload_put_u32(out, (uint32_t)value);
}

void payload_put_bool(struct buf *out, bool value)
{
    buf_append_byte(out, value ? 1 : 0);
}

void payload_put_id(struct buf *out, const struct id *id)
{
    static const uint8_t empty[ID_TEXT_BYTES];
    bool given = id->text[0] != '\0';
    buf_append(out, given ? span_of(id->text, ID_TEXT_BYTES) : span_of(empty, sizeof(empty)));
}

void payload_put_digest(struct buf *out, const struct digest *digest)
{
    buf_append(out, digest_span(digest));
}

void payload_put_bytes(struct buf *out, struct span bytes)
{
    ASSERT(bytes.len <= UINT32_MAX);
    payload_put_u32(out, (uint32_t)bytes.len);
    buf_append(out, bytes);
}

void payload_refuse(struct payload_reader *reader, const char *field, const char *text)
{
    if (reader->err == ERR_OK)
        reader->err = problem_set(reader->problem, ERR_PROTOCOL, field, "%s", text);
    reader->left = SPAN_EMPTY;
}

struct span payload_take(struct payload_reader *reader, size_t len, const char *field)
{
    if (reader->err == ERR_OK && reader->left.len < len)
        payload_refuse(reader, field, "is cut off");
    if (reader->err != ERR_OK)
        return SPAN_EMPTY;
    struct span taken = span_first(reader->left, len);
    reader->left = span_skip(reader->left, len);
    return taken;
}

static uint64_t take_number(struct payload_reader *reader, size_t len, const char *field)
{
    struct span bytes = payload_take(reader, len, field);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.ptr[i];
    return value;
}

uint32_t payload_take_u32(struct payload_reader *reader, const char *field)
{
    return (uint32_t)take_number(reader, 4, field);
}

uint64_t payload_take_u64(struct payload_reader *reader, const char *field)
{
    return take_number(reader, 8, field);
}

bool payload_take_bool(struct payload_reader *reader, const char *field)
{
    uint64_t value = take_number(reader, 1, field);
    if (value > 1)
        payload_refuse(reader, field, "must be 0 or 1");
    return value == 1;
}

static bool all_zero(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != 0)
            return false;
    }
    return true;
}

struct id payload_take_id(struct payload_reader *reader, enum payload_id need, const char *field)
{
    struct id id = {.text = ""};
    struct span text = payload_take(reader, ID_TEXT_BYTES, field);
    if (reader->err != ERR_OK || (need == PAYLOAD_ID_MAY_BE_EMPTY && all_zero(text)))
        return id;
    if (id_parse(text, &id) != ERR_OK)
        payload_refuse(reader, field, "is not 32 lowercase hex digits");
    return id;
}

struct digest payload_take_digest(struct payload_reader *reader, const char *field)
{
    struct digest digest = {.bytes = {0}};
    struct span bytes = payload_take(reader, DIGEST_BYTES, field);
    if (bytes.len > 0)
        memcpy(digest.bytes, bytes.ptr, DIGEST_BYTES);
    return digest;
}

struct span payload_take_bytes(struct payload_reader *reader, size_t bytes_max, const char *field)
{
    size_t len = payload_take_u32(reader, field);
    if (len > bytes_max)
        payload_refuse(reader, field, "is too long");
    return payload_take(reader, len, field);
}

enum err payload_finish(struct payload_reader *reader)
{
    if (reader->left.len > 0)
        payload_refuse(reader, "", "has bytes behind its last field");
    return reader->err;
}
