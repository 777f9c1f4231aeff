/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_origin_read.c - an origin's bytes become response flows.
 */
#include "dataplane/h1/h1_origin_int.h"

/* ---- heads */

static void begin_body(struct h1_origin *origin, const struct head *head,
                       const struct h1_message *message)
{
    struct h1_origin_answer *answer = &origin->answer;

    answer->keep_alive = message->keep_alive;
    if (!message->keep_alive || message->until_close)
        h1_origin_start_draining(origin);
    if (message->chunked) {
        h1_chunk_release(&answer->chunk);
        h1_chunk_init(&answer->chunk);
        answer->phase = H1_ANSWER_CHUNKS;
    } else if (message->until_close) {
        answer->phase = H1_ANSWER_UNTIL_CLOSE;
    } else {
        answer->phase = H1_ANSWER_LENGTH;
        answer->left_bytes = head->bodyless ? 0 : (uint64_t)head->content_length;
    }
}

static bool accepted(const struct h1_origin *origin, const struct head *head)
{
    const struct field *accept = fields_find(&head->fields, FIELD_SEC_WEBSOCKET_ACCEPT);
    char wanted[H1_WEBSOCKET_ACCEPT_BYTES];

    if (!accept || fields_count(&head->fields, FIELD_SEC_WEBSOCKET_ACCEPT) > 1)
        return false;
    h1_websocket_answer_key(origin->request.key, wanted);
    return span_equal(accept->value, span_of(wanted, sizeof(wanted)));
}

/* Only if asked, by what was asked, and when the request has left as a whole. */
static enum err open_tunnel(struct h1_origin *origin, struct head *head)
{
    const struct h1_origin_request *request = &origin->request;

    if (!request->tunnelled || request->pending.len > 0 || !head->tunnelled ||
        !accepted(origin, head))
        return ERR_ORIGIN_ANSWER;
    head->bodyless = false;
    side_put_head(&origin->side, head);
    origin->answer.phase = H1_ANSWER_TUNNEL;
    origin->answer.tunnelled = origin->conn.tunnelled = true;
    h1_origin_start_draining(origin);
    h1_origin_flush(origin);
    return ERR_OK;
}

/* An HTTP/2 visitor would take any 2xx for its tunnel (RFC 8441 5.1). */
static bool misleads(const struct h1_origin *origin, const struct head *head)
{
    return origin->request.tunnelled && head->status < 300 &&
           origin->side.exchange->client_facts.version == HTTP_2;
}

static enum err take_interim(struct h1_origin *origin, struct head *head)
{
    if (++origin->answer.interim_count > LIMIT_INTERIM_ANSWERS)
        return ERR_ORIGIN_ANSWER;
    /* RFC 9110 15.2: all pass but 100, which answers what the edge itself has asked for. */
    if (head->status != 100)
        side_put_interim(&origin->side, head);
    return ERR_OK;
}

static void complete_answer(struct h1_origin *origin)
{
    /* A tunnel that one end has ended still carries what the other has to say. */
    bool request_left =
        !origin->answer.tunnelled && !origin->request.written && !origin->request.ending;

    origin->answer.phase = H1_ANSWER_WAIT;
    side_put_end(&origin->side);
    /* Nobody reads a request whose answer is complete: it is left unwritten.  Its last bytes,
     * when only the transport is full, are still written. */
    if (request_left || origin->request.written)
        h1_origin_finish(origin);
}

static enum err parse_head(struct h1_origin *origin, struct span raw)
{
    struct exchange *exchange = origin->side.exchange;
    struct head *head = arena_new(&exchange->arena, struct head);
    struct h1_message message;

    head_init(head, &exchange->arena);
    TRY(h1_parse_response(raw, exchange->request.head->method, head, &message, NULL));
    if (head->status == 101)
        return open_tunnel(origin, head);
    if (head->status < 200)
        return take_interim(origin, head);
    if (misleads(origin, head))
        return ERR_ORIGIN_ANSWER;
    if (exchange_refuses_answer(exchange, head))
        return ERR_ORIGIN_MISDIRECTED;
    side_put_head(&origin->side, head);
    begin_body(origin, head, &message);
    if (origin->answer.phase == H1_ANSWER_LENGTH && origin->answer.left_bytes == 0)
        complete_answer(origin);
    return ERR_OK;
}

static size_t take_head(struct h1_origin *origin, struct span bytes)
{
    struct h1_scan *scan = &origin->answer.scan;

    if (!origin->request.begun) {
        /* An answer to a request that was not even begun is somebody else's. */
        h1_origin_end(origin, ERR_ORIGIN_NOT_PROCESSED);
        return bytes.len;
    }
    enum err err = h1_scan_feed(scan, bytes);
    size_t head_len = scan->head_len;
    origin->answer.begun = true;
    if (err == ERR_MORE)
        return 0;
    h1_scan_init(scan, H1_RESPONSE);
    if (err == ERR_OK)
        err = parse_head(origin, span_first(bytes, head_len));
    if (err == ERR_OK)
        return head_len;
    h1_origin_end(origin, err == ERR_ORIGIN_MISDIRECTED ? err : ERR_ORIGIN_ANSWER);
    return bytes.len;
}

/* ---- bodies */

static size_t take_raw(struct h1_origin *origin, struct span bytes)
{
    struct h1_origin_answer *answer = &origin->answer;
    size_t len = bytes.len;

    if (answer->phase == H1_ANSWER_LENGTH && len > answer->left_bytes)
        len = (size_t)answer->left_bytes;
    if (len > side_room(&origin->side))
        len = side_room(&origin->side);
    if (len == 0)
        return 0;
    side_put_bytes(&origin->side, span_first(bytes, len));
    if (answer->phase == H1_ANSWER_LENGTH) {
        answer->left_bytes -= len;
        if (answer->left_bytes == 0)
            complete_answer(origin);
    }
    return len;
}

static enum err take_trailers(struct h1_origin *origin)
{
    struct span raw = buf_span(&origin->answer.chunk.trailers);
    if (raw.len == 0)
        return ERR_OK;
    struct arena *arena = &origin->side.exchange->arena;
    struct fields *trailers = arena_new(arena, struct fields);
    fields_init(trailers, arena);
    TRY(h1_parse_trailers(raw, trailers, NULL));
    side_put_trailers(&origin->side, trailers);
    return ERR_OK;
}

static size_t take_chunks(struct h1_origin *origin, struct span bytes)
{
    struct h1_chunk *chunk = &origin->answer.chunk;
    struct h1_chunk_step step;

    enum err err = h1_chunk_next(chunk, bytes, side_room(&origin->side), &step);
    if (err == ERR_OK && step.body.len > 0)
        side_put_bytes(&origin->side, step.body);
    if (err == ERR_OK && h1_chunk_ended(chunk))
        err = take_trailers(origin);
    if (err != ERR_OK) {
        h1_origin_end(origin, ERR_ORIGIN_ANSWER);
        return bytes.len;
    }
    if (h1_chunk_ended(chunk)) {
        buf_shrink(&chunk->trailers);
        complete_answer(origin);
    }
    return step.used;
}

/* ---- the loop */

static size_t take(struct h1_origin *origin, struct span bytes)
{
    switch (origin->answer.phase) {
    case H1_ANSWER_HEAD:
        return take_head(origin, bytes);
    case H1_ANSWER_LENGTH:
    case H1_ANSWER_UNTIL_CLOSE:
    case H1_ANSWER_TUNNEL:
        return take_raw(origin, bytes);
    case H1_ANSWER_CHUNKS:
        return take_chunks(origin, bytes);
    case H1_ANSWER_WAIT:
        origin->answer.keep_alive = false;
        return bytes.len;
    case H1_ANSWER_IDLE:
        /* Nobody asked: the next exchange must not get this as its answer. */
        h1_origin_end(origin, ERR_ORIGIN_ANSWER);
        return bytes.len;
    case H1_ANSWER_CLOSED:
        return bytes.len;
    }
    UNREACHABLE();
}

static size_t take_all(struct h1_origin *origin, struct span bytes)
{
    size_t taken = 0;
    origin->taking = true;
    while (taken < bytes.len) {
        size_t len = take(origin, span_skip(bytes, taken));
        if (len == 0)
            break;
        taken += len;
    }
    origin->taking = false;
    return taken;
}

enum err h1_origin_ended_err(const struct h1_origin *origin)
{
    switch (origin->answer.phase) {
    case H1_ANSWER_IDLE:
    case H1_ANSWER_WAIT:
    case H1_ANSWER_CLOSED:
        return ERR_CLOSED;
    case H1_ANSWER_HEAD:
        /* Before the first byte of an answer: the origin may have closed an idle connection just
         * when we used it.  After it, this was an answer, and a broken one. */
        if (origin->answer.begun)
            return ERR_ORIGIN_ANSWER;
        if (!origin->request.begun)
            return ERR_ORIGIN_NOT_PROCESSED;
        return origin->request.reused ? ERR_ORIGIN_STALE : ERR_ORIGIN_RESET;
    case H1_ANSWER_LENGTH:
    case H1_ANSWER_CHUNKS:
    case H1_ANSWER_UNTIL_CLOSE:
    case H1_ANSWER_TUNNEL:
        return ERR_ORIGIN_RESET;
    }
    UNREACHABLE();
}

static void check_ended(struct h1_origin *origin)
{
    /* Bytes that wait for room still count; those of a head that waits for more never will. */
    if (!origin->ended || (origin->in.len > 0 && origin->answer.phase != H1_ANSWER_HEAD))
        return;
    if (origin->answer.phase == H1_ANSWER_UNTIL_CLOSE || origin->answer.phase == H1_ANSWER_TUNNEL)
        complete_answer(origin);
    else if (origin->answer.phase != H1_ANSWER_WAIT)
        h1_origin_end(origin, h1_origin_ended_err(origin));
}

static void pace(struct h1_origin *origin)
{
    if (!origin->transport)
        return;
    bool body = origin->answer.phase != H1_ANSWER_IDLE && origin->answer.phase != H1_ANSWER_HEAD &&
                origin->answer.phase != H1_ANSWER_WAIT;
    bool paused = body && origin->in.len > 0;

    if (paused && !origin->paused)
        transport_read_stop(origin->transport);
    else if (!paused && origin->paused)
        transport_read_start(origin->transport);
    origin->paused = paused;
    if (body && !paused)
        h1_origin_expect(origin);
    else if (paused)
        deadline_disarm(origin->loop, &origin->deadline);
}

static void after_taking(struct h1_origin *origin)
{
    if (origin->in.len == 0)
        buf_shrink(&origin->in);
    if (origin->in.overflowed)
        h1_origin_end(origin, ERR_ORIGIN_ANSWER);
    check_ended(origin);
    pace(origin);
}

void h1_origin_read_on(struct h1_origin *origin)
{
    if (origin->taking)
        return;
    buf_consume(&origin->in, take_all(origin, buf_span(&origin->in)));
    after_taking(origin);
}

void h1_origin_read(struct h1_origin *origin, struct span bytes)
{
    if (origin->in.len > 0) {
        buf_append(&origin->in, bytes);
        h1_origin_read_on(origin);
        return;
    }
    size_t taken = take_all(origin, bytes);
    buf_append(&origin->in, span_skip(bytes, taken));
    after_taking(origin);
}
