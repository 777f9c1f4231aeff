/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_client.c - a visitor's HTTP/2 connection: requests in, exchanges out.
 *
 *      OPEN --h2_client_drain--> NOTICED (GOAWAY 2^31-1, PING) --[ping ack, or a tick]--> GOAWAY
 *                                with the last stream; when that one has ended: ended
 */
#include "dataplane/h2/h2_client.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "dataplane/h2/h2_fields.h"
#include "dataplane/h2/h2_session.h"

/* How often time is looked at: a fourth of the shortest limit that is in force. */
#define TICKS_PER_LIMIT 4

/* Every stream may hold its first cap; what is beyond is shared. */
_Static_assert(LIMIT_CLIENT_CONN_BYTES >= LIMIT_CLIENT_STREAMS * LIMIT_FLOW_BYTES, "caps fit");

enum drain_step { DRAIN_NONE, DRAIN_NOTICED, DRAIN_TOLD };

struct h2_client {
    struct h2_session session;
    const struct exchange_intake *intake;
    const struct client_facts *facts;
    const struct h2_client_events *events;
    void *owner;
    enum drain_step drain;
    bool served; /* has begun a request */
};

static struct h2_client *client_of(struct h2_session *session)
{
    return container_of(session, struct h2_client, session);
}

static uint64_t busy_tick_ms(const struct h2_client *client)
{
    const struct client_terms *terms = client_terms_of(client->intake->terms);
    uint64_t grace_ms = terms->pace.grace_ms, head_ms = terms->head_ms;
    return (grace_ms < head_ms ? grace_ms : head_ms) / TICKS_PER_LIMIT + 1;
}

static void tell_running(struct h2_client *client, bool running)
{
    if (client->events->on_running)
        client->events->on_running(client->owner, running);
}

/* ---- side events: the response */

static void client_on_head(struct side *side)
{
    struct h2_stream *stream = h2_stream_of_side(side);
    struct h2_session *session = stream->session;
    const struct head *head = side_in_head(side);
    nghttp2_data_provider storage;
    struct h2_block block;

    h2_fields_response(&block, head, &side->exchange->arena);
    stream->out_submitted = true;
    const nghttp2_data_provider *body = h2_stream_body(stream, head, &storage);
    if (nghttp2_submit_response(session->ng, stream->id, block.items, block.count, body) != 0)
        h2_stream_fail(stream, ERR_INTERNAL, NGHTTP2_INTERNAL_ERROR);
    h2_session_flush_later(session);
}

static void submit_interim(struct h2_stream *stream, const nghttp2_nv *items, size_t count)
{
    if (stream->out_submitted)
        return;
    int code = nghttp2_submit_headers(stream->session->ng, NGHTTP2_FLAG_NONE, stream->id, NULL,
                                      items, count, NULL);
    if (code != 0)
        h2_stream_fail(stream, ERR_INTERNAL, NGHTTP2_INTERNAL_ERROR);
    h2_session_flush_later(stream->session);
}

static void client_on_interim(struct side *side)
{
    for (const struct head *head; side_attached(side) && (head = side_in_interim(side)) != NULL;) {
        struct h2_block block;
        h2_fields_response(&block, head, &side->exchange->arena);
        submit_interim(h2_stream_of_side(side), block.items, block.count);
    }
}

/* The answer has left and the request still comes.  RFC 9113 8.1 lets a RST_STREAM(NO_ERROR) follow
 * at once, but a client that reads both together while it writes takes the stream for broken and
 * the answer for lost (curl 7.88): so it is given the time to read. */
static void reset_soon(struct h2_stream *stream)
{
    stream->reset_at_ms = h2_session_now_ms(stream->session) + LIMIT_H2_EARLY_ANSWER_MS;
    h2_session_tick_in(stream->session, LIMIT_H2_EARLY_ANSWER_MS);
}

/* The rest of the request is not wanted; the answer is still to be sent whole (L7). */
static void client_on_stop(struct side *side)
{
    struct h2_stream *stream = h2_stream_of_side(side);
    if (stream->in_ended)
        return;
    stream->reset_when_ended = true;
    if (stream->out_ended)
        reset_soon(stream);
}

static void client_on_abort(struct side *side)
{
    bool tunnelled = side_in_head(side) && side_in_head(side)->tunnelled;
    h2_stream_reset(h2_stream_of_side(side),
                    tunnelled ? NGHTTP2_CONNECT_ERROR : NGHTTP2_INTERNAL_ERROR);
}

static const struct side_ops client_side_ops = {
    .name = "h2_client",
    .on_head = client_on_head,
    .on_interim = client_on_interim,
    .on_bytes = h2_stream_on_bytes,
    .on_room = h2_stream_on_room,
    .on_stop = client_on_stop,
    .on_abort = client_on_abort,
};

/* ---- the request */

static struct h2_stream *on_request(struct h2_session *session, int32_t id)
{
    struct h2_client *client = client_of(session);
    struct client_facts facts = *client->facts;
    struct h2_stream *stream = h2_stream_new(session, id);

    facts.version = HTTP_2;
    facts.stream_id = (uint64_t)id;
    struct exchange *exchange =
        exchange_new(client->intake->pools, &stream->side, &client_side_ops, &facts);
    h2_stream_begin_head(stream, &exchange->arena);
    h2_session_tick_in(session, busy_tick_ms(client));
    if (session->streams.count == 1)
        tell_running(client, true);
    client->served = true;
    return stream;
}

/* Malformed: a stream error (RFC 9113 8.1.1).  Well-formed and refused: an answer of headers alone,
 * and the rest of the request unread. */
static void refuse_in_short(struct h2_stream *stream, enum err err)
{
    int status = err_edge_status(err);
    char digits[TEXT_U64_BYTES_MAX];
    size_t len = text_format_u64((uint64_t)status, digits);
    const nghttp2_nv items[] = {
        {(uint8_t[]){":status"}, (uint8_t *)digits, sizeof(":status") - 1, len, 0},
        {(uint8_t[]){"content-length"}, (uint8_t[]){"0"}, sizeof("content-length") - 1, 1, 0},
    };

    if (status == 400) {
        h2_stream_fail(stream, err, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    side_fail(&stream->side, err);
    stream->out_submitted = true;
    stream->reset_when_ended = !stream->in_ended;
    if (nghttp2_submit_response(stream->session->ng, stream->id, items, countof(items), NULL) != 0)
        h2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
}

/* False: nobody there to answer it. */
static bool tell_refused(struct h2_stream *stream, struct head *head, const struct problem *problem)
{
    const struct exchange_intake *intake = client_of(stream->session)->intake;
    struct exchange *exchange = stream->side.exchange;

    if (!intake->refuse)
        return false;
    exchange_refuse(exchange, problem->code, problem);
    side_put_head(&stream->side, head);
    intake->refuse(intake->owner, exchange);
    return true;
}

/* What is reset is told too: it has a line in the log. */
static void refuse(struct h2_stream *stream, struct head *head, const struct problem *problem)
{
    if (!tell_refused(stream, head, problem) || err_edge_status(problem->code) == 400)
        refuse_in_short(stream, problem->code);
}

static void say_continue(struct h2_stream *stream)
{
    uint8_t name[] = {":status"}, value[] = {"100"};
    const nghttp2_nv item = {name, value, sizeof(name) - 1, sizeof(value) - 1, 0};
    submit_interim(stream, &item, 1);
}

static void on_head(struct h2_stream *stream, bool ended)
{
    struct h2_client *client = client_of(stream->session);
    struct head *head = stream->head;
    struct problem problem = {.code = ERR_OK};
    enum err err = stream->block_err;

    if (err != ERR_OK)
        (void)problem_set(&problem, err, "head", "%s", err_slug(err));
    stream->head = NULL;
    stream->in_head_done = true;
    stream->in_ended = ended;
    head->bodyless = ended;
    if (stream->session->block.bytes > LIMIT_HEAD_ANNOUNCED_BYTES)
        err = problem_set(&problem, ERR_REQUEST_HEAD_TOO_LARGE, "head", "too large");
    if (err == ERR_OK) {
        h2_fields_join_cookies(&head->fields);
        err = head_check_request(head, &problem);
    }
    if (err != ERR_OK) {
        refuse(stream, head, &problem);
        return;
    }
    side_put_head(&stream->side, head);
    if (ended)
        side_put_end(&stream->side);
    else if (head->expects_continue)
        say_continue(stream);
    client->intake->begin(client->intake->owner, stream->side.exchange);
}

/* ---- what the session tells */

static void on_out_ended(struct h2_stream *stream)
{
    if (stream->reset_when_ended && !stream->in_ended)
        reset_soon(stream);
}

static void on_stream_closed(struct h2_stream *stream, uint32_t code)
{
    (void)code;
    if (!side_attached(&stream->side))
        return;
    enum err err = stream->in_reset ? ERR_CLIENT_GONE : ERR_REQUEST_FRAMING;
    struct problem problem;
    if (stream->head && !stream->in_reset) { /* nghttp2 found it malformed, and has reset it */
        err = problem_set(&problem, ERR_REQUEST_FIELD, "head", "malformed");
        (void)tell_refused(stream, stream->head, &problem);
    }
    /* Once it has the whole answer, how a client ends its request changes nothing. */
    if (stream->out_ended)
        side_detach(&stream->side);
    else
        side_fail(&stream->side, err);
}

static void on_stream_freed(struct h2_session *session)
{
    if (list_empty(&session->streams))
        tell_running(client_of(session), false);
}

static void on_stream_lost(struct h2_stream *stream)
{
    h2_stream_fail(stream, ERR_CLIENT_GONE, NGHTTP2_INTERNAL_ERROR);
}

static void tell_last_stream(struct h2_client *client)
{
    nghttp2_session *ng = client->session.ng;
    client->drain = DRAIN_TOLD;
    int32_t last_id = nghttp2_session_get_last_proc_stream_id(ng);
    if (nghttp2_submit_goaway(ng, NGHTTP2_FLAG_NONE, last_id, NGHTTP2_NO_ERROR, NULL, 0) != 0)
        h2_session_end(&client->session, ERR_INTERNAL, true);
    h2_session_flush_later(&client->session);
}

static void on_ping_ack(struct h2_session *session)
{
    if (client_of(session)->drain == DRAIN_NOTICED)
        tell_last_stream(client_of(session));
}

/* ---- time */

/* What its request lacks, the visitor owes; unless we let it send no more. */
static bool owes_request(const struct h2_stream *stream)
{
    const struct side *side = &stream->side;
    /* Once there is an answer, a silent request is the affair of the two ends (gRPC). */
    return !stream->in_ended && !stream->out_submitted && side_out_state(side) == FLOW_OPEN &&
           !side->exchange->request.head->tunnelled && !h2_stream_window_closed(stream);
}

/* There is something for it, and it lets us send no more.  What has left already is watched by the
 * transport. */
static bool owes_window(const struct h2_stream *stream)
{
    nghttp2_session *ng = stream->session->ng;
    return stream->out_submitted && !stream->out_ended && !stream->out_waiting &&
           (nghttp2_session_get_stream_remote_window_size(ng, stream->id) <= 0 ||
            nghttp2_session_get_remote_window_size(ng) <= 0);
}

/* gRPC's ends take their time: they must not be silent for too long, that is all. */
static bool late(const struct h2_stream *stream, struct pace *pace, uint64_t now_ms)
{
    const struct client_terms *terms = client_terms_of(client_of(stream->session)->intake->terms);
    if (head_is_grpc(stream->side.exchange->request.head))
        return now_ms - stream->progress_at_ms >= LIMIT_CLIENT_GRPC_SILENCE_MS;
    return pace_late(pace, &terms->pace, now_ms);
}

/* True when the stream is failed. */
static bool tick_stream(struct h2_stream *stream, uint64_t now_ms)
{
    struct counters *counters = stream->session->loop->counters;
    if (stream->reset_at_ms != 0 && now_ms >= stream->reset_at_ms) {
        h2_stream_reset(stream, NGHTTP2_NO_ERROR);
        return false;
    }
    if (!side_attached(&stream->side) || !stream->in_head_done)
        return false;
    if (!owes_request(stream)) {
        pace_begin(&stream->in_pace, now_ms);
    } else if (late(stream, &stream->in_pace, now_ms)) {
        counters_add(counters, COUNTER_CLIENT_BODIES_LATE, 1);
        h2_stream_fail(stream, ERR_REQUEST_TIMEOUT, NGHTTP2_CANCEL);
        return true;
    }
    if (!owes_window(stream)) {
        pace_begin(&stream->out_pace, now_ms);
    } else if (late(stream, &stream->out_pace, now_ms)) {
        counters_add(counters, COUNTER_CLIENT_READERS_LATE, 1);
        h2_stream_fail(stream, ERR_CLIENT_GONE, NGHTTP2_CANCEL);
        return true;
    }
    return false;
}

/* A visitor that is late with everything it asked for has its connection closed. */
static void tick_streams(struct h2_session *session, uint64_t now_ms)
{
    size_t late_count = 0;
    LIST_EACH(&session->streams, node)
    {
        if (tick_stream(container_of(node, struct h2_stream, node), now_ms))
            late_count++;
    }
    if (late_count > 0 && late_count == session->streams.count)
        h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM, ERR_TIMEOUT);
}

/* No SETTINGS yet, or half a header block. */
static bool late_head(const struct h2_session *session, const struct client_terms *terms,
                      uint64_t now_ms)
{
    bool continued = !session->watch.block.whole && terms->head_ms > LIMIT_H2_CONTINUED_MS;
    uint64_t block_ms = continued ? LIMIT_H2_CONTINUED_MS : terms->head_ms;
    return (!session->settings_seen && now_ms - session->opened_at_ms >= terms->head_ms) ||
           (session->block.since_ms != 0 && now_ms - session->block.since_ms >= block_ms);
}

static uint64_t on_tick(struct h2_session *session, uint64_t now_ms)
{
    struct h2_client *client = client_of(session);
    const struct client_terms *terms = client_terms_of(client->intake->terms);

    if (client->drain == DRAIN_NOTICED)
        tell_last_stream(client);
    if (late_head(session, terms, now_ms)) {
        counters_add(session->loop->counters, COUNTER_CLIENT_HEADS_LATE, 1);
        if (session->settings_seen)
            h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM, ERR_REQUEST_TIMEOUT);
        else
            h2_session_end(session, ERR_TIMEOUT, true);
        return 0;
    }
    tick_streams(session, now_ms);
    uint64_t busy_ms = busy_tick_ms(client);
    if (session->block.since_ms != 0)
        return busy_ms < H2_BLOCK_TICK_MS ? busy_ms : H2_BLOCK_TICK_MS;
    if (!list_empty(&session->streams) || !session->settings_seen)
        return busy_ms;
    /* Who has never asked for anything is not idle: its first request is due. */
    uint64_t idle_ms = client->served ? terms->idle_ms : terms->head_ms;
    if (now_ms - session->idle_since_ms >= idle_ms) {
        h2_session_terminate(session, NGHTTP2_NO_ERROR, ERR_CLOSED);
        return 0;
    }
    return idle_ms / TICKS_PER_LIMIT + 1;
}

/* ---- the connection */

static void on_ended(struct h2_session *session, enum err err)
{
    struct h2_client *client = client_of(session);
    client->events->on_closed(client->owner, err);
    mem_free(&client);
}

static const struct h2_role client_role = {
    .client_facing = true,
    .conn_window_bytes = LIMIT_CLIENT_CONN_WINDOW_BYTES,
    .grown_bytes_max = LIMIT_CLIENT_CONN_BYTES - LIMIT_CLIENT_STREAMS * LIMIT_FLOW_BYTES,
    .block_bytes_max = LIMIT_HEAD_BYTES,
    .broken_err = ERR_PROTOCOL,
    .on_request = on_request,
    .on_head = on_head,
    .on_out_ended = on_out_ended,
    .on_stream_closed = on_stream_closed,
    .on_stream_freed = on_stream_freed,
    .on_ping_ack = on_ping_ack,
    .on_tick = on_tick,
    .on_stream_lost = on_stream_lost,
    .on_ended = on_ended,
};

struct h2_client *h2_client_open(struct transport *transport, const struct exchange_intake *intake,
                                 const struct client_facts *facts,
                                 const struct h2_client_events *events, void *owner)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LIMIT_CLIENT_STREAMS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LIMIT_FLOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LIMIT_HEAD_ANNOUNCED_BYTES},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    };
    struct h2_client *client = mem_new(struct h2_client);
    client->intake = intake;
    client->facts = facts;
    client->events = events;
    client->owner = owner;
    h2_session_open(&client->session, &client_role, transport, settings, countof(settings));
    h2_session_tick_in(&client->session, busy_tick_ms(client));
    return client;
}

void h2_client_drain(struct h2_client *client)
{
    struct h2_session *session = &client->session;
    if (client->drain != DRAIN_NONE)
        return;
    client->drain = DRAIN_NOTICED;
    /* What the visitor sent before it heard the notice is still served (RFC 9113 6.8). */
    if (nghttp2_submit_shutdown_notice(session->ng) != 0 ||
        nghttp2_submit_ping(session->ng, NGHTTP2_FLAG_NONE, NULL) != 0)
        h2_session_end(session, ERR_INTERNAL, true);
    h2_session_tick_in(session, busy_tick_ms(client));
    h2_session_flush_later(session);
}

void h2_client_close(struct h2_client *client)
{
    h2_session_terminate(&client->session, NGHTTP2_NO_ERROR, ERR_CLOSED);
    h2_session_end(&client->session, ERR_CLOSED, false);
}

void h2_client_cut(struct h2_client *client)
{
    h2_session_end(&client->session, ERR_CLOSED, true);
}
