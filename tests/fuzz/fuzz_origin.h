/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_origin.h - exchanges that run on one connection to an origin, whose bytes a fuzzer writes.
 *
 *      script clients -> exchanges -> h1_origin | h2_origin -> fake transport <- the fuzzer's bytes
 *
 * The promises that hold whatever an origin sends: nothing crashes or leaks; after the connection
 * has gone, each exchange that its visitor still wanted has come to an end; what looks complete to
 * a visitor has the length that its head told.
 */
#ifndef TRUNKLINE_TESTS_FUZZ_FUZZ_ORIGIN_H
#define TRUNKLINE_TESTS_FUZZ_FUZZ_ORIGIN_H

#include "dataplane/http/http_conn.h"
#include "tests/unit/support/fake_transport.h"
#include "tests/unit/support/script_side.h"

#define FUZZ_EXCHANGES 4
#define FUZZ_TIMEOUT_MS 3600000
#define FUZZ_BODY_BYTES 100000

/* The first two bytes of an input: what happens beside the origin's bytes. */
enum fuzz_option {
    FUZZ_COUNT = 3,   /* one exchange more than this */
    FUZZ_SPEAKS = 4,  /* a valid beginning is sent before the input */
    FUZZ_POST = 8,    /* requests have bodies */
    FUZZ_HEAD = 16,   /* HEAD, not GET */
    FUZZ_DIES = 32,   /* the connection ends by a reset */
    FUZZ_DEAF = 64,   /* the first visitor takes no body */
    FUZZ_LEAVES = 128 /* the first visitor leaves half way */
};

struct fuzz_exchange {
    struct script_side client;
    int64_t content_length;
    bool bare; /* HEAD or 304: content_length is not this answer's */
};

struct fuzz_rig {
    struct loop loop;
    struct exchange_pools pools;
    struct fake_transport transport;
    struct http_conn *conn;
    struct fuzz_exchange exchanges[FUZZ_EXCHANGES];
    size_t exchange_count;
    unsigned options;
    unsigned closed_count;
};

static inline void fuzz_on_slots(void *owner)
{
    struct fuzz_rig *rig = owner;
    ASSERT(rig->conn && rig->closed_count == 0);
}

static inline void fuzz_on_closed(void *owner, enum err err)
{
    struct fuzz_rig *rig = owner;
    (void)err;
    ASSERT(rig->closed_count == 0 && fake_transport_gone(&rig->transport));
    rig->closed_count++;
    rig->conn = NULL;
}

static inline void fuzz_turns(struct fuzz_rig *rig, int count)
{
    while (count-- > 0)
        uv_run(&rig->loop.uv, UV_RUN_NOWAIT);
}

static inline void fuzz_head_told(struct script_side *script)
{
    struct fuzz_exchange *exchange = container_of(script, struct fuzz_exchange, client);
    const struct exchange *told = script->exchange;
    ASSERT(script->status >= 200 && script->status <= 599);
    exchange->content_length = told->response.head->content_length;
    exchange->bare = script->status == 304 || span_equal(told->request.head->method, SPAN("HEAD"));
}

static inline void fuzz_open(struct fuzz_rig *rig, unsigned options)
{
    *rig = (struct fuzz_rig){.options = options};
    ASSERT(loop_open(&rig->loop) == ERR_OK);
    /* uv makes no turn when nothing holds it, whatever is posted. */
    uv_ref((uv_handle_t *)&rig->loop.prepare);
    rig->pools = (struct exchange_pools){
        .wakeq = &rig->loop.wakeq,
        .arenas = &rig->loop.arenas,
        .chunks = &rig->loop.chunks,
    };
    fake_transport_open(&rig->transport, &rig->loop);
}

/* One more request; false when the connection takes none. */
static inline bool fuzz_request(struct fuzz_rig *rig)
{
    static const struct client_facts facts = {.version = HTTP_2};
    if (rig->exchange_count == FUZZ_EXCHANGES || !rig->conn || rig->conn->draining ||
        http_conn_free_slots(rig->conn) == 0)
        return false;
    struct fuzz_exchange *made = &rig->exchanges[rig->exchange_count];
    struct script_side *client = &made->client;
    bool post = rig->options & FUZZ_POST;

    *made = (struct fuzz_exchange){.client = {.unchecked = true, .head_told = fuzz_head_told}};
    client->body_bytes = post ? FUZZ_BODY_BYTES : 0;
    struct exchange *exchange = script_client_open(client, &rig->pools, &facts);
    if (rig->options & FUZZ_DEAF && rig->exchange_count == 0)
        client->consume_max = 0;
    const char *method = post ? "POST" : rig->options & FUZZ_HEAD ? "HEAD" : "GET";
    struct head *head = script_request(exchange, method, "/");
    head->bodyless = !post;
    side_put_head(&client->side, head);
    script_produce(client);
    rig->exchange_count++;
    http_conn_run(rig->conn, exchange);
    return true;
}

static inline void fuzz_leave(struct script_side *client)
{
    if (!client->done && side_attached(&client->side))
        side_fail(&client->side, ERR_CLIENT_GONE);
}

/* In pieces of at most step bytes, with turns of the loop between them. */
static inline void fuzz_give(struct fuzz_rig *rig, struct span bytes, size_t step)
{
    size_t half = bytes.len / 2;
    for (size_t at = 0; at < bytes.len;) {
        struct span piece = span_skip(bytes, at);
        if (piece.len > step)
            piece = span_first(piece, step);
        size_t given = fake_transport_give(&rig->transport, piece, SIZE_MAX);
        if (given == 0)
            return;
        at += given;
        fuzz_turns(rig, 2);
        if (rig->options & FUZZ_LEAVES && at >= half)
            fuzz_leave(&rig->exchanges[0].client);
    }
}

/* The connection ends; so does every exchange whose visitor listens. */
static inline void fuzz_end(struct fuzz_rig *rig)
{
    if (rig->options & FUZZ_DIES)
        fake_transport_die(&rig->transport, ERR_IO);
    else
        fake_transport_end(&rig->transport);
    fuzz_turns(rig, 4);
    for (size_t i = 0; i < rig->exchange_count; i++) {
        struct fuzz_exchange *exchange = &rig->exchanges[i];
        struct script_side *client = &exchange->client;
        if (client->consume_max == 0) {
            client->consume_max = UINT64_MAX;
            script_consume(client);
        }
        if (client->end_got && exchange->content_length >= 0)
            ASSERT(client->got_bytes == (exchange->bare ? 0 : (uint64_t)exchange->content_length));
        ASSERT(client->interim_count <= LIMIT_INTERIM_ANSWERS);
    }
    fuzz_turns(rig, 4);
    for (size_t i = 0; i < rig->exchange_count; i++)
        ASSERT(rig->exchanges[i].client.done);
}

static inline void fuzz_close(struct fuzz_rig *rig)
{
    if (rig->conn)
        http_conn_close(rig->conn);
    fuzz_turns(rig, 4);
    ASSERT(!rig->conn && rig->closed_count == 1 && rig->pools.exchange_count == 0);
    fake_transport_release(&rig->transport);
    loop_close(&rig->loop);
}

static const struct http_conn_events fuzz_conn_events = {fuzz_on_slots, fuzz_on_slots,
                                                         fuzz_on_closed};

#endif
