/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_origin.c - the life of an HTTP/1.1 connection to an origin.
 *
 * It is kept only when not one byte is in doubt: the request was written to its end, the answer
 * ended where it said, and nothing came after it.  Everything else closes it, so that no answer can
 * reach the wrong exchange (security.md, threat 1).
 */
#include "dataplane/h1/h1_origin.h"

#include "common/base/mem.h"
#include "dataplane/h1/h1_origin_int.h"

#define IN_BYTES_MAX (LIMIT_HEAD_BYTES + LIMIT_TARGET_BYTES + 4 * LOOP_READ_BYTES)

static struct h1_origin *of_conn(struct http_conn *conn)
{
    return container_of(conn, struct h1_origin, conn);
}

static struct h1_origin *of_side(struct side *side)
{
    return container_of(side, struct h1_origin, side);
}

/* ---- what the owner is told */

static void tell(struct h1_origin *origin, enum h1_origin_event event)
{
    origin->events |= event;
    wake_post(&origin->loop->wakeq, &origin->wake);
}

static void origin_run(struct wake *wake)
{
    struct h1_origin *origin = container_of(wake, struct h1_origin, wake);
    const struct http_conn_events *told = origin->conn.events;
    unsigned events = origin->events;

    /* In any of these the owner may run, drain or close: that only posts this wake again. */
    origin->events &= H1_ORIGIN_EVENT_CLOSED;
    if (events & H1_ORIGIN_EVENT_CLOSED) {
        told->on_closed(origin->conn.owner, origin->close_err);
        wake_cancel(&origin->loop->wakeq, &origin->wake);
        buf_release(&origin->in);
        h1_chunk_release(&origin->answer.chunk);
        mem_free(&origin);
        return;
    }
    if (events & H1_ORIGIN_EVENT_DRAINING)
        told->on_draining(origin->conn.owner);
    if (events & H1_ORIGIN_EVENT_SLOTS)
        told->on_slots(origin->conn.owner);
}

void h1_origin_start_draining(struct h1_origin *origin)
{
    if (origin->conn.draining)
        return;
    origin->conn.draining = true;
    tell(origin, H1_ORIGIN_EVENT_DRAINING);
}

/* ---- the end */

static void let_go(struct h1_origin *origin, enum err err)
{
    origin->answer.phase = H1_ANSWER_CLOSED;
    origin->conn.draining = true;
    origin->conn.slots_used = 0;
    origin->close_err = err;
    deadline_disarm(origin->loop, &origin->deadline);
    tell(origin, H1_ORIGIN_EVENT_CLOSED);
}

void h1_origin_end(struct h1_origin *origin, enum err err)
{
    if (!origin->transport)
        return;
    /* A request or an answer that was cut must look cut. */
    if (side_attached(&origin->side)) {
        side_fail(&origin->side, err == ERR_OK ? ERR_ORIGIN_RESET : err);
        transport_abort(&origin->transport);
    } else {
        transport_close(&origin->transport);
    }
    let_go(origin, err);
}

void h1_origin_finish(struct h1_origin *origin)
{
    /* A byte behind the answer is met next, while idle, and closes the connection. */
    bool clean = origin->request.written && origin->answer.keep_alive && !origin->ended &&
                 !origin->conn.draining;

    /* An early answer: the rest of the request stays unwritten (L7). */
    if (!origin->request.written)
        side_stop(&origin->side);
    side_detach(&origin->side);
    deadline_disarm(origin->loop, &origin->deadline);
    if (!clean) {
        h1_origin_end(origin, ERR_OK);
        return;
    }
    origin->answer.phase = H1_ANSWER_IDLE;
    origin->conn.slots_used = 0;
    tell(origin, H1_ORIGIN_EVENT_SLOTS);
}

static void deadline_expired(struct deadline *deadline)
{
    struct h1_origin *origin = container_of(deadline, struct h1_origin, deadline);
    uint64_t now_ms = loop_now_ms(origin->loop);
    if (now_ms < origin->due_at_ms) {
        deadline_arm(origin->loop, deadline, deadline_step(origin->due_at_ms - now_ms),
                     deadline_expired);
        return;
    }
    h1_origin_end(origin, origin->answer.tunnelled ? ERR_TIMEOUT : ERR_ORIGIN_READ_TIMEOUT);
}

void h1_origin_expect(struct h1_origin *origin)
{
    uint64_t timeout_ms =
        origin->answer.tunnelled ? origin->options.tunnel_idle_ms : origin->options.read_timeout_ms;
    const struct exchange *exchange = origin->side.exchange;
    bool chosen = !origin->answer.tunnelled && exchange && exchange->origin_terms.read_timeout_ms;
    origin->due_at_ms = 0;
    if (chosen) {
        origin->due_at_ms = loop_now_ms(origin->loop) + exchange->origin_terms.read_timeout_ms;
        timeout_ms = deadline_step(exchange->origin_terms.read_timeout_ms);
    }
    deadline_arm(origin->loop, &origin->deadline, timeout_ms, deadline_expired);
}

/* ---- the transport's events */

static void transport_on_bytes(void *owner, struct span bytes)
{
    struct h1_origin *origin = owner;

    if (origin->transport)
        h1_origin_read(origin, bytes);
}

static void transport_on_room(void *owner)
{
    struct h1_origin *origin = owner;
    if (side_attached(&origin->side))
        h1_origin_flush(origin);
}

static void transport_on_ended(void *owner)
{
    struct h1_origin *origin = owner;
    origin->ended = true;
    h1_origin_read_on(origin);
}

static void transport_on_closed(void *owner, enum err err)
{
    struct h1_origin *origin = owner;
    enum err ended = h1_origin_ended_err(origin);
    /* It was about the connection, whatever ran on it. */
    bool refused = err == ERR_ORIGIN_CLIENT_CERTIFICATE;
    h1_origin_end(origin, ended == ERR_CLOSED || refused ? err : ended);
}

static const struct transport_events origin_transport_events = {
    .on_bytes = transport_on_bytes,
    .on_room = transport_on_room,
    .on_ended = transport_on_ended,
    .on_closed = transport_on_closed,
};

/* ---- the side's events */

static void origin_on_head(struct side *side)
{
    h1_origin_begin_request(of_side(side));
}

static void origin_on_bytes(struct side *side)
{
    h1_origin_flush(of_side(side));
}

static void origin_on_room(struct side *side)
{
    h1_origin_read_on(of_side(side));
}

/* Nobody wants the rest of this answer. */
static void origin_on_stop(struct side *side)
{
    struct h1_origin *origin = of_side(side);
    side_stop(side);
    side_detach(side);
    transport_abort(&origin->transport);
    let_go(origin, ERR_OK);
}

static void origin_on_abort(struct side *side)
{
    struct h1_origin *origin = of_side(side);
    side_detach(side);
    transport_abort(&origin->transport);
    let_go(origin, ERR_OK);
}

static const struct side_ops origin_side_ops = {
    .name = "h1_origin",
    .on_head = origin_on_head,
    .on_bytes = origin_on_bytes,
    .on_room = origin_on_room,
    .on_stop = origin_on_stop,
    .on_abort = origin_on_abort,
};

/* ---- what the owner calls */

static void conn_run(struct http_conn *conn, struct exchange *exchange)
{
    struct h1_origin *origin = of_conn(conn);

    origin->request = (struct h1_origin_request){.reused = conn->exchanges_run > 0};
    origin->answer.phase = H1_ANSWER_HEAD;
    origin->answer.begun = origin->answer.keep_alive = origin->answer.tunnelled = false;
    origin->answer.interim_count = 0;
    conn->slots_used = 1;
    conn->exchanges_run++;
    exchange_attach_origin(exchange, &origin->side, &origin_side_ops);
}

static void conn_drain(struct http_conn *conn)
{
    struct h1_origin *origin = of_conn(conn);
    conn->draining = true;
    if (conn->slots_used == 0)
        h1_origin_end(origin, ERR_OK);
}

static void conn_close(struct http_conn *conn)
{
    h1_origin_end(of_conn(conn), ERR_ORIGIN_RESET);
}

static const struct http_conn_ops conn_ops = {
    .run = conn_run,
    .drain = conn_drain,
    .close = conn_close,
};

struct http_conn *h1_origin_open(struct transport *transport,
                                 const struct h1_origin_options *options,
                                 const struct http_conn_events *events, void *owner)
{
    struct h1_origin *origin = mem_new(struct h1_origin);

    origin->conn = (struct http_conn){
        .ops = &conn_ops, .events = events, .owner = owner, .version = HTTP_1_1, .slots_max = 1};
    origin->transport = transport;
    origin->loop = transport->loop;
    origin->options = *options;
    buf_init(&origin->in, IN_BYTES_MAX);
    h1_scan_init(&origin->answer.scan, H1_RESPONSE);
    h1_chunk_init(&origin->answer.chunk);
    wake_init(&origin->wake, origin_run);
    transport_set_owner(transport, &origin_transport_events, origin);
    transport_read_start(transport);
    return &origin->conn;
}
