/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_stream.c - one HTTP/2 stream is one side of an exchange: what both roles do alike.
 */
#include "dataplane/h2/h2_stream.h"

#include "common/base/mem.h"
#include "dataplane/h2/h2_fields.h"
#include "dataplane/h2/h2_session.h"

#define STREAM_TAG 0x68327374u

struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id)
{
    struct list_node *node = list_pop_front(&session->spares);
    struct h2_stream *stream =
        node ? container_of(node, struct h2_stream, node) : mem_new(struct h2_stream);

    *stream = (struct h2_stream){
        .tag = STREAM_TAG,
        .id = id,
        .session = session,
        .progress_at_ms = h2_session_now_ms(session),
    };
    pace_begin(&stream->in_pace, stream->progress_at_ms);
    pace_begin(&stream->out_pace, stream->progress_at_ms);
    list_push_back(&session->streams, &stream->node);
    return stream;
}

/* The memory stays with the session: the event in which a stream ends may still return through it.
 */
void h2_stream_free(struct h2_stream *stream)
{
    struct h2_session *session = stream->session;
    ASSERT(!side_attached(&stream->side));
    if (session->block.stream == stream)
        session->block.stream = NULL;
    session->grown_bytes -= stream->growth.grown_bytes;
    list_remove(&session->streams, &stream->node);
    list_push_front(&session->spares, &stream->node);
    if (list_empty(&session->streams))
        session->idle_since_ms = h2_session_now_ms(session);
    if (session->role->on_stream_freed)
        session->role->on_stream_freed(session);
}

struct h2_stream *h2_stream_of(nghttp2_session *ng, int32_t id)
{
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(ng, id);
    if (stream)
        TAG_CHECK(stream, STREAM_TAG);
    return stream;
}

static void submit_reset(struct h2_stream *stream, uint32_t code)
{
    stream->reset_posted = true;
    stream->reset_owed = 0;
    /* It fails for want of memory alone. */
    if (nghttp2_submit_rst_stream(stream->session->ng, NGHTTP2_FLAG_NONE, stream->id, code) != 0)
        h2_session_end(stream->session, ERR_INTERNAL, true);
    h2_session_flush_later(stream->session);
}

/* What has not left is taken back for nothing. */
static bool reset_affordable(struct h2_stream *stream)
{
    struct h2_session *session = stream->session;
    return session->role->client_facing || !stream->out_head_sent ||
           h2_abuse_spend(&session->abuse, H2_BUDGET_CANCEL, h2_session_now_ms(session));
}

static void end_stream(struct h2_stream *stream, uint32_t code)
{
    if (stream->id == 0) {
        h2_stream_free(stream);
        return;
    }
    if (stream->reset_posted || stream->reset_owed != 0)
        return;
    if (reset_affordable(stream)) {
        submit_reset(stream, code);
        return;
    }
    stream->reset_owed = code;
    h2_session_tick_in(stream->session, H2_RESET_OWED_TICK_MS);
}

bool h2_stream_pay_reset(struct h2_stream *stream)
{
    if (stream->reset_owed == 0)
        return true;
    if (!reset_affordable(stream))
        return false;
    submit_reset(stream, stream->reset_owed);
    return true;
}

void h2_stream_reset(struct h2_stream *stream, uint32_t code)
{
    if (side_attached(&stream->side))
        side_detach(&stream->side);
    end_stream(stream, code);
}

void h2_stream_fail(struct h2_stream *stream, enum err err, uint32_t code)
{
    if (side_attached(&stream->side))
        side_fail(&stream->side, err);
    end_stream(stream, code);
}

/* ---- in */

void h2_stream_begin_head(struct h2_stream *stream, struct arena *arena)
{
    stream->head = arena_alloc(arena, sizeof(*stream->head));
    head_init(stream->head, arena);
    stream->head->version = HTTP_2;
    stream->block = &stream->head->fields;
    stream->block_err = ERR_OK;
}

void h2_stream_begin_trailers(struct h2_stream *stream)
{
    struct arena *arena = &stream->side.exchange->arena;
    stream->head = NULL;
    stream->block = arena_alloc(arena, sizeof(*stream->block));
    fields_init(stream->block, arena);
    stream->block_err = ERR_OK;
}

void h2_stream_take_field(struct h2_stream *stream, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
    if (!stream->block || stream->block_err != ERR_OK)
        return;
    if (!stream->head && stream->session->block.bytes > LIMIT_TRAILER_BYTES)
        stream->block_err = ERR_REQUEST_HEAD_TOO_LARGE;
    else
        stream->block_err = h2_fields_take(stream->head, stream->block, name, value);
}

enum err h2_stream_put_trailers(struct h2_stream *stream)
{
    struct fields *trailers = stream->block;
    stream->block = NULL;
    TRY(stream->block_err);
    TRY(head_check_trailers(trailers, NULL));
    if (trailers->count > 0)
        side_put_trailers(&stream->side, trailers);
    return ERR_OK;
}

bool h2_stream_put_bytes(struct h2_stream *stream, struct span bytes)
{
    struct side *side = &stream->side;
    stream->progress_at_ms = h2_session_now_ms(stream->session);
    stream->in_pace.moved_bytes += bytes.len;
    if (!side_attached(side))
        return true;
    enum flow_state state = side_out_state(side);
    if (state == FLOW_OPEN && bytes.len > side_room(side))
        return false;
    if (state == FLOW_OPEN || state == FLOW_STOPPED)
        side_put_bytes(side, bytes);
    return true;
}

void h2_stream_put_end(struct h2_stream *stream)
{
    stream->in_ended = true;
    if (side_attached(&stream->side))
        side_put_end(&stream->side);
}

/* Not side_room: what was consumed is only told to the peer in steps. */
bool h2_stream_window_closed(const struct h2_stream *stream)
{
    return stream->id != 0 &&
           nghttp2_session_get_stream_local_window_size(stream->session->ng, stream->id) <= 0;
}

/* ---- out */

static ssize_t submit_trailers(struct h2_stream *stream, const struct fields *trailers)
{
    struct h2_block block;
    h2_fields_trailers(&block, trailers, &stream->side.exchange->arena);
    return nghttp2_submit_trailer(stream->session->ng, stream->id, block.items, block.count);
}

/* nghttp2_data_source_read_callback: says how much; h2_stream_send_data writes it. */
static ssize_t read_body(nghttp2_session *ng, int32_t id, uint8_t *out, size_t out_bytes,
                         uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    (void)ng, (void)id, (void)out, (void)user_data;
    struct h2_stream *stream = source->ptr;
    TAG_CHECK(stream, STREAM_TAG);
    struct side *side = &stream->side;

    if (!side_attached(side))
        return stream->reset_owed ? NGHTTP2_ERR_DEFERRED : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (stream->tunnel == H2_TUNNEL_REFUSED) {
        *flags = NGHTTP2_DATA_FLAG_EOF;
        return 0;
    }
    size_t level = side_in_level(side);
    bool complete = side_in_complete(side);
    if (stream->tunnel == H2_TUNNEL_ASKED || (level == 0 && !complete)) {
        stream->out_waiting = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    size_t length = level < out_bytes ? level : out_bytes;
    *flags = NGHTTP2_DATA_FLAG_NO_COPY;
    if (complete && length == level) {
        const struct fields *trailers = side_in_trailers(side);
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (trailers) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (submit_trailers(stream, trailers) != 0)
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
    }
    return (ssize_t)length;
}

const nghttp2_data_provider *h2_stream_body(struct h2_stream *stream, const struct head *head,
                                            nghttp2_data_provider *storage)
{
    struct side *side = &stream->side;
    bool ended = side_in_ended(side) && !side_in_trailers(side);
    if (head->bodyless || (ended && !head->tunnelled))
        return NULL;
    *storage = (nghttp2_data_provider){.source = {.ptr = stream}, .read_callback = read_body};
    return storage;
}

/* The bytes go from the flow's chunks into the transport: one copy, and nghttp2's frame buffer
 * stays untouched.  Between the call that came too early (WOULDBLOCK) and the next one the exchange
 * may have gone. */
int h2_stream_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *frame_head,
                        size_t length, nghttp2_data_source *source, void *user_data)
{
    (void)ng, (void)frame, (void)user_data;
    struct h2_stream *stream = source->ptr;
    TAG_CHECK(stream, STREAM_TAG);
    struct side *side = &stream->side;
    struct transport *transport = stream->session->transport;

    if (!side_attached(side) || side_in_level(side) < length)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (transport_write_room(transport) < H2_FRAME_HEAD_BYTES + length)
        return NGHTTP2_ERR_WOULDBLOCK;
    transport_write(transport, span_of(frame_head, H2_FRAME_HEAD_BYTES));
    stream->out_pace.moved_bytes += length;
    while (length > 0) {
        struct span bytes = side_peek(side);
        if (bytes.len > length)
            bytes.len = length;
        transport_write(transport, bytes);
        side_consume(side, bytes.len);
        length -= bytes.len;
    }
    return 0;
}

/* ---- side events */

void h2_stream_on_bytes(struct side *side)
{
    struct h2_stream *stream = h2_stream_of_side(side);
    if (!stream->out_waiting)
        return;
    stream->out_waiting = false;
    stream->progress_at_ms = h2_session_now_ms(stream->session);
    /* It fails when the stream is gone for nghttp2: on_stream_closed has told or will tell. */
    (void)nghttp2_session_resume_data(stream->session->ng, stream->id);
    h2_session_flush_later(stream->session);
}

/* Cap and window grow together (L4): first what we may hold, then what the peer may send. */
static void widen(struct h2_stream *stream)
{
    struct h2_session *session = stream->session;
    size_t more = side_grow(&stream->side, session->role->grown_bytes_max - session->grown_bytes);
    if (more == 0)
        return;
    stream->growth.grown_bytes += more;
    session->grown_bytes += more;
    int32_t window_bytes =
        nghttp2_session_get_stream_effective_local_window_size(session->ng, stream->id);
    if (nghttp2_session_set_local_window_size(session->ng, NGHTTP2_FLAG_NONE, stream->id,
                                              window_bytes + (int32_t)more) != 0)
        h2_session_end(session, ERR_INTERNAL, true);
}

static void watch_growth(struct h2_stream *stream, size_t credit)
{
    struct h2_growth *growth = &stream->growth;
    uint64_t now_ms = stream->progress_at_ms;

    if (now_ms - growth->since_ms > LIMIT_FLOW_GROW_MS) {
        growth->since_ms = now_ms;
        growth->passed_bytes = 0;
    }
    growth->passed_bytes += credit;
    if (growth->passed_bytes < LIMIT_FLOW_BYTES + growth->grown_bytes)
        return;
    growth->since_ms = now_ms;
    growth->passed_bytes = 0;
    widen(stream);
}

void h2_stream_on_room(struct side *side)
{
    struct h2_stream *stream = h2_stream_of_side(side);
    size_t credit = side_take_credit(side);
    stream->progress_at_ms = h2_session_now_ms(stream->session);
    if (credit == 0 || stream->in_ended || stream->id == 0)
        return;
    if (nghttp2_session_consume_stream(stream->session->ng, stream->id, credit) != 0)
        h2_session_end(stream->session, ERR_INTERNAL, true);
    watch_growth(stream, credit);
    h2_session_flush_later(stream->session);
}
