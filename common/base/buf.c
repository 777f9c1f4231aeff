/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.c - growable bytes with a mandatory ceiling.
 */
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define FIRST_CAP_BYTES 64

void buf_init(struct buf *buf, size_t bytes_max)
{
    ASSERT(bytes_max < SIZE_MAX / 4);
    *buf = (struct buf){.bytes_max = bytes_max};
}

void buf_release(struct buf *buf)
{
    mem_free(&buf->ptr);
    buf_init(buf, buf->bytes_max);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->overflowed = false;
}

void buf_shrink(struct buf *buf)
{
    buf_release(buf);
}

/* Memory for need_bytes, which counts a byte for the NUL of buf_cstr: cap may be bytes_max + 1. */
static void grow(struct buf *buf, size_t need_bytes)
{
    size_t cap = buf->cap ? buf->cap * 2 : FIRST_CAP_BYTES;
    if (cap < need_bytes)
        cap = need_bytes;
    if (cap > buf->bytes_max + 1)
        cap = buf->bytes_max + 1;

    uint8_t *ptr = realloc(buf->ptr, cap);
    ASSERT(ptr != NULL);
    buf->ptr = ptr;
    buf->cap = cap;
}

uint8_t *buf_reserve(struct buf *buf, size_t len)
{
    if (len > buf_room(buf))
        return NULL;
    if (buf->cap - buf->len < len + 1)
        grow(buf, buf->len + len + 1);
    return buf->ptr + buf->len;
}

void buf_added(struct buf *buf, size_t len)
{
    ASSERT(buf->len + len < buf->cap);
    buf->len += len;
}

/* A place for len bytes that are about to be appended, or NULL and the mark. */
static uint8_t *append_place(struct buf *buf, size_t len)
{
    if (buf->overflowed)
        return NULL;
    uint8_t *place = buf_reserve(buf, len);
    if (!place)
        buf->overflowed = true;
    return place;
}

void buf_append(struct buf *buf, struct span bytes)
{
    if (bytes.len == 0)
        return;
    uint8_t *place = append_place(buf, bytes.len);
    if (!place)
        return;
    memcpy(place, bytes.ptr, bytes.len);
    buf->len += bytes.len;
}

void buf_append_byte(struct buf *buf, uint8_t byte)
{
    uint8_t *place = append_place(buf, 1);
    if (!place)
        return;
    *place = byte;
    buf->len++;
}

void buf_append_str(struct buf *buf, const char *cstr)
{
    buf_append(buf, span_str(cstr));
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    char digits[TEXT_U64_BYTES_MAX];
    buf_append(buf, span_of(digits, text_format_u64(value, digits)));
}

void buf_appendf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(len >= 0);

    uint8_t *place = append_place(buf, (size_t)len);
    if (!place)
        return;
    va_start(args, format);
    vsnprintf((char *)place, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The length of the UTF-8 sequence that s begins with (RFC 3629 4), or 0 where there is none. */
static size_t utf8_length(struct span s)
{
    uint8_t lead = s.ptr[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || s.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (!is_continuation(s.ptr[i]))
            return 0;
    }

    uint8_t second = s.ptr[1];
    bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    bool surrogate = lead == 0xed && second >= 0xa0;
    bool past_end = lead == 0xf4 && second >= 0x90;
    return overlong || surrogate || past_end ? 0 : len;
}

static void append_json_escape(struct buf *buf, uint8_t byte)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
        if (byte == (uint8_t)shorts[i]) {
            const char escape[2] = {'\\', shorts[i + 1]};
            buf_append(buf, span_of(escape, sizeof(escape)));
            return;
        }
    }
    buf_appendf(buf, "\\u%04x", byte);
}

/* How many bytes of text need no escape: they are copied as one run. */
static size_t plain_run(struct span text)
{
    size_t at = 0;
    while (at < text.len) {
        uint8_t byte = text.ptr[at];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            break;
        size_t len = utf8_length(span_skip(text, at));
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

void buf_append_json(struct buf *buf, struct span text)
{
    while (text.len > 0) {
        size_t run = plain_run(text);
        buf_append(buf, span_first(text, run));
        text = span_skip(text, run);
        if (text.len == 0)
            break;
        if (text.ptr[0] >= 0x80)
            buf_append(buf, SPAN("\xef\xbf\xbd"));
        else
            append_json_escape(buf, text.ptr[0]);
        text = span_skip(text, 1);
    }
}

void buf_consume(struct buf *buf, size_t len)
{
    ASSERT(len <= buf->len);
    if (len == 0)
        return;
    buf->len -= len;
    memmove(buf->ptr, buf->ptr + len, buf->len);
}

const char *buf_cstr(struct buf *buf)
{
    uint8_t *end = buf_reserve(buf, 0);
    *end = '\0';
    return (const char *)buf->ptr;
}
