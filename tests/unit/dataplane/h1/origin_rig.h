/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_rig.h - an origin's connection between a fake transport and a fake client side.
 */
#ifndef TRUNKLINE_TESTS_UNIT_DATAPLANE_H1_ORIGIN_RIG_H
#define TRUNKLINE_TESTS_UNIT_DATAPLANE_H1_ORIGIN_RIG_H

#include "tests/unit/common/base/dies.h"

#include <stdlib.h>

#include "dataplane/h1/h1_origin_int.h"
#include "tests/unit/support/fake_side.h"
#include "tests/unit/support/fake_transport.h"

#define UNKNOWN HEAD_LENGTH_UNKNOWN

struct rig {
    struct loop loop;
    struct exchange_pools pools;
    struct fake_transport transport;
    struct http_conn *conn;
    struct exchange *exchange;
    struct fake_side client;
    bool in_verb;
    unsigned slots_count, draining_count, closed_count, done_count, failed_count;
    enum err failed_err;
};

static inline void on_slots(void *owner)
{
    struct rig *rig = owner;
    rig->slots_count++;
}

static inline void on_draining(void *owner)
{
    struct rig *rig = owner;
    rig->draining_count++;
}

static inline void on_closed(void *owner, enum err err)
{
    struct rig *rig = owner;
    (void)err;
    rig->closed_count++;
    rig->conn = NULL;
}

static const struct http_conn_events events = {on_slots, on_draining, on_closed};

static inline void observer_on_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static inline void observer_on_failed(void *observer, enum err err)
{
    struct rig *rig = observer;
    rig->failed_count++;
    rig->failed_err = err;
}

static inline void observer_on_gone(void *observer)
{
    (void)observer;
}

static inline void observer_on_done(void *observer)
{
    struct rig *rig = observer;
    rig->done_count++;
    rig->exchange = NULL;
}

static const struct exchange_observer_ops observer_ops = {
    .on_response_head = observer_on_head,
    .on_origin_failed = observer_on_failed,
    .on_client_gone = observer_on_gone,
    .on_done = observer_on_done,
};

static inline void run(struct rig *rig)
{
    while (wakeq_run(&rig->loop.wakeq, 64))
        continue;
}

static inline void open_rig(struct rig *rig)
{
    const struct h1_origin_options options = {.read_timeout_ms = 120000, .tunnel_idle_ms = 300000};
    *rig = (struct rig){.failed_err = ERR_OK};
    assert_int_equal(loop_open(&rig->loop), ERR_OK);
    rig->pools = (struct exchange_pools){
        .wakeq = &rig->loop.wakeq, .arenas = &rig->loop.arenas, .chunks = &rig->loop.chunks};
    fake_side_init(&rig->client, &rig->in_verb);
    rig->client.greedy = true;
    fake_transport_open(&rig->transport, &rig->loop);
    rig->conn = h1_origin_open(&rig->transport.base, &options, &events, rig);
}

static inline void leave(struct rig *rig)
{
    if (side_attached(&rig->client.side))
        side_fail(&rig->client.side, ERR_CLIENT_GONE);
    run(rig);
}

static inline void close_rig(struct rig *rig)
{
    leave(rig);
    if (rig->conn)
        http_conn_close(rig->conn);
    run(rig);
    assert_int_equal(rig->closed_count, 1);
    assert_true(fake_transport_gone(&rig->transport));
    assert_int_equal(rig->pools.exchange_count, 0);
    fake_transport_release(&rig->transport);
    fake_side_release(&rig->client);
    loop_close(&rig->loop);
}

static inline struct head *request(struct rig *rig, const char *method, int64_t content_length)
{
    const struct client_facts facts = {.version = HTTP_2};
    rig->exchange = exchange_new(&rig->pools, &rig->client.side, fake_side_ops(), &facts);
    exchange_observe(rig->exchange, &observer_ops, rig);
    rig->client.log[0] = '\0';
    rig->client.end_got = false;
    buf_clear(&rig->client.got);
    struct head *head = arena_new(&rig->exchange->arena, struct head);
    head_init(head, &rig->exchange->arena);
    head->version = HTTP_2;
    head->method = span_str(method);
    head->scheme = SPAN("https");
    head->authority = SPAN("a.example");
    head->path = SPAN("/p?q");
    head->content_length = content_length;
    return head;
}

/* A request without a body, written. */
static inline void run_get(struct rig *rig, const char *method)
{
    side_put_head(&rig->client.side, request(rig, method, UNKNOWN));
    fake_end(&rig->client);
    http_conn_run(rig->conn, rig->exchange);
    run(rig);
}

static inline void give(struct rig *rig, const char *text)
{
    fake_transport_give(&rig->transport, span_str(text), SIZE_MAX);
    run(rig);
}

static inline void assert_out(struct rig *rig, const char *text)
{
    assert_string_equal(buf_cstr(&rig->transport.out), text);
    buf_clear(&rig->transport.out);
}

/* The answer came whole; the client side leaves. */
static inline void assert_answer(struct rig *rig, int status, const char *body)
{
    assert_int_equal(side_in_head(&rig->client.side)->status, status);
    assert_span_bytes(buf_span(&rig->client.got), span_str(body));
    assert_true(side_in_ended(&rig->client.side));
    side_detach(&rig->client.side);
    run(rig);
}

#define GET_OUT "GET /p?q HTTP/1.1\r\nhost: a.example\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

#endif
