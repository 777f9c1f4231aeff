/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_request.c - rewriting a request head for origins.
 */
#include "dataplane/proxy/proxy_request.h"

/* What is added below; LIMIT_FIELDS is the visitor's, not ours. */
#define FIELDS_ADDED 6

static void put_field(struct fields *fields, enum field_id id, struct span value)
{
    ASSERT(fields->count < fields->cap);
    struct span name = field_text(id);
    fields->items[fields->count++] = (struct field){.name = name, .value = value, .id = id};
    fields->bytes += name.len + value.len + FIELD_OVERHEAD_BYTES;
}

static uint8_t *put_span(uint8_t *at, struct span bytes)
{
    if (bytes.len > 0)
        memcpy(at, bytes.ptr, bytes.len);
    return at + bytes.len;
}

/* All values that the visitor sent under this id, in order, and ours behind them. */
static struct span join_list(const struct fields *fields, enum field_id id, struct span own,
                             struct arena *arena)
{
    size_t len = own.len;
    for (uint32_t i = 0; i < fields->count; i++)
        if (fields->items[i].id == id)
            len += fields->items[i].value.len + 2;
    if (len == own.len)
        return own;

    uint8_t *text = arena_alloc(arena, len), *at = text;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].id == id && fields->items[i].value.len > 0) {
            at = put_span(at, fields->items[i].value);
            at = put_span(at, SPAN(", "));
        }
    }
    at = put_span(at, own);
    return span_of(text, (size_t)(at - text));
}

/* The ids whose lines are written anew. */
static bool rewritten(enum field_id id)
{
    return id != FIELD_OTHER &&
           (id == FIELD_X_FORWARDED_FOR || id == FIELD_CDN_LOOP || field_flags(id) & FIELD_EDGE);
}

static void copy_fields(const struct fields *from, struct fields *to)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct field *field = &from->items[i];
        if (rewritten(field->id))
            continue;
        to->items[to->count++] = *field;
        to->bytes += field->name.len + field->value.len + FIELD_OVERHEAD_BYTES;
    }
    to->crumbs = from->crumbs;
}

struct head *proxy_request_head(const struct proxy_request *request, struct arena *arena)
{
    const struct fields *asked = &request->asked->fields;
    struct head *head = arena_alloc(arena, sizeof(*head));
    *head = *request->asked;
    fields_init(&head->fields, arena);
    head->fields.cap = asked->count + FIELDS_ADDED;
    head->fields.items = arena_alloc(arena, head->fields.cap * sizeof(struct field));

    copy_fields(asked, &head->fields);
    put_field(&head->fields, FIELD_CF_CONNECTING_IP, request->client_address);
    put_field(&head->fields, FIELD_X_FORWARDED_FOR,
              join_list(asked, FIELD_X_FORWARDED_FOR, request->peer_address, arena));
    put_field(&head->fields, FIELD_X_FORWARDED_PROTO,
              request->secure ? SPAN("https") : SPAN("http"));
    put_field(&head->fields, FIELD_CF_RAY, request->ray);
    put_field(&head->fields, FIELD_CF_VISITOR,
              request->secure ? SPAN("{\"scheme\":\"https\"}") : SPAN("{\"scheme\":\"http\"}"));
    put_field(&head->fields, FIELD_CDN_LOOP,
              join_list(asked, FIELD_CDN_LOOP, request->edge_id, arena));
    return head;
}

static bool list_names(struct span list, struct span edge_id)
{
    while (list.len > 0) {
        struct span member = span_split(&list, ',');
        /* cdn-info = cdn-id *( OWS ";" OWS parameter ) */
        if (span_equal_nocase(span_trim(span_split(&member, ';')), edge_id))
            return true;
    }
    return false;
}

bool proxy_request_looped(const struct fields *fields, struct span edge_id)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (fields->items[i].id == FIELD_CDN_LOOP && list_names(fields->items[i].value, edge_id))
            return true;
    return false;
}
