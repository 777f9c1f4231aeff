/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_origin_write.c - request flows become bytes to an origin.
 */
#include "dataplane/h1/h1_origin_int.h"

#define CHUNK_EXTRA_BYTES (H1_CHUNK_LINE_BYTES + 2)

/* RFC 9110 8.6: a method that usually has a body says that it has none. */
static bool wants_length(struct span method)
{
    return span_equal(method, SPAN("POST")) || span_equal(method, SPAN("PUT")) ||
           span_equal(method, SPAN("PATCH"));
}

static struct h1_body frame_request(const struct h1_origin *origin, const struct head *head)
{
    const struct side *side = &origin->side;
    bool complete = side_in_complete(side) && !side_in_trailers(side);
    int64_t level = (int64_t)side_in_level(side);

    if (head->content_length != HEAD_LENGTH_UNKNOWN)
        return (struct h1_body){H1_LENGTH, head->content_length};
    if (head->bodyless || head->tunnelled || (complete && level == 0))
        return (struct h1_body){H1_BARE, wants_length(head->method) ? 0 : HEAD_LENGTH_UNKNOWN};
    if (complete)
        return (struct h1_body){H1_LENGTH, level};
    return (struct h1_body){H1_CHUNKED, HEAD_LENGTH_UNKNOWN};
}

static void begin_tunnel(struct h1_origin *origin, struct head *head)
{
    struct h1_origin_request *request = &origin->request;
    const struct field *key = fields_find(&head->fields, FIELD_SEC_WEBSOCKET_KEY);

    request->tunnelled = true;
    if (!key && head->websocket_key.len == 0) {
        char made[H1_WEBSOCKET_KEY_BYTES];
        h1_websocket_make_key(made);
        head->websocket_key =
            arena_copy(&origin->side.exchange->arena, span_of(made, sizeof(made)));
    }
    request->key = key ? key->value : head->websocket_key;
}

void h1_origin_begin_request(struct h1_origin *origin)
{
    struct head *head = side_in_head(&origin->side);

    if (head->tunnelled)
        begin_tunnel(origin, head);
    struct h1_body body = frame_request(origin, head);
    origin->request.begun = true;
    origin->request.framing = body.framing;
    origin->request.left_bytes = body.framing == H1_LENGTH ? (uint64_t)body.length_bytes : 0;
    origin->request.pending = h1_write_request(head, body, &origin->side.exchange->arena);
    h1_origin_flush(origin);
}

/* False while some of it waits; the transport's on_room follows. */
static bool write_pending(struct h1_origin *origin)
{
    struct span *pending = &origin->request.pending;
    if (pending->len == 0)
        return true;
    size_t len = transport_write_room(origin->transport);
    if (len > pending->len)
        len = pending->len;
    transport_write(origin->transport, span_first(*pending, len));
    *pending = span_skip(*pending, len);
    return pending->len == 0;
}

static void write_run(struct h1_origin *origin, struct span run)
{
    if (origin->request.framing != H1_CHUNKED) {
        transport_write(origin->transport, run);
        return;
    }
    char line[H1_CHUNK_LINE_BYTES];
    size_t line_len = h1_write_chunk_line(run.len, line);
    transport_write(origin->transport, span_of(line, line_len));
    transport_write(origin->transport, run);
    transport_write(origin->transport, SPAN("\r\n"));
}

/* By its length an origin takes a request for whole.  It is not before its end has come: HTTP/2
 * visitors may still abort it, or break it by trailers.  So its last byte waits for that. */
static size_t whole_bytes(const struct h1_origin *origin)
{
    bool waiting = origin->request.framing == H1_LENGTH && !side_in_complete(&origin->side);
    return waiting ? origin->request.left_bytes : SIZE_MAX;
}

static bool write_body(struct h1_origin *origin)
{
    size_t extra = origin->request.framing == H1_CHUNKED ? CHUNK_EXTRA_BYTES : 0;
    for (;;) {
        struct span run = side_peek(&origin->side);
        if (run.len >= whole_bytes(origin))
            run = span_first(run, origin->request.left_bytes - 1);
        if (run.len == 0)
            return true;
        size_t room = transport_write_room(origin->transport);
        if (room <= extra)
            return false;
        if (run.len > room - extra)
            run = span_first(run, room - extra);
        write_run(origin, run);
        origin->request.left_bytes -= origin->request.framing == H1_LENGTH ? run.len : 0;
        side_consume(&origin->side, run.len);
    }
}

void h1_origin_flush(struct h1_origin *origin)
{
    struct h1_origin_request *request = &origin->request;

    if (!request->begun || request->written)
        return;
    if (origin->answer.phase == H1_ANSWER_HEAD || origin->answer.tunnelled)
        h1_origin_expect(origin);
    if (whole_bytes(origin) == 0 || !write_pending(origin))
        return;
    if (request->tunnelled && !origin->answer.tunnelled)
        return;
    if (!write_body(origin))
        return;
    if (!request->ending) {
        if (!side_in_ended(&origin->side))
            return;
        request->ending = true;
        if (request->framing == H1_CHUNKED)
            request->pending =
                h1_write_last_chunk(side_in_trailers(&origin->side), &origin->side.exchange->arena);
        if (!write_pending(origin))
            return;
    }
    request->written = true;
    if (origin->answer.phase == H1_ANSWER_WAIT)
        h1_origin_finish(origin);
    else if (request->tunnelled)
        transport_end(origin->transport);
}
