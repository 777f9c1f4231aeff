/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - growable bytes with a mandatory ceiling.
 *
 * A buf cannot be made without saying how large it may become.  An append past the ceiling
 * appends nothing and marks the buf as overflowed.  While the mark stays, until buf_clear, appends
 * do nothing: a writer may append freely and ask once at the end, and no hole is left in between.
 */
#ifndef TRUNKLINE_COMMON_BASE_BUF_H
#define TRUNKLINE_COMMON_BASE_BUF_H

#include "common/base/span.h"

struct buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    size_t bytes_max;
    bool overflowed;
};

/* No memory is taken before the first append. */
void buf_init(struct buf *buf, size_t bytes_max);
void buf_release(struct buf *buf);
/* Length zero; keeps the memory. */
void buf_clear(struct buf *buf);
/* Length zero; gives the memory back. */
void buf_shrink(struct buf *buf);

void buf_append(struct buf *buf, struct span bytes);
void buf_append_byte(struct buf *buf, uint8_t byte);
void buf_append_str(struct buf *buf, const char *cstr);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_appendf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* The bytes as the inside of a JSON string (RFC 8259 7); bytes that are not UTF-8 become U+FFFD. */
void buf_append_json(struct buf *buf, struct span text);

/* Makes room for len more bytes and lends the place to write them (NULL past the ceiling);
 * buf_added then says how many were written. */
uint8_t *buf_reserve(struct buf *buf, size_t len);
void buf_added(struct buf *buf, size_t len);

/* Drops the first len bytes; moves what is left to the front. */
void buf_consume(struct buf *buf, size_t len);

static inline struct span buf_span(const struct buf *buf)
{
    return span_of(buf->ptr, buf->len);
}

static inline size_t buf_room(const struct buf *buf)
{
    return buf->bytes_max - buf->len;
}

/* The contents with a NUL behind them (not counted); lent until the next append. */
const char *buf_cstr(struct buf *buf);

#endif
