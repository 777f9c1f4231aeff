/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_parse.c - bytes to heads.  What a line means is decided here; what a name or a value may
 * contain is decided in http/head_check.c, for HTTP/2 as well.
 */
#include "dataplane/h1/h1_parse.h"

#include "common/base/text.h"

/* A target of the longest kind with a method and a version around it. */
#define FIRST_LINE_BYTES_MAX (LIMIT_TARGET_BYTES + 64)
#define VERSION_BYTES 8 /* "HTTP/1.1" */

void h1_scan_init(struct h1_scan *scan, enum h1_kind kind)
{
    *scan = (struct h1_scan){.kind = kind};
}

/* Something that cannot begin a request (a TLS hello on a plain port) is refused before its end. */
static bool first_byte_valid(const struct h1_scan *scan, struct span bytes)
{
    if (scan->fields_at > 0 || bytes.len <= scan->start)
        return true;
    uint8_t first = bytes.ptr[scan->start];
    if (scan->kind == H1_RESPONSE)
        return first == 'H';
    return text_is_tchar(first) || (first == '\r' && scan->start == 0);
}

static size_t scan_end(const struct h1_scan *scan)
{
    if (scan->fields_at > 0)
        return scan->fields_at + LIMIT_HEAD_BYTES;
    return scan->start + FIRST_LINE_BYTES_MAX;
}

/* A first line without a version at its end is no reason to wait for more (HTTP/0.9). */
static bool has_version(struct span line)
{
    return line.len > VERSION_BYTES &&
           span_starts_with(span_skip(line, line.len - VERSION_BYTES), SPAN("HTTP/"));
}

/* The line [line_at, at) is whole.  ERR_MORE: look for the next one. */
static enum err take_line(struct h1_scan *scan, struct span bytes)
{
    size_t len = scan->at - scan->line_at;
    bool first = scan->fields_at == 0;

    if (len < 2 || bytes.ptr[scan->at - 2] != '\r')
        return ERR_REQUEST_SYNTAX;
    struct span line = span_first(span_skip(bytes, scan->line_at), len - 2);
    scan->line_at = scan->at;
    if (len > 2) {
        if (first && scan->kind == H1_REQUEST && !has_version(line))
            return ERR_REQUEST_SYNTAX;
        if (first)
            scan->fields_at = scan->at;
        return ERR_MORE;
    }
    if (!first) {
        scan->head_len = scan->at;
        return ERR_OK;
    }
    if (scan->kind == H1_RESPONSE || scan->start > 0)
        return ERR_REQUEST_SYNTAX;
    scan->start = scan->at;
    return ERR_MORE;
}

enum err h1_scan_feed(struct h1_scan *scan, struct span bytes)
{
    for (;;) {
        if (!first_byte_valid(scan, bytes))
            return ERR_REQUEST_SYNTAX;
        size_t end = scan_end(scan);
        if (end > bytes.len)
            end = bytes.len;
        const uint8_t *newline =
            end > scan->at ? memchr(bytes.ptr + scan->at, '\n', end - scan->at) : NULL;
        if (!newline) {
            scan->at = end;
            if (end < scan_end(scan))
                return ERR_MORE;
            return scan->fields_at > 0 ? ERR_REQUEST_HEAD_TOO_LARGE : ERR_REQUEST_TARGET_TOO_LONG;
        }
        scan->at = (size_t)(newline - bytes.ptr) + 1;
        enum err err = take_line(scan, bytes);
        if (err != ERR_MORE)
            return err;
    }
}

/* ---- lines */

/* A line without its CR LF; false when it is not ended by exactly that. */
static bool next_line(struct span *rest, struct span *line)
{
    size_t newline = span_find(*rest, '\n');
    if (newline == rest->len || newline == 0 || rest->ptr[newline - 1] != '\r')
        return false;
    *line = span_first(*rest, newline - 1);
    *rest = span_skip(*rest, newline + 1);
    return true;
}

/* Up to the empty line, or to the end.  text is our own copy: names are lowered in place. */
static enum err parse_fields(uint8_t *text, struct span rest, struct fields *fields,
                             struct problem *problem)
{
    while (rest.len > 0) {
        struct span line;
        uint8_t *name = text + (rest.ptr - text);
        if (!next_line(&rest, &line))
            return problem_set(problem, ERR_REQUEST_SYNTAX, "head", "a line without CR LF");
        if (line.len == 0)
            break;
        size_t colon = span_find(line, ':');
        if (colon == line.len)
            return problem_set(problem, ERR_REQUEST_SYNTAX, "head", "a line without a colon");
        for (size_t i = 0; i < colon; i++)
            name[i] = text_lower(name[i]);
        struct span value = span_trim(span_skip(line, colon + 1));
        if (fields_add(fields, span_first(line, colon), value) != ERR_OK)
            return problem_set(problem, ERR_REQUEST_HEAD_TOO_LARGE, "head", "too large");
    }
    return ERR_OK;
}

static enum err parse_version(struct span text, enum http_version *out, struct problem *problem)
{
    if (text.len != VERSION_BYTES || !span_starts_with(text, SPAN("HTTP/")) ||
        !text_is_digit(text.ptr[5]) || text.ptr[6] != '.' || !text_is_digit(text.ptr[7]))
        return problem_set(problem, ERR_REQUEST_SYNTAX, "version", "not HTTP/1.1");
    if (text.ptr[5] != '1' || text.ptr[7] > '1')
        return problem_set(problem, ERR_REQUEST_VERSION, "version", "neither 1.0 nor 1.1");
    *out = text.ptr[7] == '1' ? HTTP_1_1 : HTTP_1_0;
    return ERR_OK;
}

/* RFC 9112 9.3 */
static bool persists(const struct head *head)
{
    if (fields_list_has(&head->fields, FIELD_CONNECTION, SPAN("close")))
        return false;
    return head->version == HTTP_1_1 ||
           fields_list_has(&head->fields, FIELD_CONNECTION, SPAN("keep-alive"));
}

/* ---- request */

/* "http://host:port/path?query": behind the scheme. */
static enum err split_absolute(struct span rest, struct head *head, struct problem *problem)
{
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    if (end == 0)
        return problem_set(problem, ERR_REQUEST_TARGET, "target", "has no authority");
    head->authority = span_first(rest, end);
    head->path = span_skip(rest, end);
    if (head->path.len == 0) {
        head->path = span_equal(head->method, SPAN("OPTIONS")) ? SPAN("*") : SPAN("/");
    } else if (head->path.ptr[0] == '?') {
        uint8_t *path = arena_alloc(head->fields.arena, head->path.len + 1);
        path[0] = '/';
        memcpy(path + 1, head->path.ptr, head->path.len);
        head->path = span_of(path, head->path.len + 1);
    }
    return ERR_OK;
}

/* Exactly one SP between method, target and version. */
static enum err parse_request_line(struct span line, struct head *head, struct problem *problem)
{
    size_t space = span_find(line, ' ');
    if (space == line.len)
        return problem_set(problem, ERR_REQUEST_SYNTAX, "request line", "has no target");
    head->method = span_first(line, space);
    line = span_skip(line, space + 1);
    space = span_find(line, ' ');
    if (space == line.len)
        return problem_set(problem, ERR_REQUEST_SYNTAX, "request line", "has no version");
    head->path = span_first(line, space);
    TRY(parse_version(span_skip(line, space + 1), &head->version, problem));
    if (head->path.len > LIMIT_TARGET_BYTES)
        return problem_set(problem, ERR_REQUEST_TARGET_TOO_LONG, "target", "too long");

    for (size_t i = 0; i < 2; i++) {
        struct span scheme = i == 0 ? SPAN("http://") : SPAN("https://");
        if (head->path.len >= scheme.len &&
            span_equal_nocase(span_first(head->path, scheme.len), scheme))
            return split_absolute(span_skip(head->path, scheme.len), head, problem);
    }
    return ERR_OK;
}

static uint8_t *copy_raw(struct arena *arena, struct span raw)
{
    ASSERT(raw.len > 0);
    return memcpy(arena_alloc(arena, raw.len), raw.ptr, raw.len);
}

enum err h1_parse_request(struct span raw, struct head *head, struct h1_message *out,
                          struct problem *problem)
{
    uint8_t *text = copy_raw(head->fields.arena, raw);
    struct span rest = span_of(text, raw.len), line;

    if (!next_line(&rest, &line))
        return problem_set(problem, ERR_REQUEST_SYNTAX, "request line", "not ended by CR LF");
    TRY(parse_request_line(line, head, problem));
    TRY(parse_fields(text, rest, &head->fields, problem));

    bool sized = fields_find(&head->fields, FIELD_CONTENT_LENGTH) != NULL;
    *out = (struct h1_message){
        .chunked = fields_find(&head->fields, FIELD_TRANSFER_ENCODING) != NULL,
        .keep_alive = persists(head),
    };
    TRY(head_check_request(head, problem));
    head->bodyless = !sized && !out->chunked && !head->tunnelled;
    return ERR_OK;
}

/* ---- response */

/* The reason may be missing with its space: some servers write none. */
static enum err parse_status_line(struct span line, struct head *head, struct problem *problem)
{
    uint64_t status;

    if (line.len < VERSION_BYTES + 4 || line.ptr[VERSION_BYTES] != ' ' ||
        (line.len > VERSION_BYTES + 4 && line.ptr[VERSION_BYTES + 4] != ' '))
        return problem_set(problem, ERR_ORIGIN_ANSWER, "status line", "broken");
    if (parse_version(span_first(line, VERSION_BYTES), &head->version, problem) != ERR_OK)
        return ERR_ORIGIN_ANSWER;
    struct span digits = span_first(span_skip(line, VERSION_BYTES + 1), 3);
    struct span reason = span_trim(span_skip(line, VERSION_BYTES + 4));
    if (text_parse_u64(digits, 999, &status) != ERR_OK || !field_value_valid(reason))
        return problem_set(problem, ERR_ORIGIN_ANSWER, "status line", "broken");
    head->status = (int)status;
    return ERR_OK;
}

enum err h1_parse_response(struct span raw, struct span request_method, struct head *head,
                           struct h1_message *out, struct problem *problem)
{
    uint8_t *text = copy_raw(head->fields.arena, raw);
    struct span rest = span_of(text, raw.len), line;

    if (!next_line(&rest, &line))
        return problem_set(problem, ERR_ORIGIN_ANSWER, "status line", "not ended by CR LF");
    TRY(parse_status_line(line, head, problem));
    if (parse_fields(text, rest, &head->fields, problem) != ERR_OK)
        return ERR_ORIGIN_ANSWER;

    bool chunked = fields_find(&head->fields, FIELD_TRANSFER_ENCODING) != NULL;
    bool keep_alive = persists(head);
    TRY(head_check_response(head, request_method, problem));
    *out = (struct h1_message){
        .chunked = chunked && !head->bodyless,
        .keep_alive = keep_alive,
        .until_close = !head->bodyless && !chunked && head->content_length == HEAD_LENGTH_UNKNOWN,
    };
    return ERR_OK;
}

enum err h1_parse_trailers(struct span raw, struct fields *fields, struct problem *problem)
{
    if (raw.len == 0)
        return ERR_OK;
    uint8_t *text = copy_raw(fields->arena, raw);
    TRY(parse_fields(text, span_of(text, raw.len), fields, problem));
    return head_check_trailers(fields, problem);
}
