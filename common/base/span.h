/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span.h - borrowed bytes: a pointer and a length, never NUL-terminated by promise.
 *
 * A span owns nothing and is passed by value (two registers).  An empty span may have a NULL ptr.
 */
#ifndef TRUNKLINE_COMMON_BASE_SPAN_H
#define TRUNKLINE_COMMON_BASE_SPAN_H

#include <stdbool.h>
#include <string.h>

#include "common/base/assert.h"

struct span {
    const uint8_t *ptr;
    size_t len;
};

/* SPAN("literal"): the NUL is not part of it. */
#define SPAN(literal) ((struct span){(const uint8_t *)("" literal ""), sizeof(literal) - 1})
#define SPAN_EMPTY ((struct span){NULL, 0})
/* For printf: `"%.*s", SPAN_ARG(s)`. */
#define SPAN_ARG(s) (int)(s).len, (s).ptr ? (const char *)(s).ptr : ""

static inline struct span span_of(const void *ptr, size_t len)
{
    return (struct span){ptr, len};
}

/* Borrows a C string; NULL gives the empty span. */
static inline struct span span_str(const char *cstr)
{
    return (struct span){(const uint8_t *)cstr, cstr ? strlen(cstr) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The bytes from `from` on; from <= s.len. */
static inline struct span span_skip(struct span s, size_t from)
{
    ASSERT(from <= s.len);
    return (struct span){s.ptr ? s.ptr + from : NULL, s.len - from};
}

/* The first len bytes; len <= s.len. */
static inline struct span span_first(struct span s, size_t len)
{
    ASSERT(len <= s.len);
    return (struct span){s.ptr, len};
}

bool span_equal_nocase(struct span a, struct span b);
bool span_starts_with(struct span s, struct span prefix);
bool span_ends_with(struct span s, struct span suffix);

/* The place of the first `byte` in s, or s.len. */
size_t span_find(struct span s, uint8_t byte);

/* Splits at the first `separator`: the part before it is returned and *rest moves behind it.
 * Without a separator everything is returned and *rest becomes empty. */
struct span span_split(struct span *rest, uint8_t separator);

/* Without the SP and HTAB at both ends (RFC 9110 OWS). */
struct span span_trim(struct span s);

/* Writes a NUL-terminated copy into out; false, and an empty string, if it does not fit or if
 * s contains a NUL. */
MUST_USE bool span_to_cstr(struct span s, char *out, size_t out_bytes);

#endif
