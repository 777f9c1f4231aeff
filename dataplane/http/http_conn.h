/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_conn.h - an origin connection that can run exchanges, whatever it speaks.
 *
 * h1_origin has one slot, h2_origin as many as the origin allows.  The origin room asks `free
 * slots`, runs exchanges, and hears three events; it never learns which protocol it holds but for
 * the log.
 *
 *      OPEN --on_draining--> no new exchanges --last one ends--> on_closed
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_HTTP_CONN_H
#define TRUNKLINE_DATAPLANE_HTTP_HTTP_CONN_H

#include "common/model/origin_knowledge.h"
#include "dataplane/http/exchange.h"

struct http_conn;

struct http_conn_events {
    void (*on_slots)(void *owner); /* slots_max or slots_used changed: there may be room */
    void (*on_draining)(
        void *owner); /* GOAWAY, `connection: close`, ids exhausted: no new exchanges */
    void (*on_closed)(void *owner, enum err err); /* last; all its exchanges have been failed or
                                                     ended; the conn is freed when this returns */
};

struct http_conn_ops {
    void (*run)(struct http_conn *conn, struct exchange *exchange);
    void (*drain)(struct http_conn *conn);
    void (*close)(struct http_conn *conn);
};

struct http_conn {
    const struct http_conn_ops *ops;
    const struct http_conn_events *events;
    void *owner;
    enum http_version version;
    uint32_t slots_max; /* now: h2: min(cap, current MAX_CONCURRENT_STREAMS); 1 for h1 */
    uint32_t slots_used;
    uint64_t exchanges_run; /* since it opened; > 0 means a new exchange reuses it */
    /* HTTP/2: streams that the origin answered; that it reset as broken. */
    uint64_t answers_count, resets_count;
    enum origin_reason flaw; /* what is wrong with the origin's HTTP/2; set before on_draining or
                                on_closed is called */
    bool draining;
    bool tunnelled; /* draining: what it runs is a tunnel, however long that lasts */
    bool tunnels;   /* HTTP/2: the origin has announced that it takes tunnels (RFC 8441) */
};

static inline uint32_t http_conn_free_slots(const struct http_conn *c)
{
    return c->draining || c->slots_used >= c->slots_max ? 0 : c->slots_max - c->slots_used;
}

/* Attaches an origin side of this connection to the exchange; needs a free slot.  Events come
 * later, from the loop. */
static inline void http_conn_run(struct http_conn *c, struct exchange *exchange)
{
    ASSERT(http_conn_free_slots(c) > 0);
    c->ops->run(c, exchange);
}

/* No new exchanges; closes itself when the last one has ended. */
static inline void http_conn_drain(struct http_conn *c)
{
    c->ops->drain(c);
}

/* Now: running exchanges fail with ERR_ORIGIN_RESET; on_closed follows from the loop. */
static inline void http_conn_close(struct http_conn *c)
{
    c->ops->close(c);
}

#endif
