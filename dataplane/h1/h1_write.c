/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_write.c - heads to bytes: first how many, then all of them into one piece of the arena.
 */
#include "dataplane/h1/h1_write.h"

#include "common/base/text.h"

/* Beside the fields: version, status, reason, separators, framing and connection lines. */
#define EXTRA_BYTES 256
#define LINE_EXTRA_BYTES 4 /* ": " and CR LF */
#define TUNNEL_LINES SPAN("connection: upgrade\r\nupgrade: websocket\r\n")

struct pen {
    uint8_t *begin, *at, *end;
};

static struct pen pen_new(struct arena *arena, size_t bytes_max)
{
    uint8_t *begin = arena_alloc(arena, bytes_max);
    return (struct pen){.begin = begin, .at = begin, .end = begin + bytes_max};
}

static void put(struct pen *pen, struct span bytes)
{
    ASSERT((size_t)(pen->end - pen->at) >= bytes.len);
    if (bytes.len > 0)
        memcpy(pen->at, bytes.ptr, bytes.len);
    pen->at += bytes.len;
}

static void put_u64(struct pen *pen, uint64_t value)
{
    char digits[TEXT_U64_BYTES_MAX];
    put(pen, span_of(digits, text_format_u64(value, digits)));
}

static void put_line(struct pen *pen, struct span name, struct span value)
{
    put(pen, name);
    put(pen, SPAN(": "));
    put(pen, value);
    put(pen, SPAN("\r\n"));
}

static struct span pen_done(const struct pen *pen)
{
    return span_of(pen->begin, (size_t)(pen->at - pen->begin));
}

static size_t fields_bytes_max(const struct fields *fields)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < fields->count; i++)
        bytes += fields->items[i].name.len + fields->items[i].value.len + LINE_EXTRA_BYTES;
    return bytes;
}

/* All cookie fields as one line, where the first of them stood. */
static void put_cookies(struct pen *pen, const struct fields *fields, uint32_t first)
{
    put(pen, SPAN("cookie: "));
    put(pen, fields->items[first].value);
    for (uint32_t i = first + 1; i < fields->count; i++) {
        if (fields->items[i].id != FIELD_COOKIE)
            continue;
        put(pen, SPAN("; "));
        put(pen, fields->items[i].value);
    }
    put(pen, SPAN("\r\n"));
}

static void put_fields(struct pen *pen, const struct fields *fields)
{
    bool cookies_put = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        if (field->id != FIELD_COOKIE) {
            put_line(pen, field->name, field->value);
        } else if (!cookies_put) {
            put_cookies(pen, fields, i);
            cookies_put = true;
        }
    }
}

static void put_framing(struct pen *pen, struct h1_body body)
{
    if (body.framing == H1_CHUNKED) {
        put(pen, SPAN("transfer-encoding: chunked\r\n"));
    } else if (body.framing != H1_UNTIL_CLOSE && body.length_bytes >= 0) {
        put(pen, SPAN("content-length: "));
        put_u64(pen, (uint64_t)body.length_bytes);
        put(pen, SPAN("\r\n"));
    }
}

struct span h1_write_request(const struct head *head, struct h1_body body, struct arena *arena)
{
    size_t start_bytes = head->method.len + head->path.len + head->authority.len;
    struct pen pen = pen_new(arena, start_bytes + fields_bytes_max(&head->fields) + EXTRA_BYTES);

    put(&pen, head->method);
    put(&pen, SPAN(" "));
    put(&pen, head->path);
    put(&pen, SPAN(" HTTP/1.1\r\n"));
    put_line(&pen, SPAN("host"), head->authority);
    put_fields(&pen, &head->fields);
    /* RFC 9110 10.1.4: TE is for the next hop only, and must say so. */
    if (fields_find(&head->fields, FIELD_TE))
        put(&pen, SPAN("connection: te\r\n"));
    if (head->tunnelled) {
        put(&pen, TUNNEL_LINES);
        if (head->websocket_key.len > 0)
            put_line(&pen, field_text(FIELD_SEC_WEBSOCKET_KEY), head->websocket_key);
    }
    put_framing(&pen, body);
    put(&pen, SPAN("\r\n"));
    return pen_done(&pen);
}

struct span h1_write_response(const struct head *head, struct h1_body body,
                              enum h1_persistence persistence, struct arena *arena)
{
    struct pen pen = pen_new(arena, fields_bytes_max(&head->fields) + EXTRA_BYTES);

    put(&pen, SPAN("HTTP/1.1 "));
    put_u64(&pen, (uint64_t)head->status);
    put(&pen, SPAN(" "));
    put(&pen, span_str(h1_reason(head->status)));
    put(&pen, SPAN("\r\n"));
    put_fields(&pen, &head->fields);
    put_framing(&pen, body);
    if (head->websocket_key.len > 0)
        put_line(&pen, field_text(FIELD_SEC_WEBSOCKET_ACCEPT), head->websocket_key);
    if (head->tunnelled)
        put(&pen, TUNNEL_LINES);
    else if (persistence == H1_PERSIST_CLOSE)
        put(&pen, SPAN("connection: close\r\n"));
    else if (persistence == H1_PERSIST_KEEP_ALIVE)
        put(&pen, SPAN("connection: keep-alive\r\n"));
    put(&pen, SPAN("\r\n"));
    return pen_done(&pen);
}

size_t h1_write_chunk_line(size_t len, char out[H1_CHUNK_LINE_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    size_t digit_count = 1;
    while (digit_count < sizeof(len) * 2 && len >> (4 * digit_count) != 0)
        digit_count++;
    for (size_t i = 0; i < digit_count; i++)
        out[i] = digits[len >> (4 * (digit_count - 1 - i)) & 15];
    out[digit_count] = '\r';
    out[digit_count + 1] = '\n';
    return digit_count + 2;
}

struct span h1_write_last_chunk(const struct fields *trailers, struct arena *arena)
{
    if (!trailers || trailers->count == 0)
        return SPAN("0\r\n\r\n");
    struct pen pen = pen_new(arena, fields_bytes_max(trailers) + EXTRA_BYTES);
    put(&pen, SPAN("0\r\n"));
    for (uint32_t i = 0; i < trailers->count; i++)
        put_line(&pen, trailers->items[i].name, trailers->items[i].value);
    put(&pen, SPAN("\r\n"));
    return pen_done(&pen);
}

struct reason {
    int status;
    const char *phrase;
};

/* RFC 9110 15 and the IANA registry. */
static const struct reason reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
};

const char *h1_reason(int status)
{
    for (size_t i = 0; i < countof(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].phrase;
    }
    return "Unknown";
}
