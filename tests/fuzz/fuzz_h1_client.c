/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_h1_client.c - a visitor who sends anything over HTTP/1.1: where his bytes are split changes
 * no request, and nothing that stands behind a refused one is a request.
 *
 * Input: the size of the pieces, then the visitor's bytes.  An origin answers each request when it
 * is whole; what is refused is answered as the proxy does it.
 */
#include "dataplane/h1/h1_client.h"

#include "common/base/mem.h"
#include "dataplane/http/reply.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/support/fake_transport.h"

struct rig {
    struct loop loop;
    struct exchange_pools pools;
    struct exchange_intake intake;
    struct fake_transport transport;
    struct h1_client *conn;
    uint64_t trace; /* of all that was whole or refused, in order */
    unsigned begun_count, done_count, refused_count, whole_count, closed_count;
};

struct told {
    struct side side;
    struct rig *rig;
    struct exchange *exchange;
    uint64_t body;
    bool whole;
};

static uint64_t mix(uint64_t trace, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        trace = (trace ^ bytes.ptr[i]) * UINT64_C(1099511628211);
    return (trace ^ 0x100) * UINT64_C(1099511628211);
}

/* ---- the origin */

static void answer(struct told *told)
{
    struct exchange *exchange = told->exchange;
    const struct head *asked = exchange->request.head;
    struct head *head = arena_new(&exchange->arena, struct head);
    struct rig *rig = told->rig;

    told->whole = true;
    rig->whole_count++;
    rig->trace = mix(mix(mix(rig->trace, asked->method), asked->path), asked->authority);
    rig->trace = mix(rig->trace, span_of(&told->body, sizeof(told->body)));
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

static void origin_on_bytes(struct side *side)
{
    struct told *told = container_of(side, struct told, side);
    while (side_in_level(side) > 0) {
        struct span bytes = side_peek(side);
        for (size_t i = 0; i < bytes.len; i++)
            told->body = (told->body ^ bytes.ptr[i]) * UINT64_C(1099511628211);
        side_consume(side, bytes.len);
    }
    if (side_in_ended(side))
        answer(told);
}

/* A tunnel is never opened here: the GET that it is does without. */
static void origin_on_head(struct side *side)
{
    if (side_in_head(side)->tunnelled)
        side_fail(side, ERR_ORIGIN_ANSWER);
}

static void origin_on_abort(struct side *side)
{
    side_detach(side);
}

static const struct side_ops origin_ops = {.name = "origin",
                                           .on_head = origin_on_head,
                                           .on_bytes = origin_on_bytes,
                                           .on_abort = origin_on_abort};

/* ---- the observer */

static void on_response_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static void put_page(struct told *told, enum err err)
{
    struct exchange *exchange = told->exchange;
    struct head *head = arena_new(&exchange->arena, struct head);
    head_init(head, &exchange->arena);
    head->status = err_edge_status(err);
    reply_attach(exchange, head, SPAN("refused\n"));
}

static void on_origin_failed(void *observer, enum err err)
{
    struct told *told = observer;
    struct rig *rig = told->rig;
    ASSERT(!told->whole);
    if (told->exchange->refusal.err != ERR_OK) {
        rig->refused_count++;
        rig->trace = mix(rig->trace, span_of(&err, sizeof(err)));
    }
    put_page(told, err);
}

static void on_client_gone(void *observer)
{
    (void)observer;
}

static void on_done(void *observer)
{
    struct told *told = observer;
    told->rig->done_count++;
    mem_free(&told);
}

static const struct exchange_observer_ops observer_ops = {.on_response_head = on_response_head,
                                                          .on_origin_failed = on_origin_failed,
                                                          .on_client_gone = on_client_gone,
                                                          .on_done = on_done};

static struct told *take(struct rig *rig, struct exchange *exchange)
{
    struct told *told = mem_new(struct told);
    told->rig = rig;
    told->exchange = exchange;
    ASSERT(rig->refused_count == 0); /* nothing behind a refused request is one */
    rig->begun_count++;
    exchange_observe(exchange, &observer_ops, told);
    return told;
}

static void begin(void *owner, struct exchange *exchange)
{
    struct told *told = take(owner, exchange);
    const struct head *head = exchange->request.head;
    ASSERT(head->authority.len > 0 && head->path.len > 0 && head->method.len > 0);
    ASSERT(exchange->refusal.err == ERR_OK);
    exchange_attach_origin(exchange, &told->side, &origin_ops);
}

static void refuse(void *owner, struct exchange *exchange)
{
    struct told *told = take(owner, exchange);
    ASSERT(exchange->refusal.err != ERR_OK);
    ASSERT(err_edge_status(exchange->refusal.err) >= 400);
    on_origin_failed(told, exchange->refusal.err);
}

/* ---- one run */

static void on_closed(void *owner, enum err err)
{
    struct rig *rig = owner;
    (void)err;
    rig->closed_count++;
    rig->conn = NULL;
}

static void settle(struct rig *rig)
{
    while (wakeq_run(&rig->loop.wakeq, 64))
        continue;
}

static void give(struct rig *rig, struct span bytes, size_t step)
{
    for (size_t at = 0; at < bytes.len && !fake_transport_gone(&rig->transport);) {
        struct span piece = span_skip(bytes, at);
        if (piece.len > step)
            piece = span_first(piece, step);
        size_t given = fake_transport_give(&rig->transport, piece, SIZE_MAX);
        settle(rig);
        if (given == 0)
            return;
        at += given;
    }
}

static struct rig run(struct span bytes, size_t step)
{
    static const struct h1_client_events events = {on_closed};
    static const struct client_facts facts = {.address = {(const uint8_t *)"192.0.2.1", 9}};
    struct rig rig = {.trace = 1};

    ASSERT(loop_open(&rig.loop) == ERR_OK);
    rig.pools = (struct exchange_pools){
        .wakeq = &rig.loop.wakeq, .arenas = &rig.loop.arenas, .chunks = &rig.loop.chunks};
    rig.intake = (struct exchange_intake){
        .begin = begin, .refuse = refuse, .owner = &rig, .pools = &rig.pools};
    fake_transport_open(&rig.transport, &rig.loop);
    rig.conn = h1_client_open(&rig.transport.base, &rig.intake, &facts, &events, &rig);
    give(&rig, bytes, step);
    settle(&rig);
    if (rig.conn && !fake_transport_gone(&rig.transport))
        fake_transport_end(&rig.transport);
    settle(&rig);
    if (rig.conn)
        h1_client_close(rig.conn);
    settle(&rig);
    ASSERT(rig.closed_count == 1 && rig.pools.exchange_count == 0);
    ASSERT(rig.begun_count == rig.done_count && rig.refused_count <= 1);
    fake_transport_release(&rig.transport);
    loop_close(&rig.loop);
    return rig;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    struct span text = span_skip(span_of(bytes, len), 1);

    struct rig whole = run(text, SIZE_MAX);
    struct rig pieces = run(text, (size_t)bytes[0] + 1);
    ASSERT(whole.begun_count == pieces.begun_count && whole.whole_count == pieces.whole_count);
    ASSERT(whole.refused_count == pieces.refused_count && whole.trace == pieces.trace);
    return 0;
}
