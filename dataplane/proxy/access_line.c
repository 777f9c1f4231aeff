/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_line.c - formatting without printf: this runs once for each request.
 */
#include "dataplane/proxy/access_line.h"

#include "common/base/text.h"

/* More than all names, numbers, times and ids of a line. */
#define FIXED_BYTES 1024
/* The longest form of one byte in JSON: \u0000. */
#define ESCAPED_BYTES 6

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

#define PUT(at, literal) put_bytes((at), (literal), sizeof(literal) - 1)

static uint8_t *put_span(uint8_t *at, struct span bytes)
{
    return put_bytes(at, bytes.ptr, bytes.len);
}

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    return at + text_format_u64(value, (char *)at);
}

static uint8_t *put_escape(uint8_t *at, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        *at++ = '\\';
        *at++ = byte;
        return at;
    }
    if (byte >= 0x80)
        return PUT(at, "\\ufffd");
    at = PUT(at, "\\u00");
    *at++ = (uint8_t)digits[byte >> 4];
    *at++ = (uint8_t)digits[byte & 15];
    return at;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Nonzero where a byte of the word is zero (with false alarms above one that is). */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

/* True when eight bytes stand in JSON as they are. */
static bool word_plain(uint64_t word)
{
    uint64_t below = (word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80);
    uint64_t special = zero_bytes(word ^ EACH_BYTE('"')) | zero_bytes(word ^ EACH_BYTE('\\')) |
                       zero_bytes(word ^ EACH_BYTE(0x7f));
    return (below | special | (word & EACH_BYTE(0x80))) == 0;
}

static uint8_t *put_text(uint8_t *at, struct span text)
{
    size_t i = 0;
    text = span_first(text, text.len < LIMIT_LOGGED_BYTES ? text.len : LIMIT_LOGGED_BYTES);
    for (; text.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text.ptr + i, sizeof(word));
        if (!word_plain(word))
            break;
        memcpy(at, &word, sizeof(word));
        at += sizeof(word);
    }
    for (; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\')
            *at++ = byte;
        else
            at = put_escape(at, byte);
    }
    return at;
}

static struct span version_text(enum http_version version)
{
    switch (version) {
    case HTTP_1_0:
        return SPAN("\"http/1.0\"");
    case HTTP_1_1:
        return SPAN("\"http/1.1\"");
    case HTTP_2:
        return SPAN("\"h2\"");
    }
    UNREACHABLE();
}

/* Seconds change rarely, so their text is kept: only the microseconds are written anew. */
static uint8_t *put_time(uint8_t *at, uint64_t unix_us, struct access_clock *clock)
{
    uint64_t second = unix_us / 1000000;
    uint32_t micros = (uint32_t)(unix_us - second * 1000000);
    if (clock->text[0] == '\0' || clock->second != second) {
        clock->second = second;
        text_format_time(unix_us, clock->text);
    }
    for (size_t i = 0; i < 6; i++, micros /= 10)
        clock->text[TEXT_TIME_BYTES - 3 - i] = (char)('0' + micros % 10);
    return put_bytes(at, clock->text, TEXT_TIME_BYTES - 1);
}

static uint8_t *put_request(uint8_t *at, const struct access_line *line)
{
    at = PUT(at, "{\"ts\":\"");
    at = put_time(at, line->ended_at_us, line->clock);
    at = PUT(at, "\",\"ray\":\"");
    at = put_text(at, line->ray);
    at = PUT(at, "\",\"zone\":");
    if (line->zone_id.len > 0) {
        *at++ = '"';
        at = put_span(at, line->zone_id);
        *at++ = '"';
    } else {
        at = PUT(at, "null");
    }
    at = PUT(at, ",\"client\":\"");
    at = put_text(at, line->client);
    at = PUT(at, "\",\"host\":\"");
    at = put_text(at, line->host);
    at = PUT(at, "\",\"method\":\"");
    at = put_text(at, line->method);
    at = PUT(at, "\",\"path\":\"");
    at = put_text(at, line->path);
    at = PUT(at, "\",\"status\":");
    at = put_u64(at, (uint64_t)line->status);
    at = PUT(at, ",\"client_protocol\":");
    return put_span(at, version_text(line->client_version));
}

static uint8_t *put_origin(uint8_t *at, const struct access_line *line)
{
    if (!line->connected)
        return PUT(at, ",\"origin_protocol\":null,\"origin_address\":null,\"origin_connection_id\":"
                       "null,\"origin_connection_reused\":null");
    at = PUT(at, ",\"origin_protocol\":");
    at = put_span(at, version_text(line->origin_version));
    at = PUT(at, ",\"origin_address\":\"");
    at = put_span(at, span_str(line->origin_address));
    at = PUT(at, "\",\"origin_connection_id\":");
    at = put_u64(at, line->origin_connection_id);
    at = PUT(at, ",\"origin_connection_reused\":");
    return line->origin_connection_reused ? PUT(at, "true") : PUT(at, "false");
}

static uint8_t *put_known(uint8_t *at, uint64_t value)
{
    return value == 0 ? PUT(at, "null") : put_u64(at, value);
}

static uint8_t *put_outcome(uint8_t *at, const struct access_line *line)
{
    at = PUT(at, ",\"origin_status\":");
    at = put_known(at, (uint64_t)line->origin_status);
    at = PUT(at, ",\"attempts\":");
    at = put_u64(at, line->attempt_count);
    at = PUT(at, ",\"request_bytes\":");
    at = put_u64(at, line->request_bytes);
    at = PUT(at, ",\"response_bytes\":");
    at = put_u64(at, line->response_bytes);
    at = PUT(at, ",\"took_us\":");
    at = put_u64(at, line->took_us);
    at = PUT(at, ",\"origin_head_us\":");
    at = put_known(at, line->origin_head_us);
    at = PUT(at, ",\"err\":");
    if (line->err != ERR_OK) {
        *at++ = '"';
        at = put_span(at, span_str(err_slug(line->err)));
        *at++ = '"';
    } else {
        at = PUT(at, "null");
    }
    if (line->reason.len > 0) {
        at = PUT(at, ",\"reason\":\"");
        at = put_text(at, line->reason);
        *at++ = '"';
    }
    at = PUT(at, ",\"worker\":");
    at = put_u64(at, line->worker);
    return PUT(at, "}\n");
}

void access_line_write(const struct access_line *line, struct buf *out)
{
    size_t text_bytes = line->ray.len + line->client.len + line->host.len + line->method.len +
                        line->path.len + line->reason.len;
    uint8_t *from = buf_reserve(out, FIXED_BYTES + text_bytes * ESCAPED_BYTES);
    if (!from)
        return;
    uint8_t *at = put_outcome(put_origin(put_request(from, line), line), line);
    buf_added(out, (size_t)(at - from));
}
