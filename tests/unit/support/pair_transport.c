/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair_transport.c - two transports that are each other's peer, in memory.
 */
#include "tests/unit/support/pair_transport.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/random.h"

#define PENDING_BYTES (2 * (size_t)LIMIT_TRANSPORT_OUT_BYTES)

static struct pair_end *end_of(struct transport *t)
{
    return container_of(t, struct pair_end, base);
}

static bool listening(const struct pair_end *end)
{
    return !end->closed && !end->aborted && end->base.events;
}

static void post_deliver(struct pair_end *end)
{
    if (!end->held)
        wake_post(&end->base.loop->wakeq, &end->deliver);
}

static void pair_write(struct transport *t, struct span bytes)
{
    struct pair_end *end = end_of(t);
    ASSERT(!end->closed && bytes.len <= LIMIT_TRANSPORT_OUT_BYTES - end->pending_bytes);
    if (bytes.len == 0)
        return;
    if (end->pending_at > 0 && end->pending_at + end->pending_bytes + bytes.len > PENDING_BYTES) {
        memmove(end->pending, end->pending + end->pending_at, end->pending_bytes);
        end->pending_at = 0;
    }
    memcpy(end->pending + end->pending_at + end->pending_bytes, bytes.ptr, bytes.len);
    end->pending_bytes += bytes.len;
    end->turn_bytes += bytes.len;
    end->written_bytes += bytes.len;
    loop_flush_post(t->loop, LOOP_FLUSH_TRANSPORTS, &end->flush);
}

static size_t pair_write_room(struct transport *t)
{
    struct pair_end *end = end_of(t);
    size_t room = LIMIT_TRANSPORT_OUT_BYTES - end->pending_bytes;
    end->crowded = end->crowded || room < LIMIT_TRANSPORT_OUT_BYTES / 2;
    return room;
}

static void pair_flush(void *owner)
{
    struct pair_end *end = owner;
    end->flush_count++;
    if (end->turn_bytes > end->flush_bytes_max)
        end->flush_bytes_max = end->turn_bytes;
    end->turn_bytes = 0;
    post_deliver(end);
}

static void tell_end(struct pair_end *end)
{
    struct pair_end *peer = end->peer;
    if (end->peer_told || !listening(peer))
        return;
    end->peer_told = true;
    if (end->aborted)
        peer->base.events->on_closed(peer->base.owner, ERR_IO);
    else
        peer->base.events->on_ended(peer->base.owner);
}

static void pair_deliver(struct wake *wake)
{
    struct pair_end *end = container_of(wake, struct pair_end, deliver);
    struct pair_end *peer = end->peer;
    uint8_t piece[LIMIT_TRANSPORT_OUT_BYTES];

    if (end->held || (listening(peer) && !peer->reading))
        return;
    size_t len = end->pending_bytes;
    if (len == 0) {
        if (end->closed || end->aborted)
            tell_end(end);
        return;
    }
    if (end->piece_max > 0 && len > end->piece_max)
        len = end->piece_max;
    if (end->piece_max > 1)
        len = 1 + (size_t)random_below(len);
    memcpy(piece, end->pending + end->pending_at, len);
    end->pending_at += len;
    end->pending_bytes -= len;
    post_deliver(end);
    if (listening(peer))
        peer->base.events->on_bytes(peer->base.owner, span_of(piece, len));
    if (end->crowded && listening(end) && end->pending_bytes < LIMIT_TRANSPORT_OUT_BYTES / 2) {
        end->crowded = false;
        end->base.events->on_room(end->base.owner);
    }
}

static void pair_read_stop(struct transport *t)
{
    end_of(t)->reading = false;
}

static void pair_read_start(struct transport *t)
{
    end_of(t)->reading = true;
    post_deliver(end_of(t)->peer);
}

static void pair_close(struct transport *t)
{
    end_of(t)->closed = true;
    post_deliver(end_of(t));
}

static void pair_abort(struct transport *t)
{
    end_of(t)->aborted = end_of(t)->closed = true;
    end_of(t)->pending_bytes = 0;
    post_deliver(end_of(t));
}

static const struct transport_ops pair_ops = {
    .name = "pair",
    .write = pair_write,
    .write_room = pair_write_room,
    .read_stop = pair_read_stop,
    .read_start = pair_read_start,
    .close = pair_close,
    .abort = pair_abort,
};

static void end_init(struct loop *loop, struct pair_end *end, struct pair_end *peer)
{
    *end = (struct pair_end){
        .base = {.ops = &pair_ops, .loop = loop},
        .peer = peer,
        .pending = mem_alloc(PENDING_BYTES),
        .flush = {.run = pair_flush, .owner = end},
    };
    wake_init(&end->deliver, pair_deliver);
}

void pair_open(struct loop *loop, struct pair_end *a, struct pair_end *b)
{
    end_init(loop, a, b);
    end_init(loop, b, a);
}

static void end_release(struct loop *loop, struct pair_end *end)
{
    loop_flush_cancel(loop, LOOP_FLUSH_TRANSPORTS, &end->flush);
    wake_cancel(&loop->wakeq, &end->deliver);
    mem_free(&end->pending);
}

void pair_release(struct loop *loop, struct pair_end *a, struct pair_end *b)
{
    end_release(loop, a);
    end_release(loop, b);
}

void pair_hold(struct pair_end *end, bool held)
{
    end->held = held;
    post_deliver(end);
}
