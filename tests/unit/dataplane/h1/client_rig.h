/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_rig.h - a visitor's connection between a fake transport and a fake origin side.
 */
#ifndef TRUNKLINE_TESTS_UNIT_DATAPLANE_H1_CLIENT_RIG_H
#define TRUNKLINE_TESTS_UNIT_DATAPLANE_H1_CLIENT_RIG_H

#include "tests/unit/common/base/dies.h"

#include <stdlib.h>

#include "dataplane/h1/h1_client_int.h"
#include "dataplane/http/reply.h"
#include "tests/unit/support/fake_side.h"
#include "tests/unit/support/fake_transport.h"

struct rig {
    struct loop loop;
    struct exchange_pools pools;
    struct exchange_intake intake;
    struct fake_transport transport;
    struct h1_client *conn;
    struct exchange *exchange; /* the last begun one */
    struct fake_side origin;
    bool in_verb, attached_late;
    unsigned begun_count, done_count, closed_count, gone_count;
    enum err closed_err;
};

static inline void observer_on_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static inline void observer_on_failed(void *observer, enum err err)
{
    struct rig *rig = observer;
    struct head *head = arena_new(&rig->exchange->arena, struct head);
    head_init(head, &rig->exchange->arena);
    head->status = err_edge_status(err);
    reply_attach(rig->exchange, head, SPAN("sorry\n"));
}

static inline void observer_on_gone(void *observer)
{
    struct rig *rig = observer;
    rig->gone_count++;
}

static inline void observer_on_done(void *observer)
{
    struct rig *rig = observer;
    /* The next one may have begun already. */
    if (++rig->done_count == rig->begun_count)
        rig->exchange = NULL;
}

static const struct exchange_observer_ops observer_ops = {
    .on_response_head = observer_on_head,
    .on_origin_failed = observer_on_failed,
    .on_client_gone = observer_on_gone,
    .on_done = observer_on_done,
};

static inline void begin(void *owner, struct exchange *exchange)
{
    struct rig *rig = owner;
    rig->begun_count++;
    rig->exchange = exchange;
    exchange_observe(exchange, &observer_ops, rig);
    if (rig->attached_late)
        return;
    buf_clear(&rig->origin.got);
    rig->origin.end_got = false;
    exchange_attach_origin(exchange, &rig->origin.side, fake_side_ops());
}

/* As the proxy does: a page for what was refused. */
static inline void refuse(void *owner, struct exchange *exchange)
{
    struct rig *rig = owner;
    rig->begun_count++;
    rig->exchange = exchange;
    exchange_observe(exchange, &observer_ops, rig);
    observer_on_failed(rig, exchange->refusal.err);
}

static inline void on_closed(void *owner, enum err err)
{
    struct rig *rig = owner;
    rig->closed_count++;
    rig->closed_err = err;
    rig->conn = NULL;
}

static const struct h1_client_events events = {.on_closed = on_closed};

static inline void run(struct rig *rig)
{
    while (wakeq_run(&rig->loop.wakeq, 64))
        continue;
}

static inline void open_rig(struct rig *rig)
{
    const struct client_facts facts = {.address = SPAN("203.0.113.7"), .version = HTTP_1_1};
    *rig = (struct rig){.closed_err = ERR_OK};
    assert_int_equal(loop_open(&rig->loop), ERR_OK);
    rig->pools = (struct exchange_pools){
        .wakeq = &rig->loop.wakeq, .arenas = &rig->loop.arenas, .chunks = &rig->loop.chunks};
    rig->intake = (struct exchange_intake){.begin = begin, .owner = rig, .pools = &rig->pools};
    fake_side_init(&rig->origin, &rig->in_verb);
    rig->origin.greedy = true;
    fake_transport_open(&rig->transport, &rig->loop);
    rig->conn = h1_client_open(&rig->transport.base, &rig->intake, &facts, &events, rig);
}

static inline void close_rig(struct rig *rig)
{
    if (rig->conn)
        h1_client_close(rig->conn);
    run(rig);
    if (side_attached(&rig->origin.side))
        side_fail(&rig->origin.side, ERR_ORIGIN_RESET);
    run(rig);
    assert_int_equal(rig->closed_count, 1);
    assert_true(fake_transport_gone(&rig->transport));
    assert_int_equal(rig->pools.exchange_count, 0);
    assert_int_equal(rig->begun_count, rig->done_count);
    fake_transport_release(&rig->transport);
    fake_side_release(&rig->origin);
    loop_close(&rig->loop);
}

static inline void give(struct rig *rig, const char *text)
{
    assert_int_equal(fake_transport_give(&rig->transport, span_str(text), SIZE_MAX), strlen(text));
    run(rig);
}

static inline struct head *response(struct rig *rig, int status, int64_t content_length)
{
    struct head *head = arena_new(&rig->exchange->arena, struct head);
    head_init(head, &rig->exchange->arena);
    head->version = HTTP_2;
    head->status = status;
    head->content_length = content_length;
    assert_int_equal(fields_add(&head->fields, SPAN("x"), SPAN("y")), ERR_OK);
    return head;
}

/* The whole answer, and the origin side leaves. */
static inline void answer(struct rig *rig, int status, const char *body)
{
    side_put_head(&rig->origin.side, response(rig, status, (int64_t)strlen(body)));
    fake_put(&rig->origin, span_str(body));
    fake_end(&rig->origin);
    if (!rig->origin.end_got)
        side_stop(&rig->origin.side);
    side_detach(&rig->origin.side);
    run(rig);
}

static inline void assert_out(struct rig *rig, const char *text)
{
    assert_string_equal(buf_cstr(&rig->transport.out), text);
    buf_clear(&rig->transport.out);
}

#define OK_HI "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2\r\n\r\nhi"
#define GET "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: a.example\r\n"

#endif
