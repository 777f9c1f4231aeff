/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_h1_parse.c - heads in pieces: where they are split changes nothing, and what is written
 * from an accepted head parses again to the same head.
 *
 * The first byte of the input says how large the pieces are, its lowest bit whether it is an
 * answer.
 */
#include "dataplane/h1/h1_parse.h"

#include "dataplane/h1/h1_write.h"
#include "tests/fuzz/fuzz.h"

struct result {
    struct arena arena;
    struct head head;
    struct h1_message message;
    enum err err;
    size_t head_len;
};

static void parse(struct result *r, enum h1_kind kind, struct span text, size_t step)
{
    struct h1_scan scan;
    size_t fed = 0;

    *r = (struct result){.err = ERR_MORE};
    arena_init(&r->arena, NULL);
    head_init(&r->head, &r->arena);
    r->head.scheme = SPAN("http");
    h1_scan_init(&scan, kind);
    while (r->err == ERR_MORE && fed < text.len) {
        fed = text.len - fed < step ? text.len : fed + step;
        r->err = h1_scan_feed(&scan, span_first(text, fed));
    }
    if (r->err != ERR_OK)
        return;
    r->head_len = scan.head_len;
    struct span raw = span_skip(span_first(text, scan.head_len), scan.start);
    if (kind == H1_REQUEST)
        r->err = h1_parse_request(raw, &r->head, &r->message, NULL);
    else
        r->err = h1_parse_response(raw, SPAN("GET"), &r->head, &r->message, NULL);
}

static bool joins_cookies(const struct fields *fields)
{
    return fields_count(fields, FIELD_COOKIE) > 1;
}

static void check_same(const struct head *a, const struct head *b)
{
    ASSERT(span_equal(a->method, b->method) && span_equal(a->path, b->path));
    ASSERT(span_equal(a->authority, b->authority));
    ASSERT(a->status == b->status && a->content_length == b->content_length);
    ASSERT(a->bodyless == b->bodyless);
    if (joins_cookies(&a->fields))
        return;
    ASSERT(a->fields.count == b->fields.count && a->fields.bytes == b->fields.bytes);
    for (uint32_t i = 0; i < a->fields.count; i++) {
        ASSERT(span_equal(a->fields.items[i].name, b->fields.items[i].name));
        ASSERT(span_equal(a->fields.items[i].value, b->fields.items[i].value));
        ASSERT(a->fields.items[i].id == b->fields.items[i].id);
    }
}

/* What a reader with other habits might take for framing or routing must not be left. */
static void check_clean(const struct result *r, enum h1_kind kind)
{
    static const enum field_id gone[] = {FIELD_CONNECTION, FIELD_TRANSFER_ENCODING, FIELD_UPGRADE,
                                         FIELD_KEEP_ALIVE, FIELD_CONTENT_LENGTH};
    for (size_t i = 0; i < countof(gone); i++)
        ASSERT(fields_find(&r->head.fields, gone[i]) == NULL);
    for (uint32_t i = 0; i < r->head.fields.count; i++) {
        ASSERT(field_name_valid(r->head.fields.items[i].name));
        ASSERT(field_value_valid(r->head.fields.items[i].value));
    }
    ASSERT(!r->message.chunked || r->head.content_length == HEAD_LENGTH_UNKNOWN);
    if (kind == H1_REQUEST) {
        ASSERT(fields_find(&r->head.fields, FIELD_HOST) == NULL);
        ASSERT(r->head.authority.len > 0 && r->head.path.len > 0);
    }
}

/* host, connection and framing are added by this hop: a head that was as large as it may be is then
 * too large for us to read again. */
static bool meets_limit(const struct head *head, struct span text)
{
    return head->fields.count - head->fields.crumbs + 3 > LIMIT_FIELDS ||
           head->fields.bytes + head->authority.len + 4 * 64 > LIMIT_HEAD_BYTES ||
           text.len > LIMIT_HEAD_BYTES;
}

static void check_written(struct result *r, enum h1_kind kind)
{
    struct result again;
    struct h1_body body = {H1_BARE, r->head.content_length};
    if (r->message.chunked)
        body.framing = H1_CHUNKED;
    else if (r->message.until_close)
        body.framing = H1_UNTIL_CLOSE;
    else if (r->head.content_length != HEAD_LENGTH_UNKNOWN)
        body.framing = H1_LENGTH;

    struct span text = kind == H1_REQUEST
                           ? h1_write_request(&r->head, body, &r->arena)
                           : h1_write_response(&r->head, body, H1_PERSIST_UNSAID, &r->arena);
    parse(&again, kind, text, SIZE_MAX);
    if (again.err != ERR_OK && meets_limit(&r->head, text)) {
        arena_release(&again.arena);
        return;
    }
    ASSERT(again.err == ERR_OK && again.head_len == text.len);
    ASSERT(again.message.chunked == r->message.chunked);
    ASSERT(again.message.until_close == r->message.until_close);
    check_same(&r->head, &again.head);
    arena_release(&again.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct result whole, pieces;
    if (len == 0)
        return 0;
    enum h1_kind kind = bytes[0] & 1 ? H1_RESPONSE : H1_REQUEST;
    size_t step = (size_t)(bytes[0] >> 1) + 1;
    struct span text = span_skip(span_of(bytes, len), 1);

    parse(&whole, kind, text, SIZE_MAX);
    parse(&pieces, kind, text, step);
    ASSERT(whole.err == pieces.err && whole.head_len == pieces.head_len);
    if (whole.err == ERR_OK) {
        check_same(&whole.head, &pieces.head);
        check_clean(&whole, kind);
        check_written(&whole, kind);
    }
    arena_release(&whole.arena);
    arena_release(&pieces.arena);
    return 0;
}
