/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_fields.c - header blocks: nghttp2's names and values to heads, and heads to nghttp2_nv.
 */
#include "dataplane/h2/h2_fields.h"

#include "common/base/text.h"

#define COPY NGHTTP2_NV_FLAG_NONE
#define BORROW (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)
#define PSEUDO_FIELDS_MAX 6 /* with content-length */
#define STATUS_DIGITS 3

/* ---- in */

static struct span hold(struct arena *arena, nghttp2_rcbuf *text)
{
    nghttp2_vec bytes = nghttp2_rcbuf_get_buf(text);
    struct span s = span_of(bytes.base, bytes.len);
    return nghttp2_rcbuf_is_static(text) ? s : arena_copy(arena, s);
}

/* nghttp2 has checked that it is three digits. */
static int status_of(struct span text)
{
    uint64_t status;
    return text_parse_u64(text, 999, &status) == ERR_OK ? (int)status : 0;
}

/* nghttp2 has checked which pseudo-header fields may be there, their order, and each at most once.
 */
static void take_pseudo(struct head *head, struct span name, struct span value)
{
    if (span_equal(name, SPAN(":method")))
        head->method = value;
    else if (span_equal(name, SPAN(":scheme")))
        head->scheme = value;
    else if (span_equal(name, SPAN(":path")))
        head->path = value;
    else if (span_equal(name, SPAN(":authority")))
        head->authority = value;
    else if (span_equal(name, SPAN(":status")))
        head->status = status_of(value);
    else if (span_equal(name, SPAN(":protocol")))
        head->protocol = value;
}

enum err h2_fields_take(struct head *head, struct fields *fields, nghttp2_rcbuf *name,
                        nghttp2_rcbuf *value)
{
    nghttp2_vec name_bytes = nghttp2_rcbuf_get_buf(name);
    struct span held = hold(fields->arena, value);

    if (head && name_bytes.len > 0 && name_bytes.base[0] == ':') {
        take_pseudo(head, span_of(name_bytes.base, name_bytes.len), held);
        return ERR_OK;
    }
    return fields_add(fields, hold(fields->arena, name), held);
}

void h2_fields_join_cookies(struct fields *fields)
{
    if (fields->crumbs == 0)
        return;
    size_t joined_bytes = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].id == FIELD_COOKIE)
            joined_bytes += fields->items[i].value.len + 2;
    }
    uint8_t *joined = arena_alloc(fields->arena, joined_bytes);
    size_t at = 0;
    uint32_t kept = 0;
    struct field *cookie = NULL;

    for (uint32_t i = 0; i < fields->count; i++) {
        struct field field = fields->items[i];
        if (field.id != FIELD_COOKIE) {
            fields->items[kept++] = field;
            continue;
        }
        if (!cookie) {
            cookie = &fields->items[kept++];
            *cookie = field;
        }
        if (field.value.len == 0)
            continue;
        if (at > 0) {
            joined[at++] = ';';
            joined[at++] = ' ';
        }
        memcpy(joined + at, field.value.ptr, field.value.len);
        at += field.value.len;
    }
    ASSERT(cookie != NULL); /* crumbs counts what follows a first one */
    cookie->value = span_of(joined, at);
    fields->count = kept;
    fields->crumbs = 0;
}

/* ---- out */

/* nghttp2_nv is not const, though nghttp2 only reads it. */
static uint8_t *unconst(const uint8_t *ptr)
{
    return (uint8_t *)(uintptr_t)ptr;
}

static void block_init(struct h2_block *block, size_t count_max, struct arena *arena)
{
    block->items = block->storage;
    if (count_max > countof(block->storage))
        block->items = arena_alloc(arena, count_max * sizeof(*block->items));
    block->count = 0;
}

static void block_add(struct h2_block *block, struct span name, struct span value, uint8_t flags)
{
    block->items[block->count++] = (nghttp2_nv){
        .name = unconst(name.ptr),
        .value = unconst(value.ptr),
        .namelen = name.len,
        .valuelen = value.len,
        .flags = flags,
    };
}

/* Values that differ with every request or visitor would only push useful entries out of the HPACK
 * table (and pay for it); secrets stay out of a table that many visitors share (RFC 7541 7.1.3). */
static uint8_t index_flag(enum field_id id)
{
    switch ((int)id) {
    case FIELD_CF_RAY:
    case FIELD_CF_CONNECTING_IP:
    case FIELD_X_FORWARDED_FOR:
    case FIELD_COOKIE:
    case FIELD_SET_COOKIE:
    case FIELD_AUTHORIZATION:
    case FIELD_PROXY_AUTHORIZATION:
        return NGHTTP2_NV_FLAG_NO_INDEX;
    default:
        return NGHTTP2_NV_FLAG_NONE;
    }
}

static void block_add_fields(struct h2_block *block, const struct fields *fields, uint8_t flags)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        if (field->id == FIELD_OTHER) {
            block_add(block, field->name, field->value, flags);
            continue;
        }
        /* RFC 9113 8.2.2; the checks of http/ have removed them already.  RFC 8441 5.1. */
        if (field_flags(field->id) & FIELD_HOP || field->id == FIELD_SEC_WEBSOCKET_ACCEPT ||
            field->id == FIELD_SEC_WEBSOCKET_KEY)
            continue;
        block_add(block, field_text(field->id), field->value,
                  flags | NGHTTP2_NV_FLAG_NO_COPY_NAME | index_flag(field->id));
    }
}

static void block_add_length(struct h2_block *block, int64_t length, struct arena *arena)
{
    if (length == HEAD_LENGTH_UNKNOWN)
        return;
    char *digits = arena_alloc(arena, TEXT_U64_BYTES_MAX);
    size_t len = text_format_u64((uint64_t)length, digits);
    block_add(block, field_text(FIELD_CONTENT_LENGTH), span_of(digits, len), BORROW);
}

void h2_fields_request(struct h2_block *block, const struct head *head, struct arena *arena)
{
    block_init(block, head->fields.count + PSEUDO_FIELDS_MAX, arena);
    block_add(block, SPAN(":method"), head->tunnelled ? SPAN("CONNECT") : head->method, BORROW);
    if (head->tunnelled) /* RFC 8441 4 */
        block_add(block, SPAN(":protocol"), SPAN("websocket"), BORROW);
    block_add(block, SPAN(":scheme"), head->scheme, BORROW);
    block_add(block, SPAN(":authority"), head->authority, BORROW);
    block_add(block, SPAN(":path"), head->path, BORROW);
    block_add_fields(block, &head->fields, BORROW);
    block_add_length(block, head->content_length, arena);
}

void h2_fields_response(struct h2_block *block, const struct head *head, struct arena *arena)
{
    char *status = arena_alloc(arena, TEXT_U64_BYTES_MAX);
    /* RFC 8441 5: there is no 101 in HTTP/2. */
    size_t len = text_format_u64(head->tunnelled ? 200 : (uint64_t)head->status, status);
    ASSERT(len == STATUS_DIGITS);

    block_init(block, head->fields.count + PSEUDO_FIELDS_MAX, arena);
    block_add(block, SPAN(":status"), span_of(status, len), NGHTTP2_NV_FLAG_NO_COPY_NAME);
    block_add_fields(block, &head->fields, COPY);
    if (head->content_length != HEAD_LENGTH_UNKNOWN) {
        block_add_length(block, head->content_length, arena);
        block->items[block->count - 1].flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
    }
}

void h2_fields_trailers(struct h2_block *block, const struct fields *trailers, struct arena *arena)
{
    block_init(block, trailers->count, arena);
    block_add_fields(block, trailers, COPY);
}
