/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_client.c - a visitor's HTTP/1.1 connection: opened, timed, drained, closed.
 */
#include "dataplane/h1/h1_client.h"

#include "common/base/mem.h"
#include "dataplane/h1/h1_client_int.h"

/* A head that is not whole yet and one read behind it, or what was read ahead and one read. */
#define IN_BYTES_MAX (LIMIT_HEAD_BYTES + LIMIT_TARGET_BYTES + 4 * LOOP_READ_BYTES)

/* ---- the end */

static void closed_run(struct wake *wake)
{
    struct h1_client *conn = container_of(wake, struct h1_client, closed_wake);

    conn->events->on_closed(conn->owner, conn->close_err);
    buf_release(&conn->in);
    h1_chunk_release(&conn->request.chunk);
    mem_free(&conn);
}

static void let_go(struct h1_client *conn, enum err err)
{
    conn->request.phase = H1_READ_CLOSED;
    conn->close_err = err;
    deadline_disarm(conn->loop, &conn->read_deadline);
    if (side_attached(&conn->side))
        side_fail(&conn->side, ERR_CLIENT_GONE);
    wake_post(&conn->loop->wakeq, &conn->closed_wake);
}

void h1_client_end(struct h1_client *conn, enum err err)
{
    if (!conn->transport)
        return;
    transport_close(&conn->transport);
    let_go(conn, err);
}

void h1_client_cut(struct h1_client *conn, enum err err)
{
    if (!conn->transport)
        return;
    transport_abort(&conn->transport);
    let_go(conn, err);
}

/* ---- time */

static const struct client_terms *terms_of(const struct h1_client *conn)
{
    return client_terms_of(conn->intake->terms);
}

static void read_expired(struct deadline *deadline);

static void arm_reading(struct h1_client *conn, uint64_t timeout_ms)
{
    deadline_arm(conn->loop, &conn->read_deadline, timeout_ms, read_expired);
}

static void refuse_late(struct h1_client *conn)
{
    counters_add(
        conn->loop->counters,
        conn->timed == H1_TIMED_BODY ? COUNTER_CLIENT_BODIES_LATE : COUNTER_CLIENT_HEADS_LATE, 1);
    conn->timed = H1_TIMED_NOTHING;
    h1_client_read_expired(conn);
}

static void read_expired(struct deadline *deadline)
{
    struct h1_client *conn = container_of(deadline, struct h1_client, read_deadline);
    bool idle = conn->request.phase == H1_READ_HEAD && conn->in.len == 0;

    if (conn->timed == H1_TIMED_BODY &&
        !pace_late(&conn->pace, &terms_of(conn)->pace, loop_now_ms(conn->loop))) {
        arm_reading(conn, PACE_CHECK_MS(&terms_of(conn)->pace));
        return;
    }
    if (idle || conn->answer.written)
        h1_client_end(conn, ERR_TIMEOUT);
    else if (conn->answer.begun)
        h1_client_cut(conn, ERR_TIMEOUT);
    else
        refuse_late(conn);
}

/* A connection that has never asked for anything is not idle: its first head is due. */
static enum h1_timed timed_now(const struct h1_client *conn)
{
    switch (conn->request.phase) {
    case H1_READ_HEAD:
        if (conn->in.len > 0 || !conn->served)
            return H1_TIMED_HEAD;
        return conn->draining ? H1_TIMED_DRAIN : H1_TIMED_IDLE;
    case H1_READ_LENGTH:
    case H1_READ_CHUNKS:
        return conn->paused || conn->request.continue_owed ? H1_TIMED_NOTHING : H1_TIMED_BODY;
    case H1_READ_WAIT:
    case H1_READ_TUNNEL: /* the origin's side has the clock */
    case H1_READ_CLOSED:
        return H1_TIMED_NOTHING;
    }
    UNREACHABLE();
}

/* Each is timed as a whole, not from byte to byte. */
static void time_reading(struct h1_client *conn)
{
    enum h1_timed timed = timed_now(conn);

    if (timed == conn->timed)
        return;
    conn->timed = timed;
    switch (timed) {
    case H1_TIMED_NOTHING:
        deadline_disarm(conn->loop, &conn->read_deadline);
        return;
    case H1_TIMED_HEAD:
        arm_reading(conn, terms_of(conn)->head_ms);
        return;
    case H1_TIMED_IDLE:
        arm_reading(conn, terms_of(conn)->idle_ms);
        return;
    case H1_TIMED_DRAIN:
        arm_reading(conn, LIMIT_CLIENT_DRAIN_IDLE_MS);
        return;
    case H1_TIMED_BODY:
        pace_begin(&conn->pace, loop_now_ms(conn->loop));
        arm_reading(conn, PACE_CHECK_MS(&terms_of(conn)->pace));
        return;
    }
    UNREACHABLE();
}

static bool wants_bytes(const struct h1_client *conn)
{
    switch (conn->request.phase) {
    case H1_READ_HEAD:
        return true;
    case H1_READ_LENGTH:
    case H1_READ_CHUNKS:
        return conn->in.len == 0 && conn->request.dropped_bytes < LIMIT_CLIENT_DROPPED_BYTES;
    case H1_READ_TUNNEL:
        return conn->in.len == 0;
    case H1_READ_WAIT:
        /* Reading on shows that the visitor has gone. */
        return conn->in.len < LIMIT_CLIENT_PIPELINE_BYTES;
    case H1_READ_CLOSED:
        return false;
    }
    UNREACHABLE();
}

void h1_client_pace(struct h1_client *conn)
{
    if (!conn->transport)
        return;
    bool paused = !wants_bytes(conn);
    if (paused && !conn->paused)
        transport_read_stop(conn->transport);
    else if (!paused && conn->paused)
        transport_read_start(conn->transport);
    conn->paused = paused;
    time_reading(conn);
}

void h1_client_tell_running(struct h1_client *conn, bool running)
{
    if (conn->events->on_running)
        conn->events->on_running(conn->owner, running);
}

/* ---- the transport's events */

static void transport_on_bytes(void *owner, struct span bytes)
{
    struct h1_client *conn = owner;
    conn->pace.moved_bytes += bytes.len;
    if (conn->transport)
        h1_client_read(conn, bytes);
}

static void transport_on_room(void *owner)
{
    struct h1_client *conn = owner;
    if (side_attached(&conn->side))
        h1_client_flush(conn);
}

static void transport_on_ended(void *owner)
{
    struct h1_client *conn = owner;
    conn->ended = true;
    h1_client_read_on(conn);
}

static void transport_on_closed(void *owner, enum err err)
{
    h1_client_cut(owner, err);
}

static const struct transport_events client_transport_events = {
    .on_bytes = transport_on_bytes,
    .on_room = transport_on_room,
    .on_ended = transport_on_ended,
    .on_closed = transport_on_closed,
};

/* ---- what the owner calls */

struct h1_client *h1_client_open(struct transport *transport, const struct exchange_intake *intake,
                                 const struct client_facts *facts,
                                 const struct h1_client_events *events, void *owner)
{
    struct h1_client *conn = mem_new(struct h1_client);

    conn->transport = transport;
    conn->loop = transport->loop;
    conn->intake = intake;
    conn->facts = *facts;
    conn->events = events;
    conn->owner = owner;
    buf_init(&conn->in, IN_BYTES_MAX);
    h1_scan_init(&conn->request.scan, H1_REQUEST);
    h1_chunk_init(&conn->request.chunk);
    wake_init(&conn->closed_wake, closed_run);
    transport_set_owner(transport, &client_transport_events, conn);
    transport_read_start(transport);
    h1_client_pace(conn);
    return conn;
}

void h1_client_drain(struct h1_client *conn)
{
    conn->draining = true;
    /* A request may be on its way: it is answered, and told that it was the last. */
    if (conn->request.phase == H1_READ_HEAD && conn->in.len == 0)
        h1_client_pace(conn);
}

void h1_client_close(struct h1_client *conn)
{
    h1_client_cut(conn, ERR_CLOSED);
}
