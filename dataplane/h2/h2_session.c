/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_session.c - the pump between a transport and an nghttp2_session.
 */
#include "dataplane/h2/h2_session.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "dataplane/h2/h2_events.h"
#include "dataplane/h2/h2_session_int.h"

/* The largest frame that nghttp2 hands out at once: 16 KiB, its head, a byte of padding length. */
#define FRAME_ROOM_BYTES (H2_FRAME_BYTES_MAX + H2_FRAME_HEAD_BYTES + 1)

/* ---- out */

static void pump(struct h2_session *session)
{
    while (transport_write_room(session->transport) >= FRAME_ROOM_BYTES) {
        const uint8_t *bytes;
        ssize_t len = nghttp2_session_mem_send(session->ng, &bytes);
        if (len < 0) {
            log_debug("h2_send_failed", F_STR("nghttp2", nghttp2_strerror((int)len)));
            h2_session_end(session, ERR_INTERNAL, true);
        }
        if (len <= 0)
            return;
        transport_write(session->transport, span_of(bytes, (size_t)len));
    }
}

static void session_flush(void *owner)
{
    struct h2_session *session = owner;
    if (session->ending)
        return;
    pump(session);
    if (!nghttp2_session_want_write(session->ng) && !nghttp2_session_want_read(session->ng))
        h2_session_end(session, ERR_CLOSED, false);
}

/* ---- in */

void h2_session_count(struct h2_session *session, enum counter counter)
{
    if (!session->role->client_facing)
        counter = COUNTER_ORIGIN_H2_FLOODS;
    counters_add(session->loop->counters, counter, 1);
}

static void overdrawn(struct h2_session *session, enum h2_budget budget)
{
    log_debug("h2_budget_spent", F_U64("budget", budget));
    if (session->terminated_at_ms == 0)
        h2_session_count(session, h2_abuse_counter(budget));
    h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM, session->role->broken_err);
}

/* GOAWAY, and nothing more is heard. */
static void refuse(struct h2_session *session, uint32_t code)
{
    session->deaf = true;
    transport_read_stop(session->transport);
    if (session->terminated_at_ms == 0)
        h2_session_terminate(session, code, session->role->broken_err);
}

static bool feed(struct h2_session *session, struct span bytes)
{
    if (bytes.len == 0)
        return true;
    ssize_t taken = nghttp2_session_mem_recv(session->ng, bytes.ptr, bytes.len);
    if (taken >= 0)
        return true;
    log_debug("h2_receive_failed", F_STR("nghttp2", nghttp2_strerror((int)taken)));
    bool flooded = taken == NGHTTP2_ERR_FLOODED;
    if (flooded)
        h2_session_count(session, COUNTER_H2_OUT_FLOODS);
    refuse(session, flooded ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    return false;
}

/* What has no effect, or an effect that costs its sender nothing, is paid for; H2_BUDGET_COUNT: it
 * is not. */
static enum h2_budget budget_of(const struct h2_frame_head *frame)
{
    bool flagged = frame->flags & NGHTTP2_FLAG_ACK; /* END_STREAM is the same bit */
    switch (frame->type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_RST_STREAM: /* h2_events.c */
        return H2_BUDGET_COUNT;
    case NGHTTP2_DATA:
        return frame->length > 0 || flagged ? H2_BUDGET_COUNT : H2_BUDGET_GLITCH;
    case NGHTTP2_SETTINGS:
        return flagged ? H2_BUDGET_COUNT : H2_BUDGET_SETTINGS;
    case NGHTTP2_PING:
        return flagged ? H2_BUDGET_GLITCH : H2_BUDGET_PING;
    case NGHTTP2_WINDOW_UPDATE:
        return H2_BUDGET_WINDOW;
    default:
        return H2_BUDGET_GLITCH;
    }
}

/* A second header block of a stream: trailers, unless nghttp2 has forgotten the stream; then it
 * will decode them and not tell. */
static bool is_for_nobody(const struct h2_session *session, const struct h2_frame_head *frame)
{
    return session->role->client_facing && !h2_stream_of(session->ng, (int32_t)frame->stream_id);
}

/* NGHTTP2_NO_ERROR when the frame may come. */
static uint32_t admit(struct h2_session *session, const struct h2_frame_head *frame,
                      struct span before, size_t *fed)
{
    struct h2_watch *watch = &session->watch;
    bool late = frame->type == NGHTTP2_HEADERS && frame->stream_id <= watch->last_id;
    enum h2_budget budget = budget_of(frame);
    uint32_t code = h2_watch_judge(watch, frame, session->role->client_facing);
    bool paid =
        budget == H2_BUDGET_COUNT || h2_abuse_spend(&session->abuse, budget, session->heard_at_ms);

    if (code == NGHTTP2_NO_ERROR && paid && !late)
        return NGHTTP2_NO_ERROR;
    if (!feed(session, before))
        return NGHTTP2_PROTOCOL_ERROR;
    *fed += before.len;
    if (code == NGHTTP2_ENHANCE_YOUR_CALM)
        h2_session_count(session, COUNTER_H2_BLOCK_FLOODS);
    if (code != NGHTTP2_NO_ERROR)
        return code;
    if (late && !is_for_nobody(session, frame))
        return NGHTTP2_NO_ERROR;
    if (late && h2_session_spend(session, H2_BUDGET_GLITCH))
        return NGHTTP2_NO_ERROR;
    if (!paid)
        overdrawn(session, budget);
    return NGHTTP2_ENHANCE_YOUR_CALM;
}

/* Sees each frame head before nghttp2 does; where that matters, nghttp2 has got by then what came
 * before. */
static void receive(struct h2_session *session, struct span bytes)
{
    size_t fed = 0;
    for (size_t at = 0; at < bytes.len;) {
        struct h2_frame_head frame;
        bool told;
        at += h2_watch_next(&session->watch, span_skip(bytes, at), &frame, &told);
        if (!told)
            continue;
        size_t before = at > fed + H2_FRAME_HEAD_BYTES ? at - H2_FRAME_HEAD_BYTES - fed : 0;
        uint32_t code = admit(session, &frame, span_of(bytes.ptr + fed, before), &fed);
        if (code != NGHTTP2_NO_ERROR) {
            refuse(session, code);
            return;
        }
    }
    (void)feed(session, span_skip(bytes, fed));
}

static void time_block(struct h2_session *session)
{
    const struct h2_watch *watch = &session->watch;
    if (!h2_watch_in_block(watch)) {
        session->block.since_ms = 0;
        return;
    }
    if (session->block.since_ms != 0 && session->block.serial == watch->block.serial)
        return;
    session->block.serial = watch->block.serial;
    session->block.since_ms = session->heard_at_ms;
    if (session->role->client_facing)
        h2_session_tick_in(session, H2_BLOCK_TICK_MS);
}

static void session_on_bytes(void *owner, struct span bytes)
{
    struct h2_session *session = owner;
    if (session->ending || session->deaf)
        return;
    session->heard_at_ms = h2_session_now_ms(session);
    receive(session, bytes);
    time_block(session);
    if (nghttp2_session_get_outbound_queue_size(session->ng) > LIMIT_H2_OUT_FRAMES) {
        h2_session_count(session, COUNTER_H2_OUT_FLOODS);
        h2_session_end(session, session->role->broken_err, true);
    }
    h2_session_flush_later(session);
}

static void session_on_room(void *owner)
{
    h2_session_flush_later(owner);
}

/* A peer that sends no more can credit no window either: there is no half-closed HTTP/2. */
static void session_on_transport_ended(void *owner)
{
    h2_session_end(owner, ERR_CLOSED, false);
}

static void session_on_transport_closed(void *owner, enum err err)
{
    h2_session_end(owner, err, true);
}

static const struct transport_events session_transport_events = {
    .on_bytes = session_on_bytes,
    .on_room = session_on_room,
    .on_ended = session_on_transport_ended,
    .on_closed = session_on_transport_closed,
};

/* ---- the end */

static void free_streams(struct list *streams)
{
    for (struct list_node *node; (node = list_pop_front(streams)) != NULL;) {
        struct h2_stream *stream = container_of(node, struct h2_stream, node);
        mem_free(&stream);
    }
}

/* What still runs is failed first, so that its RST_STREAM leaves with the last flush; streams are
 * freed last, because until then nghttp2 knows them. */
static void tear_down(struct h2_session *session)
{
    if (session->role->on_ending)
        session->role->on_ending(session);
    LIST_EACH(&session->streams, node)
    session->role->on_stream_lost(container_of(node, struct h2_stream, node));
    if (session->abrupt) {
        transport_abort(&session->transport);
    } else {
        pump(session);
        transport_close(&session->transport);
    }
    nghttp2_session_del(session->ng);
    loop_flush_cancel(session->loop, LOOP_FLUSH_PRODUCERS, &session->flush);
    deadline_disarm(session->loop, &session->tick);
    wake_cancel(&session->loop->wakeq, &session->wake);
    free_streams(&session->streams);
    free_streams(&session->spares);
    session->tag = 0;
    session->role->on_ended(session, session->err);
}

static void session_woken(struct wake *wake)
{
    struct h2_session *session = container_of(wake, struct h2_session, wake);
    if (session->ending)
        tear_down(session);
    else if (session->role->on_woken)
        session->role->on_woken(session);
}

void h2_session_end(struct h2_session *session, enum err err, bool abrupt)
{
    if (session->err == ERR_OK)
        session->err = err;
    session->ending = true;
    session->abrupt = session->abrupt || abrupt;
    h2_session_wake(session);
}

void h2_session_terminate(struct h2_session *session, uint32_t code, enum err err)
{
    if (session->terminated_at_ms != 0)
        return;
    if (session->err == ERR_OK)
        session->err = err;
    session->terminated_at_ms = h2_session_now_ms(session) | 1;
    if (nghttp2_session_terminate_session(session->ng, code) != 0)
        h2_session_end(session, ERR_INTERNAL, true);
    h2_session_tick_in(session, LIMIT_H2_GOODBYE_MS);
    h2_session_flush_later(session);
}

bool h2_session_take(struct h2_session *session, enum h2_budget budget, uint32_t count)
{
    if (h2_abuse_take(&session->abuse, budget, count, h2_session_now_ms(session)))
        return true;
    overdrawn(session, budget);
    return false;
}

/* ---- time */

static void session_ticked(struct deadline *deadline)
{
    struct h2_session *session = container_of(deadline, struct h2_session, tick);
    uint64_t now_ms = h2_session_now_ms(session);

    session->tick_ms = 0;
    if (session->ending)
        return;
    if (session->terminated_at_ms != 0) {
        if (now_ms - session->terminated_at_ms + 1 >= LIMIT_H2_GOODBYE_MS)
            h2_session_end(session, ERR_TIMEOUT, true);
        else
            h2_session_tick_in(session, LIMIT_H2_GOODBYE_MS);
        return;
    }
    if (list_empty(&session->streams))
        free_streams(&session->spares);
    uint64_t next_ms = session->role->on_tick(session, now_ms);
    if (next_ms != 0)
        h2_session_tick_in(session, next_ms);
}

void h2_session_tick_in(struct h2_session *session, uint64_t tick_ms)
{
    if (session->tick_ms != 0 && session->tick_ms <= tick_ms)
        return;
    session->tick_ms = tick_ms;
    deadline_arm(session->loop, &session->tick, tick_ms, session_ticked);
}

/* ---- the beginning */

static nghttp2_session *ng_new(struct h2_session *session)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_session *ng;

    ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
    h2_events_set(callbacks);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    /* A visitor who does not speak of RFC 9218 (gRPC, curl) expects its streams to share. */
    nghttp2_option_set_server_fallback_rfc7540_priorities(option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(option, LIMIT_ORIGIN_STREAMS_UNTOLD);
    nghttp2_option_set_max_outbound_ack(option, LIMIT_H2_OUT_ACKS);
    nghttp2_option_set_max_continuations(option, LIMIT_H2_CONTINUATIONS);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, LIMIT_H2_HEADER_TABLE_BYTES);
    /* Literals cost more than the 64 KiB that a head may have. */
    nghttp2_option_set_max_send_header_block_length(option, (size_t)LIMIT_HEAD_BYTES * 2);

    int made = session->role->client_facing
                   ? nghttp2_session_server_new2(&ng, callbacks, session, option)
                   : nghttp2_session_client_new2(&ng, callbacks, session, option);
    ASSERT(made == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return ng;
}

void h2_session_open(struct h2_session *session, const struct h2_role *role,
                     struct transport *transport, const nghttp2_settings_entry *entries,
                     size_t entry_count)
{
    *session = (struct h2_session){
        .tag = H2_SESSION_TAG,
        .role = role,
        .loop = transport->loop,
        .transport = transport,
        .flush = {.run = session_flush, .owner = session},
    };
    uint64_t now_ms = h2_session_now_ms(session);
    session->opened_at_ms = session->idle_since_ms = session->heard_at_ms = now_ms;
    list_init(&session->streams);
    list_init(&session->spares);
    wake_init(&session->wake, session_woken);
    h2_abuse_init(&session->abuse, now_ms);
    h2_watch_init(&session->watch, role->client_facing);

    session->ng = ng_new(session);
    ASSERT(nghttp2_submit_settings(session->ng, NGHTTP2_FLAG_NONE, entries, entry_count) == 0);
    ASSERT(nghttp2_session_set_local_window_size(session->ng, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)role->conn_window_bytes) == 0);
    transport_set_owner(transport, &session_transport_events, session);
    transport_read_start(transport);
    h2_session_flush_later(session);
}
