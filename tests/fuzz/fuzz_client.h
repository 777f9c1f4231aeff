/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_client.h - a visitor's connection whose bytes a fuzzer writes, before an origin that answers
 * each request when it is whole.
 *
 *      the fuzzer's bytes -> fake transport -> h1_client | h2_client -> exchanges -> the origin
 *
 * The promises that hold whatever a visitor sends: nothing crashes or leaks; what an origin gets is
 * clean and, if it has an end, has the length that its head told; what was refused reaches no
 * origin; each exchange ends.
 */
#ifndef TRUNKLINE_TESTS_FUZZ_FUZZ_CLIENT_H
#define TRUNKLINE_TESTS_FUZZ_FUZZ_CLIENT_H

#include "common/base/mem.h"
#include "dataplane/http/reply.h"
#include "tests/unit/support/fake_transport.h"

struct client_rig {
    struct loop loop;
    struct exchange_pools pools;
    struct exchange_intake intake;
    struct fake_transport transport;
    bool one_by_one; /* HTTP/1.1: nothing behind a refused request is one */
    uint64_t trace;  /* of all that was whole or refused, in order */
    unsigned begun_count, done_count, refused_count, whole_count, closed_count;
};

struct told {
    struct side side;
    struct client_rig *rig;
    struct exchange *exchange;
    uint64_t body; /* of its bytes: order and all */
    uint64_t body_bytes;
    bool whole;
};

static inline uint64_t client_mix(uint64_t trace, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        trace = (trace ^ bytes.ptr[i]) * UINT64_C(1099511628211);
    return (trace ^ 0x100) * UINT64_C(1099511628211);
}

/* ---- the origin */

static inline void client_answer(struct told *told)
{
    struct exchange *exchange = told->exchange;
    const struct head *asked = exchange->request.head;
    struct head *head = arena_new(&exchange->arena, struct head);
    struct client_rig *rig = told->rig;

    /* What was cut never looks whole. */
    ASSERT(asked->content_length < 0 || (uint64_t)asked->content_length == told->body_bytes);
    told->whole = true;
    rig->whole_count++;
    rig->trace = client_mix(client_mix(client_mix(rig->trace, asked->method), asked->path),
                            asked->authority);
    rig->trace = client_mix(rig->trace, span_of(&told->body, sizeof(told->body)));
    head_init(head, &exchange->arena);
    head->version = HTTP_2;
    head->status = 200;
    head->bodyless = span_equal(asked->method, SPAN("HEAD"));
    head->content_length = 2;
    side_put_head(&told->side, head);
    if (!head->bodyless)
        side_put_bytes(&told->side, SPAN("ok"));
    side_put_end(&told->side);
    side_detach(&told->side);
}

static inline void client_origin_on_bytes(struct side *side)
{
    struct told *told = container_of(side, struct told, side);
    while (side_in_level(side) > 0) {
        struct span bytes = side_peek(side);
        for (size_t i = 0; i < bytes.len; i++)
            told->body = (told->body ^ bytes.ptr[i]) * UINT64_C(1099511628211);
        told->body_bytes += bytes.len;
        side_consume(side, bytes.len);
    }
    if (side_in_ended(side))
        client_answer(told);
}

/* A tunnel is never opened here: the GET that it is does without. */
static inline void client_origin_on_head(struct side *side)
{
    if (side_in_head(side)->tunnelled)
        side_fail(side, ERR_ORIGIN_ANSWER);
}

static inline void client_origin_on_abort(struct side *side)
{
    side_detach(side);
}

static const struct side_ops client_origin_ops = {.name = "origin",
                                                  .on_head = client_origin_on_head,
                                                  .on_bytes = client_origin_on_bytes,
                                                  .on_abort = client_origin_on_abort};

/* ---- the observer */

static inline void client_on_response_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static inline void client_put_page(struct told *told, enum err err)
{
    struct exchange *exchange = told->exchange;
    struct head *head = arena_new(&exchange->arena, struct head);
    head_init(head, &exchange->arena);
    head->status = err_edge_status(err);
    reply_attach(exchange, head, SPAN("refused\n"));
}

static inline void client_on_origin_failed(void *observer, enum err err)
{
    struct told *told = observer;
    struct client_rig *rig = told->rig;
    ASSERT(!told->whole);
    if (told->exchange->refusal.err != ERR_OK) {
        rig->refused_count++;
        rig->trace = client_mix(rig->trace, span_of(&err, sizeof(err)));
    }
    client_put_page(told, err);
}

static inline void client_on_client_gone(void *observer)
{
    (void)observer;
}

static inline void client_on_done(void *observer)
{
    struct told *told = observer;
    told->rig->done_count++;
    mem_free(&told);
}

static const struct exchange_observer_ops client_observer_ops = {
    .on_response_head = client_on_response_head,
    .on_origin_failed = client_on_origin_failed,
    .on_client_gone = client_on_client_gone,
    .on_done = client_on_done};

static inline struct told *client_take(struct client_rig *rig, struct exchange *exchange)
{
    struct told *told = mem_new(struct told);
    told->rig = rig;
    told->exchange = exchange;
    ASSERT(!rig->one_by_one || rig->refused_count == 0);
    rig->begun_count++;
    exchange_observe(exchange, &client_observer_ops, told);
    return told;
}

static inline void client_begin(void *owner, struct exchange *exchange)
{
    struct told *told = client_take(owner, exchange);
    const struct head *head = exchange->request.head;
    ASSERT(head->authority.len > 0 && head->path.len > 0 && head->method.len > 0);
    for (uint32_t i = 0; i < head->fields.count; i++) {
        const struct field *field = &head->fields.items[i];
        ASSERT(field_name_valid(field->name) && field_value_valid(field->value));
        ASSERT(field->id == FIELD_OTHER || (field_flags(field->id) & FIELD_HOP) == 0);
        ASSERT(field->id != FIELD_HOST && field->id != FIELD_CONTENT_LENGTH);
    }
    ASSERT(exchange->refusal.err == ERR_OK);
    exchange_attach_origin(exchange, &told->side, &client_origin_ops);
}

static inline void client_refuse(void *owner, struct exchange *exchange)
{
    struct told *told = client_take(owner, exchange);
    ASSERT(exchange->refusal.err != ERR_OK);
    ASSERT(err_edge_status(exchange->refusal.err) >= 400);
    client_on_origin_failed(told, exchange->refusal.err);
}

/* ---- a run */

static inline void client_settle(struct client_rig *rig)
{
    while (wakeq_run(&rig->loop.wakeq, 64))
        continue;
}

static inline void client_open(struct client_rig *rig, bool one_by_one)
{
    *rig = (struct client_rig){.one_by_one = one_by_one, .trace = 1};
    ASSERT(loop_open(&rig->loop) == ERR_OK);
    rig->pools = (struct exchange_pools){
        .wakeq = &rig->loop.wakeq, .arenas = &rig->loop.arenas, .chunks = &rig->loop.chunks};
    rig->intake = (struct exchange_intake){
        .begin = client_begin, .refuse = client_refuse, .owner = rig, .pools = &rig->pools};
    fake_transport_open(&rig->transport, &rig->loop);
}

/* In pieces of at most step bytes, as long as they are read. */
static inline void client_give(struct client_rig *rig, struct span bytes, size_t step)
{
    for (size_t at = 0; at < bytes.len && !fake_transport_gone(&rig->transport);) {
        struct span piece = span_skip(bytes, at);
        if (piece.len > step)
            piece = span_first(piece, step);
        size_t given = fake_transport_give(&rig->transport, piece, SIZE_MAX);
        client_settle(rig);
        if (given == 0)
            return;
        at += given;
    }
}

/* The connection is gone by now. */
static inline void client_close(struct client_rig *rig)
{
    client_settle(rig);
    ASSERT(rig->closed_count == 1 && rig->pools.exchange_count == 0);
    ASSERT(rig->begun_count == rig->done_count);
    fake_transport_release(&rig->transport);
    loop_close(&rig->loop);
}

static inline void client_on_closed(void *owner, enum err err)
{
    struct client_rig *rig = owner;
    (void)err;
    rig->closed_count++;
}

#endif
