/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_stream.h - one HTTP/2 stream is one side of an exchange, in either role.
 *
 *      HEADERS, DATA from the peer  --put-->      exchange     (a client stream: the request)
 *      HEADERS, DATA to the peer    <--consume--  exchange     (a client stream: the response)
 *
 * Here is what both roles do alike: taking header blocks in, giving bodies out, window credit. What
 * differs is in h2_client.c and h2_origin.c.
 *
 * Ownership: made and freed by its session (spares are kept); freed when nghttp2 has closed the
 *            stream, until then it may live without an exchange.
 * Limits:    LIMIT_FLOW_BYTES, LIMIT_FLOW_BYTES_MAX, LIMIT_FLOW_GROW_MS, LIMIT_HEAD_BYTES,
 *            LIMIT_FIELDS, LIMIT_HEAD_ANNOUNCED_BYTES, LIMIT_TRAILER_BYTES.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_STREAM_H
#define TRUNKLINE_DATAPLANE_H2_H2_STREAM_H

#include <nghttp2/nghttp2.h>

#include "common/base/list.h"
#include "common/base/pace.h"
#include "dataplane/http/exchange.h"

struct h2_session;

/* How soon a reset that is owed is tried again. */
#define H2_RESET_OWED_TICK_MS 100

/* Whether the window may be what holds the peer up: the round trip is not known, but no path that
 * we size for is longer than LIMIT_FLOW_GROW_MS. */
struct h2_growth {
    uint64_t since_ms;
    size_t passed_bytes; /* consumed since then */
    size_t grown_bytes;  /* what the window is larger by than at first */
};

/* To an origin: what was asked of it (RFC 8441), and what it said.
 *
 *      NONE      ASKED --2xx--> OPEN      bytes of the request flow once it is open
 *                  '---else---> REFUSED   none; the request ends
 */
enum h2_tunnel { H2_TUNNEL_NONE, H2_TUNNEL_ASKED, H2_TUNNEL_OPEN, H2_TUNNEL_REFUSED };

struct h2_stream {
    uint32_t tag;
    int32_t id; /* 0 until nghttp2 gave one */
    struct side side;
    struct list_node node;
    struct h2_session *session;
    struct head *head;             /* of the block that comes in; NULL for trailers */
    struct fields *block;          /* where its fields go; NULL between blocks */
    enum err block_err;            /* what is wrong with it */
    uint64_t progress_at_ms;       /* the peer did something for this stream, or could not */
    struct pace in_pace, out_pace; /* of a visitor, while it is its turn */
    struct h2_growth growth;
    uint32_t interim_count;
    /* in: from the peer.  out: to the peer. */
    bool in_head_done, in_ended, in_reset;
    bool out_submitted, out_head_sent, out_waiting, out_ended;
    bool reset_posted, reset_when_ended;
    bool held; /* to an origin: not submitted until it is known to be alive */
    enum h2_tunnel tunnel;
    uint64_t reset_at_ms; /* 0: not due; see LIMIT_H2_EARLY_ANSWER_MS */
    uint32_t reset_owed;  /* to an origin: its code, sent when the budget has a token again */
};

/* A stream of the session; role code attaches its side.  id is 0 for one that is not submitted. */
struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id);
/* Its side is detached by now. */
void h2_stream_free(struct h2_stream *stream);

/* nghttp2's user data of a stream, or NULL. */
struct h2_stream *h2_stream_of(nghttp2_session *ng, int32_t id);

/* RST_STREAM, unless one is on its way; a request that has not left is taken back instead. Detaches
 * the side if it still is attached. */
void h2_stream_reset(struct h2_stream *stream, uint32_t code);
/* The exchange learns that this side cannot go on, the peer by RST_STREAM(code). */
void h2_stream_fail(struct h2_stream *stream, enum err err, uint32_t code);
/* Tries again what is owed; false while there is no token for it. */
bool h2_stream_pay_reset(struct h2_stream *stream);

/* ---- in */

/* A block begins: a head of the given version, or a trailer section. */
void h2_stream_begin_head(struct h2_stream *stream, struct arena *arena);
void h2_stream_begin_trailers(struct h2_stream *stream);
/* Counts and keeps one field; what is wrong with the block is in block_err. */
void h2_stream_take_field(struct h2_stream *stream, nghttp2_rcbuf *name, nghttp2_rcbuf *value);
/* The trailer section is whole: checks it and puts it. */
MUST_USE enum err h2_stream_put_trailers(struct h2_stream *stream);
/* Bytes of the body; false when the peer exceeded its window. */
MUST_USE bool h2_stream_put_bytes(struct h2_stream *stream, struct span bytes);
void h2_stream_put_end(struct h2_stream *stream);
/* The peer has no window left: its silence is ours. */
bool h2_stream_window_closed(const struct h2_stream *stream);

/* ---- out */

/* The data provider for nghttp2_submit_*; NULL when HEADERS can carry END_STREAM. */
const nghttp2_data_provider *h2_stream_body(struct h2_stream *stream, const struct head *head,
                                            nghttp2_data_provider *storage);
/* nghttp2_send_data_callback. */
int h2_stream_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *frame_head,
                        size_t length, nghttp2_data_source *source, void *user_data);

/* ---- side events that both roles share */
side_event_fn h2_stream_on_bytes, h2_stream_on_room;

static inline struct h2_stream *h2_stream_of_side(struct side *side)
{
    return container_of(side, struct h2_stream, side);
}

#endif
