/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_peer.c - the other end of an HTTP/2 connection, played by nghttp2 itself.
 */
#include "tests/unit/support/h2_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NV_MAX 256

struct h2_peer_stream *h2_peer_stream(struct h2_peer *peer, int32_t id)
{
    size_t index = (size_t)(id - 1) / 2;
    ASSERT(id > 0 && index < H2_PEER_STREAMS);
    return &peer->streams[index];
}

static void copy_text(char *out, size_t out_bytes, const uint8_t *text, size_t len)
{
    snprintf(out, out_bytes, "%.*s", (int)len, (const char *)text);
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user_data)
{
    (void)ng, (void)flags;
    struct h2_peer_stream *stream = h2_peer_stream(user_data, frame->hd.stream_id);
    struct span n = span_of(name, name_len);
    stream->field_count++;
    if (span_equal(n, SPAN(":status"))) {
        char digits[4];
        copy_text(digits, sizeof(digits), value, value_len);
        stream->status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
        if (stream->status < 200)
            stream->interim_count++;
    }
    if (span_equal(n, SPAN(":method")))
        copy_text(stream->method, sizeof(stream->method), value, value_len);
    if (span_equal(n, SPAN("cookie")))
        copy_text(stream->cookie, sizeof(stream->cookie), value, value_len);
    if (span_equal(n, SPAN("te")))
        copy_text(stream->te, sizeof(stream->te), value, value_len);
    return 0;
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
    struct h2_peer *peer = user_data;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        peer->goaway_count++;
        peer->goaway_code = frame->goaway.error_code;
        peer->goaway_last_id = frame->goaway.last_stream_id;
    }
    if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK)) {
        peer->settings_count++;
        peer->told_streams_max =
            nghttp2_session_get_remote_settings(ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    }
    if (frame->hd.stream_id == 0)
        return 0;
    struct h2_peer_stream *stream = h2_peer_stream(peer, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        stream->reset = true;
        stream->reset_code = frame->rst_stream.error_code;
    }
    if (frame->hd.type == NGHTTP2_HEADERS) {
        stream->head_frames++;
        if (!stream->requested && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            stream->requested = true;
            peer->request_count++;
        }
    }
    if (frame->hd.type == NGHTTP2_DATA)
        stream->data_frames++;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
        (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS))
        stream->ended = true;
    return 0;
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
                   void *user_data)
{
    (void)ng, (void)flags, (void)bytes;
    h2_peer_stream(user_data, id)->data_bytes += len;
    return 0;
}

static void peer_on_bytes(void *owner, struct span bytes)
{
    struct h2_peer *peer = owner;
    if (nghttp2_session_mem_recv(peer->ng, bytes.ptr, bytes.len) < 0)
        peer->closed = true;
    h2_peer_flush(peer);
}

static void peer_on_room(void *owner)
{
    h2_peer_flush(owner);
}

static void peer_on_ended(void *owner)
{
    ((struct h2_peer *)owner)->ended = true;
}

static void peer_on_closed(void *owner, enum err err)
{
    (void)err;
    ((struct h2_peer *)owner)->closed = true;
}

static const struct transport_events peer_events = {
    .on_bytes = peer_on_bytes,
    .on_room = peer_on_room,
    .on_ended = peer_on_ended,
    .on_closed = peer_on_closed,
};

static void peer_run_flush(void *owner)
{
    struct h2_peer *peer = owner;
    struct transport *transport = &peer->end->base;
    while (!peer->end->closed && transport_write_room(transport) >= 20000) {
        const uint8_t *bytes;
        ssize_t len = nghttp2_session_mem_send(peer->ng, &bytes);
        if (len <= 0)
            return;
        transport_write(transport, span_of(bytes, (size_t)len));
    }
}

void h2_peer_flush(struct h2_peer *peer)
{
    if (!peer->silent)
        loop_flush_post(peer->end->base.loop, LOOP_FLUSH_PRODUCERS, &peer->flush);
}

void h2_peer_open(struct h2_peer *peer, struct pair_end *end, bool server, uint32_t streams_max,
                  bool silent)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    *peer = (struct h2_peer){
        .end = end, .flush = {.run = peer_run_flush, .owner = peer}, .silent = silent};
    ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_option_set_no_http_messaging(option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(option, 4096);
    ASSERT((server ? nghttp2_session_server_new2(&peer->ng, callbacks, peer, option)
                   : nghttp2_session_client_new2(&peer->ng, callbacks, peer, option)) == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max};
    if (!silent)
        nghttp2_submit_settings(peer->ng, 0, &entry, streams_max == UINT32_MAX ? 0 : 1);
    transport_set_owner(&end->base, &peer_events, peer);
    transport_read_start(&end->base);
    if (!silent)
        h2_peer_flush(peer);
}

void h2_peer_release(struct h2_peer *peer)
{
    loop_flush_cancel(peer->end->base.loop, LOOP_FLUSH_PRODUCERS, &peer->flush);
    nghttp2_session_del(peer->ng);
}

static ssize_t read_body(nghttp2_session *ng, int32_t id, uint8_t *out, size_t out_bytes,
                         uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    (void)ng, (void)source;
    struct h2_peer_stream *stream = h2_peer_stream(user_data, id);
    size_t len = stream->body_left < out_bytes ? (size_t)stream->body_left : out_bytes;
    memset(out, 'x', len);
    if (stream->body_left != UINT64_MAX)
        stream->body_left -= len;
    if (stream->body_left == 0)
        *flags = NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

int32_t h2_peer_request(struct h2_peer *peer, const char *method, uint64_t body_bytes,
                        const char *const *fields)
{
    nghttp2_nv items[NV_MAX] = {nv(":method", method), nv(":scheme", "https"),
                                nv(":authority", "example.test"), nv(":path", "/")};
    size_t count = 4;
    for (; fields && fields[0]; fields += 2) {
        ASSERT(count < NV_MAX);
        items[count++] = nv(fields[0], fields[1]);
    }
    nghttp2_data_provider provider = {.read_callback = read_body};
    int32_t id =
        nghttp2_submit_request(peer->ng, NULL, items, count, body_bytes ? &provider : NULL, NULL);
    ASSERT(id > 0);
    h2_peer_stream(peer, id)->body_left = body_bytes;
    h2_peer_flush(peer);
    return id;
}

void h2_peer_respond(struct h2_peer *peer, int32_t id, const char *status, uint64_t body_bytes)
{
    nghttp2_nv item = nv(":status", status);
    nghttp2_data_provider provider = {.read_callback = read_body};
    h2_peer_stream(peer, id)->body_left = body_bytes;
    nghttp2_submit_response(peer->ng, id, &item, 1, body_bytes ? &provider : NULL);
    h2_peer_flush(peer);
}

void h2_peer_reset(struct h2_peer *peer, int32_t id, uint32_t code)
{
    nghttp2_submit_rst_stream(peer->ng, 0, id, code);
    h2_peer_flush(peer);
}
