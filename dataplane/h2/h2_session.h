/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_session.h - the pump between a transport and an nghttp2_session, for both roles.
 *
 *      transport on_bytes --> h2_watch --> mem_recv --callbacks (h2_events.c)--> streams, role
 *      transport_write    <-- mem_send <--flush, once per loop turn-- submit_*
 *
 * mem_recv and mem_send are called here and nowhere else, never from inside one another: callbacks
 * only submit and post.  The flush stops when the transport has no room for a whole frame and goes
 * on in on_room (L2).  The connection window is credited when bytes come off the transport, stream
 * windows when the other side has consumed (L4).
 *
 *      OPEN --h2_session_terminate--> GOAWAY leaves --> ENDING --wake--> ended (role->on_ended)
 *        '----h2_session_end, transport gone, nothing left to read or write----^
 *
 * Ownership: embedded in h2_client or h2_origin, which frees itself in on_ended.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_SESSION_H
#define TRUNKLINE_DATAPLANE_H2_H2_SESSION_H

#include <nghttp2/nghttp2.h>

#include "dataplane/h2/h2_abuse.h"
#include "dataplane/h2/h2_stream.h"
#include "dataplane/h2/h2_watch.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/transport.h"

/* How often time is looked at while a header block comes in: a fourth of its limit. */
#define H2_BLOCK_TICK_MS (LIMIT_H2_CONTINUED_MS / 4)

/* What differs between the roles.  Called from callbacks of nghttp2 (c) or from the loop (l). */
struct h2_role {
    bool client_facing;
    uint32_t conn_window_bytes;
    uint32_t grown_bytes_max; /* beyond LIMIT_FLOW_BYTES a stream, of all streams together */
    uint32_t block_bytes_max; /* a header block past it ends the connection */
    enum err broken_err;      /* what a peer that breaks the protocol is called */
    /* c: a request begins (client-facing only); NULL refuses it. */
    struct h2_stream *(*on_request)(struct h2_session *session, int32_t id);
    /* c: the header block in stream->head is whole; its err is in stream->block_err. */
    void (*on_head)(struct h2_stream *stream, bool ended);
    /* c: the end of our message left. */
    void (*on_out_ended)(struct h2_stream *stream);
    /* c: nghttp2 forgets the stream; the role ends its side, then the stream is freed. */
    void (*on_stream_closed)(struct h2_stream *stream, uint32_t code);
    /* A stream was freed: there is room for another. */
    void (*on_stream_freed)(struct h2_session *session);
    /* c: SETTINGS (not the ack) or GOAWAY or the ack of a PING came. */
    void (*on_settings)(struct h2_session *session);
    void (*on_goaway)(struct h2_session *session, uint32_t code);
    void (*on_ping_ack)(struct h2_session *session);
    /* l: h2_session_wake was called. */
    void (*on_woken)(struct h2_session *session);
    /* l: time passes; returns milliseconds until the next tick, 0 for none. */
    uint64_t (*on_tick)(struct h2_session *session, uint64_t now_ms);
    /* l: the connection is gone: first this, then on_stream_lost of each stream. */
    void (*on_ending)(struct h2_session *session);
    void (*on_stream_lost)(struct h2_stream *stream);
    /* l: last; frees the session. */
    void (*on_ended)(struct h2_session *session, enum err err);
};

/* The header block that comes in. */
struct h2_block_in {
    struct h2_stream *stream; /* NULL: nobody's */
    size_t bytes;             /* as RFC 9113 6.5.2 counts */
    uint32_t serial;          /* of the watch's block that lasts since then */
    uint64_t since_ms;        /* 0 between blocks */
};

struct h2_session {
    uint32_t tag;
    const struct h2_role *role;
    struct loop *loop;
    struct transport *transport;
    nghttp2_session *ng;
    struct loop_flush flush;
    struct wake wake;
    struct deadline tick;
    uint64_t tick_ms; /* what it was armed with; 0 when it is not */
    struct list streams, spares;
    size_t grown_bytes; /* of the streams' windows, see h2_growth */
    struct h2_abuse abuse;
    struct h2_watch watch;
    struct h2_block_in block;
    size_t frames_waiting; /* to leave, when the SETTINGS began that come in */
    uint64_t opened_at_ms, idle_since_ms, heard_at_ms;
    uint64_t terminated_at_ms; /* 0 while it is not */
    enum err err;              /* why it ends; ERR_OK while nothing is wrong */
    bool settings_seen, deaf, ending, abrupt;
};

/* Takes transport; submits the first SETTINGS (entries are borrowed) and starts to read. */
void h2_session_open(struct h2_session *session, const struct h2_role *role,
                     struct transport *transport, const nghttp2_settings_entry *entries,
                     size_t entry_count);

/* Frames wait: they leave at the end of this loop turn. */
static inline void h2_session_flush_later(struct h2_session *session)
{
    loop_flush_post(session->loop, LOOP_FLUSH_PRODUCERS, &session->flush);
}

/* role->on_woken follows, from the loop. */
static inline void h2_session_wake(struct h2_session *session)
{
    wake_post(&session->loop->wakeq, &session->wake);
}

/* Ticks come every tick_ms from now on, unless shorter ones do already. */
void h2_session_tick_in(struct h2_session *session, uint64_t tick_ms);

/* GOAWAY with code, then the end.  The first err stays. */
void h2_session_terminate(struct h2_session *session, uint32_t code, enum err err);
/* The end, from the loop, without another word when abrupt. */
void h2_session_end(struct h2_session *session, enum err err, bool abrupt);
/* So many tokens of budget; false when there were fewer: GOAWAY(ENHANCE_YOUR_CALM) is on its way
 * then. */
bool h2_session_take(struct h2_session *session, enum h2_budget budget, uint32_t count);
static inline bool h2_session_spend(struct h2_session *session, enum h2_budget budget)
{
    return h2_session_take(session, budget, 1);
}
/* A visitor's doing; an origin's is counted as one thing alone. */
void h2_session_count(struct h2_session *session, enum counter counter);

static inline uint64_t h2_session_now_ms(const struct h2_session *session)
{
    return loop_now_ms(session->loop);
}

#endif
