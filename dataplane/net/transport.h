/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport.h - ordered bytes to a peer: plain TCP, or TLS over it.  Knows no HTTP.
 *
 *      write -> [pending, <= LIMIT_TRANSPORT_OUT_BYTES] -> once per loop turn -> kernel
 *      kernel -> on_bytes(span lent until return)
 *
 * Lifetime rules:
 *  1 The opener gives events and an owner; the transport calls nothing else.
 *  2 No event comes from inside a verb: a failure inside transport_write is told later, from the
 * loop. 3 on_bytes never comes after transport_read_stop, until transport_read_start. 4 on_ended:
 * the peer sends no more (FIN; close_notify in TLS); writing still works.  At most once. 5
 * on_closed: the transport is dead, exactly once unless closed by the owner, and last; the owner
 * then calls transport_close to let go of it. 6 transport_close flushes what is pending (for at
 * most 2 s), says close_notify, and frees itself later; the pointer is dead to the caller at once
 * and no event follows. 7 transport_abort throws pending bytes away and resets the connection: what
 * was cut must look cut. 8 transport_end flushes what is pending and says FIN (close_notify before
 * it in TLS); nothing is written after it, reading goes on.
 *
 * on_closed errors: ERR_CLOSED both directions ended; ERR_IO reset; ERR_PROTOCOL broken TLS, or its
 * end without close_notify (a truncation for messages that end with the connection).
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TRANSPORT_H
#define TRUNKLINE_DATAPLANE_NET_TRANSPORT_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/model/limits.h"
#include "dataplane/net/loop.h"

struct transport;

struct transport_events {
    void (*on_bytes)(void *owner, struct span bytes);
    void (*on_room)(
        void *owner); /* pending fell below half, after transport_write_room was too small */
    void (*on_ended)(void *owner);
    void (*on_closed)(void *owner, enum err err);
};

struct transport_ops {
    const char *name;
    void (*write)(struct transport *t, struct span bytes);
    size_t (*write_room)(struct transport *t);
    void (*read_stop)(struct transport *t);
    void (*read_start)(struct transport *t);
    void (*end)(struct transport *t);
    void (*close)(struct transport *t);
    void (*abort)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
    struct loop *loop;
    const struct transport_events *events;
    void *owner;
};

/* A new owner; the old one hears no more.  Used once, when ALPN has decided who speaks. */
static inline void transport_set_owner(struct transport *t, const struct transport_events *events,
                                       void *owner)
{
    t->events = events;
    t->owner = owner;
}

/* Copies.  ASSERTs bytes.len <= transport_write_room(t). */
static inline void transport_write(struct transport *t, struct span bytes)
{
    t->ops->write(t, bytes);
}

static inline size_t transport_write_room(struct transport *t)
{
    return t->ops->write_room(t);
}

static inline void transport_read_stop(struct transport *t)
{
    t->ops->read_stop(t);
}

static inline void transport_read_start(struct transport *t)
{
    t->ops->read_start(t);
}

/* At most once. */
static inline void transport_end(struct transport *t)
{
    t->ops->end(t);
}

static inline void transport_close(struct transport **t)
{
    (*t)->ops->close(*t);
    *t = NULL;
}

static inline void transport_abort(struct transport **t)
{
    (*t)->ops->abort(*t);
    *t = NULL;
}

#endif
