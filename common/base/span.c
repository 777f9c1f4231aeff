/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span.c - comparing, splitting and trimming borrowed bytes.
 */
#include "common/base/span.h"

#include "common/base/text.h"

bool span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (text_lower(a.ptr[i]) != text_lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool span_starts_with(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_equal(span_first(s, prefix.len), prefix);
}

bool span_ends_with(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_equal(span_skip(s, s.len - suffix.len), suffix);
}

size_t span_find(struct span s, uint8_t byte)
{
    if (s.len == 0)
        return 0;
    const uint8_t *place = memchr(s.ptr, byte, s.len);
    return place ? (size_t)(place - s.ptr) : s.len;
}

struct span span_split(struct span *rest, uint8_t separator)
{
    size_t at = span_find(*rest, separator);
    struct span part = span_first(*rest, at);
    *rest = span_skip(*rest, at < rest->len ? at + 1 : at);
    return part;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = span_skip(s, 1);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool span_to_cstr(struct span s, char *out, size_t out_bytes)
{
    ASSERT(out_bytes > 0);
    out[0] = '\0';
    if (s.len >= out_bytes || span_find(s, '\0') < s.len)
        return false;
    if (s.len > 0)
        memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return true;
}
