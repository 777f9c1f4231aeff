/* SPDX-License-Identifier: Apache-2.0 */
/* fake_conn.c - an http_conn without a socket. */
#include "tests/unit/support/fake_conn.h"

#include "common/base/mem.h"

static struct fake_conn *fake_of(struct http_conn *conn)
{
    return container_of(conn, struct fake_conn, conn);
}

static void fake_run(struct http_conn *conn, struct exchange *exchange)
{
    struct fake_conn *fake = fake_of(conn);
    conn->slots_used++;
    conn->exchanges_run++;
    if (fake->on_run)
        fake->on_run(fake, exchange);
}

static void fake_drain(struct http_conn *conn)
{
    struct fake_conn *fake = fake_of(conn);
    fake->drained = true;
    conn->draining = true;
    if (conn->slots_used == 0)
        wake_post(fake->wakeq, &fake->closing);
}

static void fake_close(struct http_conn *conn)
{
    struct fake_conn *fake = fake_of(conn);
    ASSERT(!fake->closed);
    fake->closed = true;
    conn->draining = true;
    wake_post(fake->wakeq, &fake->closing);
}

static void fake_closing(struct wake *wake)
{
    fake_conn_die(container_of(wake, struct fake_conn, closing), ERR_CLOSED);
}

static const struct http_conn_ops fake_ops = {
    .run = fake_run, .drain = fake_drain, .close = fake_close};

struct fake_conn *fake_conn_new(struct wakeq *wakeq, enum http_version version, uint32_t slots_max,
                                const struct http_conn_events *events, void *owner)
{
    struct fake_conn *fake = mem_new(struct fake_conn);
    fake->conn = (struct http_conn){.ops = &fake_ops,
                                    .events = events,
                                    .owner = owner,
                                    .version = version,
                                    .slots_max = slots_max};
    fake->wakeq = wakeq;
    wake_init(&fake->closing, fake_closing);
    return fake;
}

void fake_conn_finish(struct fake_conn *fake)
{
    ASSERT(fake->conn.slots_used > 0);
    fake->conn.slots_used--;
    fake->conn.events->on_slots(fake->conn.owner);
    if (fake->drained && fake->conn.slots_used == 0)
        wake_post(fake->wakeq, &fake->closing);
}

void fake_conn_set_slots(struct fake_conn *fake, uint32_t slots_max)
{
    fake->conn.slots_max = slots_max;
    fake->conn.events->on_slots(fake->conn.owner);
}

void fake_conn_goaway(struct fake_conn *fake)
{
    fake->conn.draining = true;
    fake->conn.events->on_draining(fake->conn.owner);
}

void fake_conn_die(struct fake_conn *fake, enum err err)
{
    wake_cancel(fake->wakeq, &fake->closing);
    fake->conn.slots_used = 0;
    fake->conn.events->on_closed(fake->conn.owner, err);
    free(fake);
}
