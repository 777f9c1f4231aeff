/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_query.c - the query of a request, read by name.
 */
#include "control/api/api_query.h"

#include "common/base/text.h"

static int hex_digit(uint8_t c)
{
    if (text_is_digit(c))
        return c - '0';
    c = text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False when an escape is broken or hides a NUL. */
static bool decode(struct arena *arena, struct span text, struct span *out)
{
    uint8_t *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i] == '+' ? ' ' : text.ptr[i];
        if (c == '%') {
            bool whole = text.len - i > 2;
            int high = whole ? hex_digit(text.ptr[i + 1]) : -1;
            int low = whole ? hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        bytes[len++] = c;
    }
    *out = span_of(bytes, len);
    return true;
}

/* The next pair whose name is `name`. */
static bool next_value(struct api_request *request, struct span *rest, const char *name,
                       struct span *out)
{
    while (rest->len > 0) {
        struct span value = span_split(rest, '&');
        struct span key = span_split(&value, '=');
        struct span decoded;
        if (decode(&request->arena, key, &decoded) && span_equal(decoded, span_str(name)) &&
            decode(&request->arena, value, out))
            return true;
    }
    return false;
}

bool api_query_get(struct api_request *request, const char *name, struct span *out)
{
    struct span rest = request->query;
    *out = SPAN_EMPTY;
    return next_value(request, &rest, name, out);
}

size_t api_query_list(struct api_request *request, const char *name, struct span *out,
                      size_t out_max)
{
    struct span rest = request->query, value;
    size_t count = 0;
    while (next_value(request, &rest, name, &value))
        while (value.len > 0 && count < out_max) {
            struct span item = span_trim(span_split(&value, ','));
            if (item.len > 0)
                out[count++] = item;
        }
    return count;
}

enum err api_query_u64(struct api_request *request, struct api_reply *reply, const char *name,
                       const struct api_query_range *range, uint64_t *out)
{
    struct span text;
    *out = range->fallback;
    if (!api_query_get(request, name, &text))
        return ERR_OK;
    if (text_parse_u64(text, range->max, out) == ERR_OK && *out >= range->min)
        return ERR_OK;
    return api_fail(reply, API_ERROR_FIELD, name, "must be a whole number between %llu and %llu",
                    (unsigned long long)range->min, (unsigned long long)range->max);
}
