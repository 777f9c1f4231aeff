/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_client_answer.c - response flows become a visitor's bytes.
 *
 * An answer is written as far as the transport has room; the rest waits in the flow, and its
 * producer with it.
 */
#include "dataplane/h1/h1_client_int.h"

#include "common/base/text.h"
#include "dataplane/h1/h1_websocket.h"

#define CHUNK_EXTRA_BYTES (H1_CHUNK_LINE_BYTES + 2)

/* What a request gets that has no exchange: status, reason, length of the body, body. */
#define REFUSAL_BYTES 256
#define REFUSAL_FORMAT                                                      \
    "HTTP/1.1 %d %s\r\ncontent-type: text/plain\r\ncontent-length: %zu\r\n" \
    "connection: close\r\n\r\n%s\n"

/* ---- the head */

static bool lengthless_status(int status)
{
    return status < 200 || status == 204 || status == 304;
}

static struct h1_body frame_answer(const struct h1_client *conn, const struct head *head)
{
    const struct side *side = &conn->side;
    bool to_head = span_equal(side->exchange->request.head->method, SPAN("HEAD"));

    if (head->tunnelled)
        return (struct h1_body){H1_UNTIL_CLOSE, HEAD_LENGTH_UNKNOWN};
    if (to_head || lengthless_status(head->status))
        return (struct h1_body){H1_BARE, head->content_length};
    if (head->content_length != HEAD_LENGTH_UNKNOWN)
        return (struct h1_body){H1_LENGTH, head->content_length};
    if (side_in_complete(side) && !side_in_trailers(side))
        return (struct h1_body){H1_LENGTH, (int64_t)side_in_level(side)};
    if (head->bodyless)
        return (struct h1_body){H1_LENGTH, 0};
    if (conn->request.version == HTTP_1_1)
        return (struct h1_body){H1_CHUNKED, HEAD_LENGTH_UNKNOWN};
    return (struct h1_body){H1_UNTIL_CLOSE, HEAD_LENGTH_UNKNOWN};
}

static enum h1_persistence persistence_of(const struct h1_client *conn)
{
    if (!conn->request.keep_alive)
        return H1_PERSIST_CLOSE;
    return conn->request.version == HTTP_1_0 ? H1_PERSIST_KEEP_ALIVE : H1_PERSIST_UNSAID;
}

/* An origin that opened the tunnel over HTTP/2 never saw the key. */
static void answer_key(struct h1_client *conn, struct head *head)
{
    struct exchange *exchange = conn->side.exchange;
    const struct field *key = fields_find(&exchange->request.head->fields, FIELD_SEC_WEBSOCKET_KEY);
    char accept[H1_WEBSOCKET_ACCEPT_BYTES];

    if (head->version != HTTP_2 || !key)
        return;
    h1_websocket_answer_key(key->value, accept);
    head->websocket_key = arena_copy(&exchange->arena, span_of(accept, sizeof(accept)));
}

/* The request flow waited for this word. */
static void settle_tunnel(struct h1_client *conn, struct head *head)
{
    if (head->tunnelled)
        answer_key(conn, head);
    if (head->tunnelled)
        conn->request.phase = H1_READ_TUNNEL;
    else if (conn->request.phase == H1_READ_WAIT && side_out_state(&conn->side) == FLOW_OPEN)
        side_put_end(&conn->side);
}

static void client_on_head(struct side *side)
{
    struct h1_client *conn = container_of(side, struct h1_client, side);
    struct head *head = side_in_head(side);
    struct h1_body body = frame_answer(conn, head);

    settle_tunnel(conn, head);
    /* A request that is still coming when its answer begins may never be read to its end. */
    if (conn->draining || conn->ended || body.framing == H1_UNTIL_CLOSE ||
        conn->request.phase != H1_READ_WAIT)
        conn->request.keep_alive = false;
    conn->request.continue_owed = false;
    conn->answer.begun = true;
    conn->answer.framing = body.framing;
    conn->answer.pending =
        h1_write_response(head, body, persistence_of(conn), &side->exchange->arena);
    h1_client_flush(conn);
    if (conn->request.phase == H1_READ_TUNNEL)
        h1_client_read_on(conn);
}

static void client_on_interim(struct side *side)
{
    struct h1_client *conn = container_of(side, struct h1_client, side);
    struct h1_body bare = {H1_BARE, HEAD_LENGTH_UNKNOWN};

    if (conn->answer.begun || conn->request.version != HTTP_1_1)
        return;
    for (const struct head *head; (head = side_in_interim(side)) != NULL;) {
        struct span bytes =
            h1_write_response(head, bare, H1_PERSIST_UNSAID, &side->exchange->arena);
        if (transport_write_room(conn->transport) >= bytes.len)
            transport_write(conn->transport, bytes);
    }
}

/* ---- the body */

/* False while some of it waits. */
static bool write_pending(struct h1_client *conn)
{
    struct span *pending = &conn->answer.pending;
    if (pending->len == 0)
        return true;
    size_t len = transport_write_room(conn->transport);
    if (len > pending->len)
        len = pending->len;
    transport_write(conn->transport, span_first(*pending, len));
    *pending = span_skip(*pending, len);
    return pending->len == 0;
}

static void write_run(struct h1_client *conn, struct span run)
{
    if (conn->answer.framing != H1_CHUNKED) {
        transport_write(conn->transport, run);
        return;
    }
    char line[H1_CHUNK_LINE_BYTES];
    size_t line_len = h1_write_chunk_line(run.len, line);
    transport_write(conn->transport, span_of(line, line_len));
    transport_write(conn->transport, run);
    transport_write(conn->transport, SPAN("\r\n"));
}

/* False while some of it waits. */
static bool write_body(struct h1_client *conn)
{
    size_t extra = conn->answer.framing == H1_CHUNKED ? CHUNK_EXTRA_BYTES : 0;
    for (;;) {
        struct span run = side_peek(&conn->side);
        if (run.len == 0)
            return true;
        if (conn->answer.framing == H1_BARE) {
            /* An origin sent a body where there is none. */
            side_consume(&conn->side, run.len);
            continue;
        }
        size_t room = transport_write_room(conn->transport);
        if (room <= extra)
            return false;
        if (run.len > room - extra)
            run = span_first(run, room - extra);
        write_run(conn, run);
        side_consume(&conn->side, run.len);
    }
}

static void end_answer(struct h1_client *conn)
{
    conn->answer.ending = true;
    if (conn->answer.framing == H1_CHUNKED)
        conn->answer.pending =
            h1_write_last_chunk(side_in_trailers(&conn->side), &conn->side.exchange->arena);
}

void h1_client_flush(struct h1_client *conn)
{
    if (!conn->answer.begun || conn->answer.written)
        return;
    if (!write_pending(conn) || !write_body(conn))
        return; /* on_room follows; the transport watches that the visitor takes what there is */
    if (!conn->answer.ending) {
        if (!side_in_ended(&conn->side))
            return;
        end_answer(conn);
        if (!write_pending(conn))
            return;
    }
    conn->answer.written = true;
    h1_client_finish(conn);
}

/* ---- the end of an answer */

void h1_client_finish(struct h1_client *conn)
{
    bool request_read = conn->request.phase == H1_READ_WAIT;

    /* An origin may answer to the end and still want the body: it gets it. */
    if (!request_read && side_out_state(&conn->side) == FLOW_OPEN) {
        if (conn->request.phase == H1_READ_TUNNEL)
            transport_end(conn->transport);
        return;
    }
    side_detach(&conn->side);
    conn->answer = (struct h1_client_answer){.framing = H1_BARE};
    conn->served = true;
    h1_client_tell_running(conn, false);
    if (!request_read || !conn->request.keep_alive) {
        h1_client_end(conn, ERR_OK);
    } else {
        conn->request.phase = H1_READ_HEAD;
        h1_client_read_on(conn);
    }
}

void h1_client_refuse(struct h1_client *conn, enum err err)
{
    int status = err_edge_status(err);
    const char *slug = err_slug(err);
    char text[REFUSAL_BYTES];

    size_t len = text_format(text, sizeof(text), REFUSAL_FORMAT, status, h1_reason(status),
                             strlen(slug) + 1, slug);
    if (!conn->transport)
        return;
    if (transport_write_room(conn->transport) < len) {
        h1_client_cut(conn, err);
        return;
    }
    transport_write(conn->transport, span_of(text, len));
    h1_client_end(conn, err);
}

/* ---- the side's other events */

static void client_on_bytes(struct side *side)
{
    h1_client_flush(container_of(side, struct h1_client, side));
}

static void client_on_room(struct side *side)
{
    struct h1_client *conn = container_of(side, struct h1_client, side);

    if (conn->request.continue_owed && !conn->answer.begun) {
        conn->request.continue_owed = false;
        if (transport_write_room(conn->transport) >= SPAN("HTTP/1.1 100 Continue\r\n\r\n").len)
            transport_write(conn->transport, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    h1_client_read_on(conn);
}

/* From now on the room is unlimited, up to what is worth throwing away.  An answer that is out
 * already waited for this word alone. */
static void client_on_stop(struct side *side)
{
    struct h1_client *conn = container_of(side, struct h1_client, side);

    h1_client_read_on(conn);
    if (conn->transport && conn->answer.written)
        h1_client_finish(conn);
}

static void client_on_abort(struct side *side)
{
    struct h1_client *conn = container_of(side, struct h1_client, side);
    enum err err = side->exchange->fault.err;

    side_detach(side);
    if (conn->answer.begun)
        h1_client_cut(conn, err);
    else
        h1_client_refuse(conn, err);
}

const struct side_ops h1_client_side_ops = {
    .name = "h1_client",
    .on_head = client_on_head,
    .on_interim = client_on_interim,
    .on_bytes = client_on_bytes,
    .on_room = client_on_room,
    .on_stop = client_on_stop,
    .on_abort = client_on_abort,
};
