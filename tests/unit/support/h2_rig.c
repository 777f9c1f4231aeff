/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_rig.c - a loop, a pair of transports, and on its ends what a test of dataplane/h2 needs.
 */
#include "tests/unit/support/h2_rig.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#define TURN_MAX_MS 30000 /* of a condition that never comes; others may want the processor too */
#define SETTLE_TURNS 200

/* ---- events */

static void rig_on_slots(void *owner)
{
    ((struct h2_rig *)owner)->slots_told++;
}

static void rig_on_draining(void *owner)
{
    ((struct h2_rig *)owner)->draining_told++;
}

static void rig_on_origin_closed(void *owner, enum err err)
{
    struct h2_rig *rig = owner;
    rig->origin_closed_told++;
    rig->origin_closed_err = err;
    rig->origin = NULL;
}

static void rig_on_client_closed(void *owner, enum err err)
{
    struct h2_rig *rig = owner;
    rig->client_closed_told++;
    rig->client_closed_err = err;
    rig->client = NULL;
}

static const struct http_conn_events origin_events = {
    .on_slots = rig_on_slots,
    .on_draining = rig_on_draining,
    .on_closed = rig_on_origin_closed,
};
static const struct h2_client_events client_events = {.on_closed = rig_on_client_closed};

/* ---- answers */

static struct h2_rig *rig_of_answer(struct script_side *script)
{
    return container_of(script->exchange->pools, struct h2_rig, pools);
}

static void answer_head_told(struct script_side *script)
{
    struct h2_rig *rig = rig_of_answer(script);
    struct exchange *exchange = script->exchange;
    if (rig->mute)
        return;
    if (rig->interim_status != 0)
        side_put_interim(&script->side, script_response(exchange, rig->interim_status));
    struct head *head = script_response(exchange, rig->status);
    script_field(head, "x-test", "yes");
    head->tunnelled = rig->status == 101;
    bool bare = rig->status == 204 || rig->status == 304 ||
                span_equal(exchange->request.head->method, SPAN("HEAD"));
    if (bare)
        head->bodyless = true;
    script->body_bytes = bare ? 0 : rig->answer_bytes;
    if (rig->with_trailers) {
        script->trailers = arena_new(&exchange->arena, struct fields);
        fields_init(script->trailers, &exchange->arena);
        ASSERT(fields_add(script->trailers, SPAN("grpc-status"), SPAN("0")) == ERR_OK);
    }
    side_put_head(&script->side, head);
    script_produce(script);
}

static void rig_begin(void *owner, struct exchange *exchange)
{
    struct h2_rig *rig = owner;
    ASSERT(rig->answer_count < RIG_SIDES);
    struct script_side *script = &rig->answers[rig->answer_count++];
    script->step_max = rig->step_max;
    script->unchecked = rig->peer != NULL;
    script->endless = rig->withhold_end;
    script->head_told = answer_head_told;
    script_origin_attach(script, exchange);
}

/* ---- the rig */

struct h2_rig *rig_open(void)
{
    struct h2_rig *rig = mem_new(struct h2_rig);
    ASSERT(loop_open(&rig->loop) == ERR_OK);
    rig->pools = (struct exchange_pools){
        .wakeq = &rig->loop.wakeq,
        .arenas = &rig->loop.arenas,
        .chunks = &rig->loop.chunks,
    };
    rig->intake = (struct exchange_intake){.begin = rig_begin, .owner = rig, .pools = &rig->pools};
    rig->facts = (struct client_facts){.address = SPAN("192.0.2.1"), .version = HTTP_2};
    rig->status = 200;
    pair_open(&rig->loop, &rig->near, &rig->far);
    return rig;
}

void rig_open_origin(struct h2_rig *rig, uint64_t read_timeout_ms, uint64_t settings_timeout_ms)
{
    struct h2_origin_options options = {
        .streams_max = 1000,
        .read_timeout_ms = read_timeout_ms,
        .settings_timeout_ms = settings_timeout_ms,
    };
    rig->origin = h2_origin_open(&rig->near.base, &options, &origin_events, rig);
}

void rig_open_client(struct h2_rig *rig)
{
    rig->client = h2_client_open(&rig->far.base, &rig->intake, &rig->facts, &client_events, rig);
}

void rig_open_peer(struct h2_rig *rig, bool server, uint32_t streams_max, bool silent)
{
    rig->peer = mem_new(struct h2_peer);
    h2_peer_open(rig->peer, server ? &rig->far : &rig->near, server, streams_max, silent);
}

struct script_side *rig_prepare(struct h2_rig *rig, const char *method, uint64_t body_bytes)
{
    ASSERT(rig->request_count < RIG_SIDES);
    struct script_side *script = &rig->requests[rig->request_count++];
    script->step_max = rig->step_max;
    script->unchecked = rig->peer != NULL;
    script->body_bytes = body_bytes;
    struct exchange *exchange = script_client_open(script, &rig->pools, &rig->facts);
    struct head *head = script_request(exchange, method, "/");
    head->bodyless = body_bytes == 0;
    side_put_head(&script->side, head);
    script_produce(script);
    return script;
}

struct script_side *rig_request(struct h2_rig *rig, const char *method, uint64_t body_bytes)
{
    struct script_side *script = rig_prepare(rig, method, body_bytes);
    http_conn_run(rig->origin, script->exchange);
    return script;
}

uint64_t rig_now_ms(void)
{
    return clock_mono_ms();
}

bool rig_turn(struct h2_rig *rig, uint64_t since_ms)
{
    uv_run(&rig->loop.uv, UV_RUN_NOWAIT);
    return clock_mono_ms() - since_ms < TURN_MAX_MS;
}

void rig_settle(struct h2_rig *rig)
{
    for (int i = 0; i < SETTLE_TURNS; i++)
        uv_run(&rig->loop.uv, UV_RUN_NOWAIT);
}

void rig_close(struct h2_rig **slot)
{
    struct h2_rig *rig = *slot;
    if (rig->origin)
        http_conn_close(rig->origin);
    if (rig->client)
        h2_client_close(rig->client);
    for (size_t i = 0; i < rig->request_count; i++) {
        if (rig->requests[i].exchange && rig->requests[i].side.exchange)
            side_fail(&rig->requests[i].side, ERR_CLIENT_GONE);
    }
    rig_settle(rig);
    for (size_t i = 0; i < rig->answer_count; i++) {
        if (rig->answers[i].exchange && rig->answers[i].side.exchange)
            side_fail(&rig->answers[i].side, ERR_ORIGIN_RESET);
    }
    rig_settle(rig);
    ASSERT(!rig->origin && !rig->client && rig->pools.exchange_count == 0);
    if (rig->peer)
        h2_peer_release(rig->peer);
    mem_free(&rig->peer);
    pair_release(&rig->loop, &rig->near, &rig->far);
    loop_close(&rig->loop);
    mem_free(slot);
}
