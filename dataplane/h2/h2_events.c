/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_events.c - what nghttp2 tells, told on to streams and role.
 */
#include "dataplane/h2/h2_events.h"

#include "dataplane/h2/h2_session.h"
#include "dataplane/h2/h2_session_int.h"

static struct h2_session *session_of(void *user_data)
{
    struct h2_session *session = user_data;
    TAG_CHECK(session, H2_SESSION_TAG);
    return session;
}

/* What a callback returns to have mem_recv stop at once, with GOAWAY on its way. */
static int spend(struct h2_session *session, enum h2_budget budget)
{
    return h2_session_spend(session, budget) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ---- header blocks */

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
    struct h2_session *session = session_of(user_data);
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    session->block.bytes = 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        session->block.stream = session->role->on_request(session, frame->hd.stream_id);
        return nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, session->block.stream);
    }
    struct h2_stream *stream = h2_stream_of(ng, frame->hd.stream_id);
    session->block.stream = stream && side_attached(&stream->side) ? stream : NULL;
    if (!session->block.stream)
        return 0;
    if (session->role->client_facing || stream->in_head_done)
        h2_stream_begin_trailers(stream);
    else
        h2_stream_begin_head(stream, &stream->side.exchange->arena);
    return 0;
}

/* What a block is decoded to beyond what heads usually are. */
static bool charge_decoded(struct h2_session *session, size_t field_bytes)
{
    size_t free_bytes = LIMIT_H2_HEAD_FREE_BYTES;
    if (!session->role->client_facing || session->block.bytes <= free_bytes)
        return true;
    size_t over = session->block.bytes - free_bytes;
    return h2_session_take(session, H2_BUDGET_DECODED,
                           (uint32_t)(over < field_bytes ? over : field_bytes));
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
    (void)ng, (void)frame, (void)flags;
    struct h2_session *session = session_of(user_data);
    size_t field_bytes =
        nghttp2_rcbuf_get_buf(name).len + nghttp2_rcbuf_get_buf(value).len + H2_FIELD_OVERHEAD;
    session->block.bytes += field_bytes;
    if (!charge_decoded(session, field_bytes))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (session->block.bytes > session->role->block_bytes_max) {
        /* A small block of references to one large table entry: decoding on would be the harm. */
        h2_session_count(session, COUNTER_H2_BLOCK_FLOODS);
        h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM, session->role->broken_err);
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (session->block.stream)
        h2_stream_take_field(session->block.stream, name, value);
    return 0;
}

static void take_headers(struct h2_session *session, const nghttp2_frame *frame)
{
    struct h2_stream *stream = session->block.stream;
    bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    session->block.stream = NULL;
    if (!stream || !side_attached(&stream->side) || !stream->block) {
        stream = h2_stream_of(session->ng, frame->hd.stream_id);
        if (stream && ended)
            stream->in_ended = true;
        return;
    }
    stream->progress_at_ms = h2_session_now_ms(session);
    if (stream->head) {
        stream->block = NULL;
        session->role->on_head(stream, ended);
        return;
    }
    enum err err = h2_stream_put_trailers(stream);
    if (err != ERR_OK) {
        bool client = session->role->client_facing;
        h2_stream_fail(stream, client ? err : ERR_ORIGIN_ANSWER, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    if (ended)
        h2_stream_put_end(stream);
}

/* ---- frames that came */

static int take_data(struct h2_session *session, const nghttp2_frame *frame)
{
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        struct h2_stream *stream = h2_stream_of(session->ng, frame->hd.stream_id);
        if (stream)
            h2_stream_put_end(stream);
        return 0;
    }
    /* Nothing but padding; h2_session.c has charged for nothing at all. */
    bool padded_only = frame->hd.length > 0 && frame->data.padlen == frame->hd.length;
    return padded_only ? spend(session, H2_BUDGET_GLITCH) : 0;
}

/* RFC 9113 6.9.2: windows past 2^31-1 because of SETTINGS are an error of the connection; nghttp2
 * resets those streams.  Nothing else is queued by SETTINGS but the ack. */
static bool windows_overflowed(const struct h2_session *session)
{
    return nghttp2_session_get_outbound_queue_size(session->ng) > session->frames_waiting + 1;
}

static int take_settings(struct h2_session *session, const nghttp2_frame *frame)
{
    if (frame->hd.flags & NGHTTP2_FLAG_ACK)
        return 0;
    if (windows_overflowed(session)) {
        h2_session_terminate(session, NGHTTP2_FLOW_CONTROL_ERROR, session->role->broken_err);
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    session->settings_seen = true;
    if (session->role->on_settings)
        session->role->on_settings(session);
    return 0;
}

static void take_ping(struct h2_session *session, const nghttp2_frame *frame)
{
    if (frame->hd.flags & NGHTTP2_FLAG_ACK && session->role->on_ping_ack)
        session->role->on_ping_ack(session);
}

static int take_reset(struct h2_session *session, const nghttp2_frame *frame)
{
    struct h2_stream *stream = h2_stream_of(session->ng, frame->hd.stream_id);
    /* An origin can reset only what was asked of it: that costs one request each, and the siblings
     * of those must not pay for it. */
    bool asked = stream && !stream->in_reset && !session->role->client_facing;
    if (stream)
        stream->in_reset = true;
    return asked ? 0 : spend(session, H2_BUDGET_RESET);
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
    (void)ng;
    struct h2_session *session = session_of(user_data);
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
        return take_data(session, frame);
    case NGHTTP2_HEADERS:
        take_headers(session, frame);
        return 0;
    case NGHTTP2_RST_STREAM:
        return take_reset(session, frame);
    case NGHTTP2_SETTINGS:
        return take_settings(session, frame);
    case NGHTTP2_PING:
        take_ping(session, frame);
        return 0;
    case NGHTTP2_GOAWAY:
        if (session->role->on_goaway)
            session->role->on_goaway(session, frame->goaway.error_code);
        return 0;
    default:
        return 0;
    }
}

static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *user_data)
{
    if (hd->type == NGHTTP2_SETTINGS)
        session_of(user_data)->frames_waiting = nghttp2_session_get_outbound_queue_size(ng);
    return 0;
}

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes,
                         size_t len, void *user_data)
{
    (void)flags;
    struct h2_session *session = session_of(user_data);
    /* L4: one paused stream never starves its siblings. */
    if (nghttp2_session_consume_connection(ng, len) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    struct h2_stream *stream = h2_stream_of(ng, id);
    if (stream && !h2_stream_put_bytes(stream, span_of(bytes, len)))
        h2_stream_fail(stream,
                       session->role->client_facing ? ERR_REQUEST_FRAMING : ERR_ORIGIN_ANSWER,
                       NGHTTP2_FLOW_CONTROL_ERROR);
    return 0;
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user_data)
{
    struct h2_session *session = session_of(user_data);
    struct h2_stream *stream = h2_stream_of(ng, id);
    if (!stream)
        return 0;
    session->role->on_stream_closed(stream, code);
    h2_stream_free(stream);
    return 0;
}

/* ---- frames that left */

/* Codes by which we, or nghttp2, answer what a peer did wrong (MadeYouReset). */
static bool is_peers_error(uint32_t code)
{
    return code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_FLOW_CONTROL_ERROR ||
           code == NGHTTP2_STREAM_CLOSED || code == NGHTTP2_FRAME_SIZE_ERROR ||
           code == NGHTTP2_REFUSED_STREAM;
}

static void note_sent(struct h2_session *session, const nghttp2_frame *frame)
{
    struct h2_stream *stream = h2_stream_of(session->ng, frame->hd.stream_id);
    if (!stream)
        return;
    stream->out_head_sent = true;
    stream->progress_at_ms = h2_session_now_ms(session);
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return;
    stream->out_ended = true;
    if (session->role->on_out_ended)
        session->role->on_out_ended(stream);
}

static void note_reset_sent(struct h2_session *session, uint32_t code)
{
    if (code == NGHTTP2_PROTOCOL_ERROR)
        h2_session_count(session, COUNTER_H2_REQUESTS_MALFORMED);
    if (is_peers_error(code))
        (void)h2_session_spend(session, H2_BUDGET_RESET);
}

static void note_goaway_sent(struct h2_session *session, uint32_t code)
{
    if (code == NGHTTP2_NO_ERROR)
        return;
    if (code != NGHTTP2_ENHANCE_YOUR_CALM && session->role->client_facing)
        h2_session_count(session, COUNTER_H2_PROTOCOL_ERRORS);
    if (session->err == ERR_OK)
        session->err = session->role->broken_err;
}

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
    (void)ng;
    struct h2_session *session = session_of(user_data);
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
        h2_abuse_fill(&session->abuse, H2_BUDGET_PING);
        h2_abuse_fill(&session->abuse, H2_BUDGET_WINDOW);
        note_sent(session, frame);
        break;
    case NGHTTP2_HEADERS:
        h2_abuse_fill(&session->abuse, H2_BUDGET_WINDOW);
        note_sent(session, frame);
        break;
    case NGHTTP2_RST_STREAM:
        if (session->role->client_facing)
            note_reset_sent(session, frame->rst_stream.error_code);
        break;
    case NGHTTP2_GOAWAY:
        note_goaway_sent(session, frame->goaway.error_code);
        break;
    default:
        break;
    }
    return 0;
}

static int on_frame_not_send(nghttp2_session *ng, const nghttp2_frame *frame, int lib_err,
                             void *user_data)
{
    (void)user_data;
    /* A request that could not leave is closed by nghttp2, which tells on_stream_close. */
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *stream = h2_stream_of(ng, frame->hd.stream_id);
    if (stream && lib_err != NGHTTP2_ERR_STREAM_CLOSING && lib_err != NGHTTP2_ERR_STREAM_CLOSED)
        h2_stream_fail(stream, ERR_INTERNAL, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

void h2_events_set(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_stream_send_data);
}
