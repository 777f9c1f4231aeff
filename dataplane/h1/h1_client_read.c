/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_client_read.c - a visitor's bytes become request flows, one after the other.
 *
 * Bytes are taken straight from the lent span; only what cannot be taken now (half a head, a body
 * without room, the next request) is kept in conn->in.
 */
#include "dataplane/h1/h1_client_int.h"

/* ---- one request */

static void complete_request(struct h1_client *conn)
{
    conn->request.phase = H1_READ_WAIT;
    conn->request.continue_owed = false;
    side_put_end(&conn->side);
    if (conn->answer.written)
        h1_client_finish(conn);
}

static void begin_body(struct h1_client *conn, const struct head *head,
                       const struct h1_message *message)
{
    struct h1_client_request *request = &conn->request;

    request->keep_alive = message->keep_alive;
    request->continue_owed = head->expects_continue;
    if (head->tunnelled) {
        /* Its bytes are not taken before the 101 (security.md 3.3). */
        request->phase = H1_READ_WAIT;
    } else if (message->chunked) {
        h1_chunk_release(&request->chunk);
        h1_chunk_init(&request->chunk);
        request->phase = H1_READ_CHUNKS;
    } else if (head->content_length > 0) {
        request->left_bytes = (uint64_t)head->content_length;
        request->phase = H1_READ_LENGTH;
    } else {
        complete_request(conn);
    }
}

static struct head *new_head(struct h1_client *conn)
{
    struct exchange *exchange =
        exchange_new(conn->intake->pools, &conn->side, &h1_client_side_ops, &conn->facts);
    struct head *head = arena_new(&exchange->arena, struct head);

    h1_client_tell_running(conn, true);
    head_init(head, &exchange->arena);
    head->version = HTTP_1_1; /* until it says otherwise */
    head->scheme = conn->facts.secure ? SPAN("https") : SPAN("http");
    return head;
}

static void put_head(struct h1_client *conn, struct head *head)
{
    conn->side.exchange->client_facts.version = head->version;
    conn->request.version = head->version;
    conn->request.dropped_bytes = 0;
    conn->answer = (struct h1_client_answer){.framing = H1_BARE};
    side_put_head(&conn->side, head);
}

/* It is answered, and nothing that comes behind it is a request. */
static void refuse_head(struct h1_client *conn, struct head *head, enum err err,
                        const struct problem *problem)
{
    struct exchange *exchange = conn->side.exchange;

    conn->request.continue_owed = conn->request.keep_alive = false;
    if (!conn->intake->refuse) {
        side_fail(&conn->side, err);
        h1_client_refuse(conn, err);
        return;
    }
    conn->request.phase = H1_READ_WAIT;
    exchange_refuse(exchange, err, problem);
    put_head(conn, head);
    conn->intake->refuse(conn->intake->owner, exchange);
}

static void begin_request(struct h1_client *conn, struct span raw)
{
    struct head *head = new_head(conn);
    struct exchange *exchange = conn->side.exchange;
    struct h1_message message;
    struct problem problem = {.code = ERR_OK};

    enum err err = h1_parse_request(raw, head, &message, &problem);
    if (err != ERR_OK) {
        refuse_head(conn, head, err, &problem);
        return;
    }
    put_head(conn, head);
    begin_body(conn, head, &message);
    conn->intake->begin(conn->intake->owner, exchange);
}

/* No line of it was read. */
static void refuse_unread(struct h1_client *conn, enum err err, const char *what)
{
    struct problem problem;
    refuse_head(conn, new_head(conn), problem_set(&problem, err, "head", "%s", what), &problem);
}

static size_t take_head(struct h1_client *conn, struct span bytes)
{
    struct h1_scan *scan = &conn->request.scan;
    enum err err = h1_scan_feed(scan, bytes);

    if (err == ERR_MORE)
        return 0;
    size_t head_len = err == ERR_OK ? scan->head_len : bytes.len;
    struct span raw = err == ERR_OK ? span_skip(span_first(bytes, head_len), scan->start) : bytes;
    h1_scan_init(scan, H1_REQUEST);
    if (err == ERR_OK)
        begin_request(conn, raw);
    else
        refuse_unread(conn, err, "no request line, a line without CR LF, or too many bytes");
    return head_len;
}

/* ---- bodies */

static void put_body(struct h1_client *conn, struct span bytes)
{
    conn->request.continue_owed = false;
    if (side_out_state(&conn->side) == FLOW_STOPPED)
        conn->request.dropped_bytes += bytes.len;
    side_put_bytes(&conn->side, bytes);
}

static size_t body_room(const struct h1_client *conn)
{
    if (conn->request.dropped_bytes >= LIMIT_CLIENT_DROPPED_BYTES)
        return 0;
    return side_room(&conn->side);
}

static size_t take_length(struct h1_client *conn, struct span bytes)
{
    size_t len = bytes.len;
    if (len > conn->request.left_bytes)
        len = (size_t)conn->request.left_bytes;
    if (len > body_room(conn))
        len = body_room(conn);
    if (len == 0)
        return 0;
    conn->request.left_bytes -= len;
    put_body(conn, span_first(bytes, len));
    if (conn->request.left_bytes == 0)
        complete_request(conn);
    return len;
}

static size_t take_tunnel(struct h1_client *conn, struct span bytes)
{
    size_t room = body_room(conn);
    size_t len = bytes.len < room ? bytes.len : room;
    if (len > 0)
        put_body(conn, span_first(bytes, len));
    return len;
}

/* The body is broken: it must look cut to the origin, and what comes behind it is no request. */
static void break_body(struct h1_client *conn, enum err err, const char *what)
{
    struct problem problem;

    if (conn->answer.begun || side_in_head(&conn->side)) {
        side_fail(&conn->side, err);
        h1_client_cut(conn, err);
        return;
    }
    conn->request.phase = H1_READ_WAIT;
    conn->request.continue_owed = conn->request.keep_alive = false;
    side_refuse(&conn->side, problem_set(&problem, err, "body", "%s", what), &problem);
}

void h1_client_read_expired(struct h1_client *conn)
{
    if (conn->request.phase == H1_READ_HEAD)
        refuse_unread(conn, ERR_REQUEST_TIMEOUT, "not whole in time");
    else
        break_body(conn, ERR_REQUEST_TIMEOUT, "no byte of it in time");
}

static enum err take_trailers(struct h1_client *conn)
{
    struct span raw = buf_span(&conn->request.chunk.trailers);
    if (raw.len == 0 || side_out_state(&conn->side) != FLOW_OPEN)
        return ERR_OK;
    struct arena *arena = &conn->side.exchange->arena;
    struct fields *trailers = arena_new(arena, struct fields);
    fields_init(trailers, arena);
    TRY(h1_parse_trailers(raw, trailers, NULL));
    side_put_trailers(&conn->side, trailers);
    return ERR_OK;
}

static size_t take_chunks(struct h1_client *conn, struct span bytes)
{
    struct h1_chunk *chunk = &conn->request.chunk;
    struct h1_chunk_step step;

    enum err err = h1_chunk_next(chunk, bytes, body_room(conn), &step);
    if (err == ERR_OK && step.body.len > 0)
        put_body(conn, step.body);
    if (err == ERR_OK && h1_chunk_ended(chunk))
        err = take_trailers(conn);
    if (err != ERR_OK) {
        break_body(conn, err, "no valid chunk or trailer");
        return bytes.len;
    }
    if (h1_chunk_ended(chunk)) {
        buf_shrink(&chunk->trailers);
        complete_request(conn);
    }
    return step.used;
}

/* ---- the loop */

/* How many bytes were taken; 0: nothing can be taken now. */
static size_t take(struct h1_client *conn, struct span bytes)
{
    switch (conn->request.phase) {
    case H1_READ_HEAD:
        return take_head(conn, bytes);
    case H1_READ_LENGTH:
        return take_length(conn, bytes);
    case H1_READ_CHUNKS:
        return take_chunks(conn, bytes);
    case H1_READ_TUNNEL:
        return take_tunnel(conn, bytes);
    case H1_READ_WAIT:
        return 0;
    case H1_READ_CLOSED:
        return bytes.len;
    }
    UNREACHABLE();
}

static size_t take_all(struct h1_client *conn, struct span bytes)
{
    size_t taken = 0;
    while (taken < bytes.len) {
        size_t len = take(conn, span_skip(bytes, taken));
        if (len == 0)
            break;
        taken += len;
    }
    return taken;
}

/* The visitor sends no more: what is left of the request will never come. */
static void check_ended(struct h1_client *conn)
{
    bool body = conn->request.phase == H1_READ_LENGTH || conn->request.phase == H1_READ_CHUNKS;

    if (!conn->ended || conn->request.phase == H1_READ_WAIT)
        return;
    if (conn->request.phase == H1_READ_TUNNEL) {
        if (conn->in.len == 0)
            complete_request(conn);
        return;
    }
    if (body && (side_out_state(&conn->side) == FLOW_STOPPED || conn->in.len > 0))
        return;
    if (body)
        h1_client_cut(conn, ERR_CLIENT_GONE);
    else
        h1_client_end(conn, ERR_CLOSED);
}

static void after_taking(struct h1_client *conn)
{
    if (conn->in.len == 0)
        buf_shrink(&conn->in);
    if (conn->in.overflowed)
        h1_client_cut(conn, ERR_TOO_LARGE);
    check_ended(conn);
    h1_client_pace(conn);
}

void h1_client_read_on(struct h1_client *conn)
{
    if (conn->taking)
        return;
    conn->taking = true;
    buf_consume(&conn->in, take_all(conn, buf_span(&conn->in)));
    conn->taking = false;
    after_taking(conn);
}

void h1_client_read(struct h1_client *conn, struct span bytes)
{
    if (conn->in.len > 0) {
        buf_append(&conn->in, bytes);
        h1_client_read_on(conn);
        return;
    }
    conn->taking = true;
    size_t taken = take_all(conn, bytes);
    conn->taking = false;
    buf_append(&conn->in, span_skip(bytes, taken));
    after_taking(conn);
}
