/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_transport.c - a transport without a socket.
 */
#include "tests/unit/support/fake_transport.h"

#include <stdlib.h>

#define OUT_BYTES_MAX (256u << 20)

static struct fake_transport *fake_of(struct transport *t)
{
    struct fake_transport *fake = container_of(t, struct fake_transport, base);
    ASSERT(!fake_transport_gone(fake));
    return fake;
}

static size_t fake_write_room(struct transport *t)
{
    struct fake_transport *fake = fake_of(t);
    return fake->room_max == SIZE_MAX ? LIMIT_TRANSPORT_OUT_BYTES : fake->room_max;
}

static void fake_write(struct transport *t, struct span bytes)
{
    struct fake_transport *fake = fake_of(t);
    ASSERT(bytes.len <= fake_write_room(t));
    buf_append(&fake->out, bytes);
    if (fake->room_max != SIZE_MAX)
        fake->room_max -= bytes.len;
}

static void fake_read_stop(struct transport *t)
{
    fake_of(t)->reading = false;
}

static void fake_read_start(struct transport *t)
{
    fake_of(t)->reading = true;
}

static void fake_end(struct transport *t)
{
    fake_of(t)->end_said = true;
}

static void fake_close(struct transport *t)
{
    fake_of(t)->closed = true;
}

static void fake_abort(struct transport *t)
{
    fake_of(t)->aborted = true;
}

static const struct transport_ops fake_ops = {
    .name = "fake",
    .write = fake_write,
    .write_room = fake_write_room,
    .read_stop = fake_read_stop,
    .read_start = fake_read_start,
    .end = fake_end,
    .close = fake_close,
    .abort = fake_abort,
};

void fake_transport_open(struct fake_transport *fake, struct loop *loop)
{
    *fake = (struct fake_transport){.base = {.ops = &fake_ops, .loop = loop}, .room_max = SIZE_MAX};
    buf_init(&fake->out, OUT_BYTES_MAX);
}

void fake_transport_release(struct fake_transport *fake)
{
    buf_release(&fake->out);
}

size_t fake_transport_give(struct fake_transport *fake, struct span bytes, size_t step)
{
    size_t given = 0;
    while (given < bytes.len && fake->reading && !fake_transport_gone(fake)) {
        size_t len = bytes.len - given < step ? bytes.len - given : step;
        /* Lent until return: a copy that is freed shows whoever keeps it. */
        uint8_t *lent = malloc(len);
        memcpy(lent, bytes.ptr + given, len);
        fake->base.events->on_bytes(fake->base.owner, span_of(lent, len));
        free(lent);
        given += len;
    }
    return given;
}

void fake_transport_end(struct fake_transport *fake)
{
    if (!fake_transport_gone(fake))
        fake->base.events->on_ended(fake->base.owner);
}

void fake_transport_die(struct fake_transport *fake, enum err err)
{
    if (!fake_transport_gone(fake))
        fake->base.events->on_closed(fake->base.owner, err);
}

void fake_transport_room(struct fake_transport *fake, size_t room)
{
    fake->room_max = room;
    if (!fake_transport_gone(fake))
        fake->base.events->on_room(fake->base.owner);
}
