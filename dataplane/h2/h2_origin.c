/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_origin.c - an HTTP/2 connection to an origin: many exchanges at once.
 *
 *      OPEN --[GOAWAY came, drain asked, ids run out]--> draining --[last stream freed]--> GOAWAY,
 *      ended
 */
#include "dataplane/h2/h2_origin.h"

#include "common/base/mem.h"
#include "dataplane/h2/h2_fields.h"
#include "dataplane/h2/h2_liveness.h"
#include "dataplane/h2/h2_session.h"

/* How often time is looked at, as a part of the limit in force. */
#define TICKS_PER_TIMEOUT 4
#define TICK_MIN_MS 10
/* Ids left when a connection is retired: more than can be in flight. */
#define IDS_LEFT_MIN (2 * LIMIT_ORIGIN_STREAMS)
/* An answer's block that is refused is decoded on up to here, for the siblings' sake. */
#define BLOCK_BYTES_MAX (4 * LIMIT_HEAD_BYTES)

/* Every stream may hold its first cap; what is beyond is shared. */
_Static_assert(LIMIT_ORIGIN_CONN_BYTES >= LIMIT_ORIGIN_STREAMS * LIMIT_FLOW_BYTES, "caps fit");

struct h2_origin {
    struct http_conn conn;
    struct h2_session session;
    struct h2_origin_options options;
    struct h2_liveness liveness;
    uint64_t read_timeout_ms; /* what the zone said last; 0: as in the options */
    bool slots_changed, draining_told;
    bool reused;      /* at the end: it had served before what it lost */
    bool h1_required; /* GOAWAY said so */
};

static struct h2_origin *origin_of(struct h2_session *session)
{
    return container_of(session, struct h2_origin, session);
}

static struct h2_origin *origin_of_conn(struct http_conn *conn)
{
    return container_of(conn, struct h2_origin, conn);
}

/* ---- slots */

static void slots_changed(struct h2_origin *origin)
{
    origin->slots_changed = true;
    h2_session_wake(&origin->session);
}

static void start_draining(struct h2_origin *origin)
{
    origin->conn.draining = true;
    h2_session_wake(&origin->session);
}

static void update_slots(struct h2_origin *origin)
{
    uint32_t slots_max = origin->options.streams_max;
    uint32_t told = LIMIT_ORIGIN_STREAMS_UNTOLD;
    if (origin->session.settings_seen)
        told = nghttp2_session_get_remote_settings(origin->session.ng,
                                                   NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (told < slots_max)
        slots_max = told;
    if (slots_max > LIMIT_ORIGIN_STREAMS)
        slots_max = LIMIT_ORIGIN_STREAMS;
    origin->conn.slots_max = slots_max;
    slots_changed(origin);
}

static bool runs_tunnel(const struct h2_session *session)
{
    LIST_EACH(&session->streams, node)
    {
        if (container_of(node, struct h2_stream, node)->tunnel == H2_TUNNEL_OPEN)
            return true;
    }
    return false;
}

static void on_stream_freed(struct h2_session *session)
{
    struct h2_origin *origin = origin_of(session);
    ASSERT(origin->conn.slots_used > 0);
    origin->conn.slots_used--;
    slots_changed(origin);
}

static void on_woken(struct h2_session *session)
{
    struct h2_origin *origin = origin_of(session);
    const struct http_conn_events *events = origin->conn.events;
    bool changed = origin->slots_changed;

    origin->slots_changed = false;
    if (origin->conn.draining && !origin->draining_told) {
        origin->draining_told = true;
        origin->conn.tunnelled = runs_tunnel(session);
        events->on_draining(origin->conn.owner);
    }
    if (changed)
        events->on_slots(origin->conn.owner);
    if (origin->conn.draining && list_empty(&session->streams))
        h2_session_terminate(session, NGHTTP2_NO_ERROR, ERR_CLOSED);
}

/* ---- side events: the request */

/* The frames leave in this turn's flush, together with those of other streams. */
static void submit_request(struct h2_stream *stream)
{
    struct side *side = &stream->side;
    struct h2_origin *origin = origin_of(stream->session);
    nghttp2_session *ng = origin->session.ng;
    nghttp2_data_provider storage;
    struct h2_block block;

    if (nghttp2_session_check_request_allowed(ng) == 0) {
        h2_stream_fail(stream, ERR_ORIGIN_NOT_PROCESSED, NGHTTP2_CANCEL);
        return;
    }
    const struct head *head = side_in_head(side);
    h2_fields_request(&block, head, &side->exchange->arena);
    int32_t id = nghttp2_submit_request(ng, NULL, block.items, block.count,
                                        h2_stream_body(stream, head, &storage), stream);
    if (id < 0) {
        start_draining(origin);
        h2_stream_fail(stream, ERR_ORIGIN_NOT_PROCESSED, NGHTTP2_CANCEL);
        return;
    }
    stream->id = id;
    stream->tunnel = head->tunnelled ? H2_TUNNEL_ASKED : H2_TUNNEL_NONE;
    stream->out_submitted = true;
    stream->progress_at_ms = h2_session_now_ms(&origin->session);
    if (id > INT32_MAX - 2 * IDS_LEFT_MIN)
        start_draining(origin);
    h2_session_flush_later(&origin->session);
}

/* What could not be sent again waits until the connection is known to be alive. */
static void origin_on_head(struct side *side)
{
    struct h2_stream *stream = h2_stream_of_side(side);
    bool asking = origin_of(stream->session)->liveness.asking;
    stream->held = asking && !method_is_idempotent(side->exchange->request.head->method);
    if (!stream->held)
        submit_request(stream);
}

static void origin_on_stop(struct side *side)
{
    side_stop(side);
    h2_stream_reset(h2_stream_of_side(side), NGHTTP2_CANCEL);
}

static void origin_on_abort(struct side *side)
{
    h2_stream_reset(h2_stream_of_side(side), NGHTTP2_CANCEL);
}

static const struct side_ops origin_side_ops = {
    .name = "h2_origin",
    .on_head = origin_on_head,
    .on_bytes = h2_stream_on_bytes,
    .on_room = h2_stream_on_room,
    .on_stop = origin_on_stop,
    .on_abort = origin_on_abort,
};

/* ---- the answer */

static void put_interim(struct h2_stream *stream, struct head *head)
{
    /* RFC 9113 8.6: there is no 101 in HTTP/2.  100 is the edge's own affair. */
    if (++stream->interim_count > LIMIT_INTERIM_ANSWERS || head->status == 101)
        h2_stream_fail(stream, ERR_ORIGIN_ANSWER, NGHTTP2_PROTOCOL_ERROR);
    else if (head->status != 100)
        side_put_interim(&stream->side, head);
}

/* Any 2xx opens it (RFC 8441 5); an exchange knows that by HTTP/1.1's word. */
static void settle_tunnel(struct h2_stream *stream, struct head *head)
{
    if (stream->tunnel != H2_TUNNEL_ASKED)
        return;
    stream->tunnel = head->status < 300 ? H2_TUNNEL_OPEN : H2_TUNNEL_REFUSED;
    if (stream->tunnel == H2_TUNNEL_OPEN) {
        head->status = 101;
        head->content_length = HEAD_LENGTH_UNKNOWN;
        head->tunnelled = true;
        head->bodyless = false;
    }
    h2_stream_on_bytes(&stream->side);
}

static void on_head(struct h2_stream *stream, bool ended)
{
    struct head *head = stream->head;
    const struct head *request = stream->side.exchange->request.head;
    enum err err = stream->block_err;

    stream->head = NULL;
    head->bodyless = ended;
    if (err == ERR_OK)
        err = head_check_response(head, request->method, NULL);
    if (err != ERR_OK) {
        h2_stream_fail(stream, ERR_ORIGIN_ANSWER, NGHTTP2_CANCEL);
        return;
    }
    if (head->status < 200) {
        put_interim(stream, head);
        return;
    }
    if (exchange_refuses_answer(stream->side.exchange, head)) {
        h2_stream_fail(stream, ERR_ORIGIN_MISDIRECTED, NGHTTP2_CANCEL);
        return;
    }
    stream->in_head_done = true;
    settle_tunnel(stream, head);
    side_put_head(&stream->side, head);
    if (ended)
        h2_stream_put_end(stream);
}

/* ---- what the session tells */

static void on_settings(struct h2_session *session)
{
    struct h2_origin *origin = origin_of(session);
    origin->conn.tunnels = nghttp2_session_get_remote_settings(
                               session->ng, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
    update_slots(origin);
}

static void on_goaway(struct h2_session *session, uint32_t code)
{
    struct h2_origin *origin = origin_of(session);
    if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_HTTP_1_1_REQUIRED)
        origin->conn.flaw = ORIGIN_REASON_H2_GOAWAYS;
    start_draining(origin);
    if (code != NGHTTP2_HTTP_1_1_REQUIRED)
        return;
    origin->h1_required = true;
    h2_session_end(session, ERR_ORIGIN_H1_REQUIRED, false);
}

/* Resets by which an origin says that it, or we, got HTTP/2 wrong; not those that are its right. */
static bool is_break(uint32_t code)
{
    return code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL && code != NGHTTP2_REFUSED_STREAM &&
           code != NGHTTP2_HTTP_1_1_REQUIRED && code != NGHTTP2_ENHANCE_YOUR_CALM &&
           code != NGHTTP2_CONNECT_ERROR;
}

/* A visitor who has the whole body leaves before the origin says that this was the end. */
static void count_stream(struct h2_origin *origin, const struct h2_stream *stream, uint32_t code)
{
    if (stream->in_ended || (stream->in_head_done && !stream->in_reset))
        origin->conn.answers_count++;
    else if (stream->in_reset && is_break(code))
        origin->conn.resets_count++;
}

static void on_ping_ack(struct h2_session *session)
{
    struct h2_origin *origin = origin_of(session);
    h2_liveness_answered(&origin->liveness, h2_session_now_ms(session));
    LIST_EACH(&session->streams, node)
    {
        struct h2_stream *stream = container_of(node, struct h2_stream, node);
        if (!stream->held)
            continue;
        stream->held = false;
        submit_request(stream);
    }
}

static enum err closed_err(const struct h2_stream *stream, uint32_t code)
{
    if (origin_of(stream->session)->h1_required || code == NGHTTP2_HTTP_1_1_REQUIRED)
        return ERR_ORIGIN_H1_REQUIRED;
    if (stream->in_reset && code == NGHTTP2_REFUSED_STREAM)
        return ERR_ORIGIN_REFUSED_STREAM;
    /* nghttp2 closes what is above GOAWAY's last id as refused. */
    if (!stream->out_head_sent || code == NGHTTP2_REFUSED_STREAM)
        return ERR_ORIGIN_NOT_PROCESSED;
    /* Not its own reset: nghttp2 has found the answer malformed or of the wrong length. */
    if (!stream->in_reset)
        return ERR_ORIGIN_ANSWER;
    return is_break(code) ? ERR_ORIGIN_STREAM_RESET : ERR_ORIGIN_RESET;
}

/* After a complete answer a reset, whatever its code, says that the rest of the request is not
 * wanted: side_fail knows that the response has ended. */
static void on_stream_closed(struct h2_stream *stream, uint32_t code)
{
    count_stream(origin_of(stream->session), stream, code);
    if (!side_attached(&stream->side))
        return;
    if (!stream->in_ended || !stream->out_ended) {
        side_fail(&stream->side, closed_err(stream, code));
        return;
    }
    if (stream->tunnel == H2_TUNNEL_REFUSED) /* what the visitor sent ahead is for nobody */
        side_stop(&stream->side);
    side_detach(&stream->side);
}

static enum err lost_err(const struct h2_stream *stream)
{
    const struct h2_origin *origin = origin_of(stream->session);
    if (origin->h1_required)
        return ERR_ORIGIN_H1_REQUIRED;
    if (origin->session.err == ERR_ORIGIN_CLIENT_CERTIFICATE)
        return ERR_ORIGIN_CLIENT_CERTIFICATE;
    if (!stream->out_head_sent)
        return ERR_ORIGIN_NOT_PROCESSED;
    if (origin->conn.flaw != ORIGIN_REASON_NONE)
        return ERR_ORIGIN_H2_BROKEN;
    return origin->reused ? ERR_ORIGIN_STALE : ERR_ORIGIN_RESET;
}

static void on_stream_lost(struct h2_stream *stream)
{
    h2_stream_fail(stream, lost_err(stream), NGHTTP2_CANCEL);
}

/* ---- time */

static uint64_t tick_of(uint64_t timeout_ms)
{
    uint64_t tick_ms = timeout_ms / TICKS_PER_TIMEOUT;
    return tick_ms < TICK_MIN_MS ? TICK_MIN_MS : tick_ms;
}

/* Only silence in both directions ends a tunnel, unless the visitor takes no more. */
static void tick_tunnel(struct h2_stream *stream, uint64_t silent_ms)
{
    const struct h2_origin *origin = origin_of(stream->session);
    if (silent_ms >= origin->options.tunnel_idle_ms && !h2_stream_window_closed(stream))
        h2_stream_fail(stream, ERR_TIMEOUT, NGHTTP2_CANCEL);
}

static void tick_stream(struct h2_stream *stream, uint64_t now_ms)
{
    const struct h2_origin *origin = origin_of(stream->session);
    struct side *side = &stream->side;
    uint64_t silent_ms = now_ms - stream->progress_at_ms;

    if (!side_attached(side))
        return;
    if (stream->tunnel == H2_TUNNEL_OPEN) {
        tick_tunnel(stream, silent_ms);
        return;
    }
    /* The visitor is the one who is waited for: its request goes on, or it takes no more. */
    bool request_waits =
        stream->out_waiting && !side_in_complete(side) && stream->tunnel == H2_TUNNEL_NONE;
    if (stream->in_ended && !request_waits && silent_ms >= LIMIT_ORIGIN_ENDED_MS) {
        origin_on_stop(side); /* its answer is whole, and it gives the request no window */
        return;
    }
    const struct origin_terms *terms = &side->exchange->origin_terms;
    if (silent_ms <
        (terms->read_timeout_ms ? terms->read_timeout_ms : origin->options.read_timeout_ms))
        return;
    if (request_waits || h2_stream_window_closed(stream))
        return;
    h2_stream_fail(stream, ERR_ORIGIN_READ_TIMEOUT, NGHTTP2_CANCEL);
}

/* A PING, when it is due, and the deadline of its answer. */
static void ask_liveness(struct h2_origin *origin, bool starting)
{
    struct h2_session *session = &origin->session;
    uint64_t now_ms = h2_session_now_ms(session);
    if (!h2_liveness_due(&origin->liveness, session->heard_at_ms, now_ms, starting))
        return;
    if (nghttp2_submit_ping(session->ng, NGHTTP2_FLAG_NONE, NULL) != 0) {
        h2_session_end(session, ERR_INTERNAL, true);
        return;
    }
    h2_liveness_ask(&origin->liveness, now_ms);
    h2_session_tick_in(session, LIMIT_ORIGIN_PING_MS);
    h2_session_flush_later(session);
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

static uint64_t busy_tick(const struct h2_origin *origin)
{
    uint64_t quiet_ms = origin->liveness.asking ? LIMIT_ORIGIN_PING_MS : LIMIT_ORIGIN_QUIET_MS;
    uint64_t limit_ms = sooner(origin->options.read_timeout_ms, origin->options.tunnel_idle_ms);
    uint64_t tick_ms = sooner(tick_of(limit_ms), quiet_ms);
    if (origin->read_timeout_ms == 0)
        return tick_ms;
    return sooner(tick_ms, deadline_step(origin->read_timeout_ms / TICKS_PER_TIMEOUT));
}

/* An idle connection ticks for the PINGs that its zone wants, else not at all. */
static uint64_t next_tick(const struct h2_origin *origin, uint64_t now_ms)
{
    uint64_t wait_ms = h2_liveness_wait_ms(&origin->liveness, now_ms);
    bool busy = !list_empty(&origin->session.streams) || origin->liveness.asking;
    if (wait_ms == UINT64_MAX)
        return busy ? busy_tick(origin) : 0;
    return busy ? sooner(busy_tick(origin), deadline_step(wait_ms)) : deadline_step(wait_ms);
}

/* False when the connection is dead. */
static bool check_liveness(struct h2_origin *origin, uint64_t now_ms)
{
    struct h2_session *session = &origin->session;
    if (h2_liveness_dead(&origin->liveness, session->heard_at_ms, now_ms)) {
        h2_session_end(session, ERR_TIMEOUT, true);
        return false;
    }
    bool wanted = h2_liveness_wait_ms(&origin->liveness, now_ms) == 0;
    if ((wanted || !list_empty(&session->streams)) && session->settings_seen)
        ask_liveness(origin, false);
    return true;
}

static uint64_t on_tick(struct h2_session *session, uint64_t now_ms)
{
    struct h2_origin *origin = origin_of(session);
    const struct h2_origin_options *options = &origin->options;

    if (!session->settings_seen && now_ms - session->opened_at_ms >= options->settings_timeout_ms) {
        origin_of(session)->conn.flaw = ORIGIN_REASON_H2_NO_SETTINGS;
        h2_session_end(session, ERR_ORIGIN_H2_BROKEN, true);
        return 0;
    }
    if (!check_liveness(origin, now_ms))
        return 0;
    bool owed = false;
    LIST_EACH(&session->streams, node)
    {
        struct h2_stream *stream = container_of(node, struct h2_stream, node);
        tick_stream(stream, now_ms);
        owed = !h2_stream_pay_reset(stream) || owed;
    }
    if (owed)
        return H2_RESET_OWED_TICK_MS;
    if (!session->settings_seen)
        return tick_of(options->settings_timeout_ms);
    return next_tick(origin, now_ms);
}

/* ---- http_conn */

static void origin_run(struct http_conn *conn, struct exchange *exchange)
{
    struct h2_origin *origin = origin_of_conn(conn);
    struct h2_stream *stream = h2_stream_new(&origin->session, 0);

    conn->slots_used++;
    conn->exchanges_run++;
    exchange_attach_origin(exchange, &stream->side, &origin_side_ops);
    uint64_t now_ms = h2_session_now_ms(&origin->session);
    origin->read_timeout_ms = exchange->origin_terms.read_timeout_ms;
    h2_liveness_every(&origin->liveness, exchange->origin_terms.ping_ms, now_ms);
    ask_liveness(origin, true);
    h2_session_tick_in(&origin->session, next_tick(origin, now_ms));
}

static void origin_drain(struct http_conn *conn)
{
    if (!conn->draining)
        start_draining(origin_of_conn(conn));
}

static void origin_close(struct http_conn *conn)
{
    struct h2_session *session = &origin_of_conn(conn)->session;
    conn->draining = true;
    h2_session_terminate(session, NGHTTP2_NO_ERROR, ERR_CLOSED);
    h2_session_end(session, ERR_CLOSED, false);
}

static const struct http_conn_ops origin_conn_ops = {
    .run = origin_run,
    .drain = origin_drain,
    .close = origin_close,
};

/* The peer ended it, unless it drains. */
static void note_flaw(struct h2_origin *origin)
{
    const struct h2_session *session = &origin->session;
    if (origin->conn.flaw != ORIGIN_REASON_NONE || session->err == ERR_ORIGIN_CLIENT_CERTIFICATE)
        return;
    if (session->err == ERR_ORIGIN_H2_BROKEN)
        origin->conn.flaw =
            session->settings_seen ? ORIGIN_REASON_H2_PROTOCOL_ERRORS : ORIGIN_REASON_H2_NOT_SPOKEN;
    else if (!session->settings_seen && !origin->conn.draining)
        origin->conn.flaw = ORIGIN_REASON_H2_CLOSED;
}

static void on_ending(struct h2_session *session)
{
    struct h2_origin *origin = origin_of(session);
    note_flaw(origin);
    origin->conn.draining = true;
    origin->reused = origin->conn.exchanges_run > session->streams.count;
}

static void on_ended(struct h2_session *session, enum err err)
{
    struct h2_origin *origin = origin_of(session);
    origin->conn.slots_used = 0;
    origin->conn.events->on_closed(origin->conn.owner, err);
    mem_free(&origin);
}

static const struct h2_role origin_role = {
    .conn_window_bytes = LIMIT_ORIGIN_CONN_WINDOW_BYTES,
    .grown_bytes_max = LIMIT_ORIGIN_CONN_BYTES - LIMIT_ORIGIN_STREAMS * LIMIT_FLOW_BYTES,
    .block_bytes_max = BLOCK_BYTES_MAX,
    .broken_err = ERR_ORIGIN_H2_BROKEN,
    .on_head = on_head,
    .on_stream_closed = on_stream_closed,
    .on_stream_freed = on_stream_freed,
    .on_settings = on_settings,
    .on_goaway = on_goaway,
    .on_ping_ack = on_ping_ack,
    .on_woken = on_woken,
    .on_tick = on_tick,
    .on_ending = on_ending,
    .on_stream_lost = on_stream_lost,
    .on_ended = on_ended,
};

struct http_conn *h2_origin_open(struct transport *transport,
                                 const struct h2_origin_options *options,
                                 const struct http_conn_events *events, void *owner)
{
    /* Not NO_RFC7540_PRIORITIES: nghttp2 would send bodies one after the other (RFC 9218, not
     * incremental), so that one endless upload starves all others. */
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LIMIT_FLOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LIMIT_HEAD_BYTES},
    };
    struct h2_origin *origin = mem_new(struct h2_origin);
    origin->conn = (struct http_conn){
        .ops = &origin_conn_ops,
        .events = events,
        .owner = owner,
        .version = HTTP_2,
    };
    origin->options = *options;
    if (options->tunnel_idle_ms == 0)
        origin->options.tunnel_idle_ms = LIMIT_TUNNEL_IDLE_MS;
    h2_session_open(&origin->session, &origin_role, transport, settings, countof(settings));
    h2_session_tick_in(&origin->session, tick_of(options->settings_timeout_ms));
    update_slots(origin);
    return &origin->conn;
}
