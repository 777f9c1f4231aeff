/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_protocol.c - both versions of the header.
 */
#include "dataplane/net/proxy_protocol.h"

#include "common/base/text.h"

#define V1_BYTES_MAX 107
#define V1_START SPAN("PROXY ")
#define V2_START SPAN("\r\n\r\n\0\r\nQUIT\n")
#define V2_FIXED_BYTES 16
#define V2_VERSION 2

enum v2_command { V2_LOCAL, V2_PROXY };
enum v2_family { V2_TCP4 = 0x11, V2_TCP6 = 0x21 };

/* How the bytes compare with a start: as long as it, or as far as they go. */
static enum err begins_with(struct span bytes, struct span start)
{
    size_t len = bytes.len < start.len ? bytes.len : start.len;
    if (!span_equal(span_first(bytes, len), span_first(start, len)))
        return ERR_NOT_FOUND;
    return len < start.len ? ERR_MORE : ERR_OK;
}

/* ---- version 1 */

static bool port_valid(struct span text)
{
    uint64_t port;
    return text_parse_u64(text, UINT16_MAX, &port) == ERR_OK;
}

/* "TCP4 203.0.113.7 192.0.2.1 51000 443" */
static enum err parse_words(struct span line, struct proxy_header *out)
{
    struct address own;
    struct span family = span_split(&line, ' ');
    if (span_equal(family, SPAN("UNKNOWN")))
        return ERR_OK; /* whatever follows is to be ignored */
    struct span visitor = span_split(&line, ' '), ours = span_split(&line, ' ');
    struct span visitor_port = span_split(&line, ' ');
    bool v4 = span_equal(family, SPAN("TCP4"));
    if (!v4 && !span_equal(family, SPAN("TCP6")))
        return ERR_PROTOCOL;
    if (address_parse(visitor, &out->visitor) != ERR_OK || address_parse(ours, &own) != ERR_OK ||
        !port_valid(visitor_port) || !port_valid(line))
        return ERR_PROTOCOL;
    /* An IPv6 text may be that of an IPv4 address; an IPv4 text is never that of IPv6. */
    if (v4 != (span_find(visitor, ':') == visitor.len) || v4 != (span_find(ours, ':') == ours.len))
        return ERR_PROTOCOL;
    out->visitor_told = true;
    return ERR_OK;
}

static enum err parse_v1(struct span bytes, struct proxy_header *out)
{
    struct span seen = span_first(bytes, bytes.len < V1_BYTES_MAX ? bytes.len : V1_BYTES_MAX);
    size_t end = span_find(seen, '\n');
    if (end == seen.len)
        return seen.len < V1_BYTES_MAX ? ERR_MORE : ERR_PROTOCOL;
    if (seen.ptr[end - 1] != '\r')
        return ERR_PROTOCOL;
    out->len = end + 1;
    struct span line = span_first(seen, end - 1);
    return parse_words(span_skip(line, V1_START.len), out);
}

/* ---- version 2 */

static enum err parse_addresses(uint8_t family, struct span rest, struct proxy_header *out)
{
    static const struct address v4_prefix = {.bytes = {[10] = 0xff, [11] = 0xff}};
    size_t needed = family == V2_TCP4 ? 2 * 4 + 2 * 2 : family == V2_TCP6 ? 2 * 16 + 2 * 2 : 0;
    if (rest.len < needed)
        return ERR_PROTOCOL;
    out->visitor = v4_prefix;
    if (family == V2_TCP4)
        memcpy(out->visitor.bytes + 12, rest.ptr, 4);
    else if (family == V2_TCP6)
        memcpy(out->visitor.bytes, rest.ptr, 16);
    out->visitor_told = needed > 0;
    return ERR_OK;
}

static enum err parse_v2(struct span bytes, struct proxy_header *out)
{
    if (bytes.len < V2_FIXED_BYTES)
        return ERR_MORE;
    uint8_t version = bytes.ptr[12] >> 4, command = bytes.ptr[12] & 15;
    size_t rest_len = (size_t)bytes.ptr[14] << 8 | bytes.ptr[15];
    out->len = V2_FIXED_BYTES + rest_len;
    if (version != V2_VERSION || command > V2_PROXY || out->len > LIMIT_PROXY_HEADER_BYTES)
        return ERR_PROTOCOL;
    if (bytes.len < out->len)
        return ERR_MORE;
    if (command == V2_LOCAL)
        return ERR_OK;
    struct span rest = span_skip(span_first(bytes, out->len), V2_FIXED_BYTES);
    return parse_addresses(bytes.ptr[13], rest, out);
}

enum err proxy_protocol_parse(struct span bytes, struct proxy_header *out)
{
    *out = (struct proxy_header){0};
    enum err v1 = begins_with(bytes, V1_START), v2 = begins_with(bytes, V2_START);
    if (v1 == ERR_OK)
        return parse_v1(bytes, out);
    if (v2 == ERR_OK)
        return parse_v2(bytes, out);
    return v1 == ERR_MORE || v2 == ERR_MORE ? ERR_MORE : ERR_NOT_FOUND;
}
