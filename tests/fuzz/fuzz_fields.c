/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_fields.c - heads as HTTP/2 brings them, name by name: what head_check lets through has
 * nothing in it that another reader could take for framing or routing.
 *
 * The input is lines: method, path, authority, then name and value in turn, each ended by a byte
 * of 0xff.
 */
#include "dataplane/http/head.h"

#include "dataplane/h1/h1_parse.h"
#include "dataplane/h1/h1_write.h"
#include "tests/fuzz/fuzz.h"

/* As slow and plain as can be: what the fast one is held against. */
static bool value_valid(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return span_equal(span_trim(value), value);
}

static void check_accepted(const struct head *head)
{
    for (uint32_t i = 0; i < head->fields.count; i++) {
        const struct field *field = &head->fields.items[i];
        ASSERT(field_name_valid(field->name) && value_valid(field->value));
        ASSERT(field->id == field_id_of(field->name));
        ASSERT(field->id == FIELD_OTHER || span_equal(field->name, field_text(field->id)));
        ASSERT(field->id == FIELD_OTHER || (field_flags(field->id) & FIELD_HOP) == 0);
        ASSERT(field->id != FIELD_HOST && field->id != FIELD_CONTENT_LENGTH);
        ASSERT(field->id != FIELD_TE || span_equal(field->value, SPAN("trailers")));
    }
    ASSERT(head->path.len > 0 && (head->path.ptr[0] == '/' || head->path.len == 1));
    ASSERT(authority_host(head->authority).len > 0);
}

/* host, connection and framing are added by this hop: a head that was as large as it may be is then
 * too large for us to read again. */
static bool meets_limit(const struct head *head, struct span text)
{
    return head->fields.count - head->fields.crumbs + 3 > LIMIT_FIELDS ||
           head->fields.bytes + head->authority.len + 4 * 64 > LIMIT_HEAD_BYTES ||
           text.len > LIMIT_HEAD_BYTES;
}

/* What an HTTP/1.1 origin is sent for it is one request, and the same one. */
static void check_downgraded(struct head *head, struct arena *arena)
{
    struct h1_scan scan;
    struct h1_message message;
    struct head again;
    struct h1_body body = {head->content_length == HEAD_LENGTH_UNKNOWN ? H1_CHUNKED : H1_LENGTH,
                           head->content_length};
    struct span text = h1_write_request(head, body, arena);

    h1_scan_init(&scan, H1_REQUEST);
    enum err err = h1_scan_feed(&scan, text);
    if (err == ERR_REQUEST_HEAD_TOO_LARGE || err == ERR_REQUEST_TARGET_TOO_LONG)
        return;
    ASSERT(err == ERR_OK && scan.head_len == text.len);
    head_init(&again, arena);
    again.scheme = SPAN("http");
    err = h1_parse_request(text, &again, &message, NULL);
    if (err == ERR_REQUEST_HEAD_TOO_LARGE && meets_limit(head, text))
        return;
    ASSERT(err == ERR_OK);
    ASSERT(span_equal(again.method, head->method) && span_equal(again.path, head->path));
    ASSERT(span_equal(again.authority, head->authority));
    ASSERT(again.content_length == head->content_length);
    ASSERT(message.chunked == (body.framing == H1_CHUNKED));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span rest = span_of(bytes, len);
    struct arena arena;
    struct head head;
    bool added = true;

    arena_init(&arena, NULL);
    head_init(&head, &arena);
    head.version = HTTP_2;
    head.scheme = SPAN("https");
    head.method = span_split(&rest, 0xff);
    head.path = span_split(&rest, 0xff);
    head.authority = span_split(&rest, 0xff);
    while (rest.len > 0 && added) {
        struct span name = span_split(&rest, 0xff);
        struct span value = span_split(&rest, 0xff);
        ASSERT(field_value_valid(value) == value_valid(value));
        added = fields_add(&head.fields, name, value) == ERR_OK;
    }
    if (head_check_request(&head, NULL) == ERR_OK) {
        check_accepted(&head);
        check_downgraded(&head, &arena);
    }
    arena_release(&arena);
    return 0;
}
