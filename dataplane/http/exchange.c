/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.c - the life of an exchange: made with a client side, given origin sides, freed when
 * both are gone.  The verbs of the sides stand in side.c.
 *
 *      exchange_new --> client only <--[side_fail, response IDLE]--. --[exchange_attach_origin]--.
 *                          |                                        '---- client and origin <----'
 *                          '--[both detached]--> observer_run: on_done, arena released
 */
#include "dataplane/http/exchange.h"

#include "common/base/text.h"
#include "dataplane/http/exchange_int.h"

/* Called right after a change; a broken invariant may mix two tenants' bytes. */
static void exchange_check(const struct exchange *exchange)
{
    ASSERT(!exchange->client || exchange->client->exchange == exchange);
    ASSERT(!exchange->origin || exchange->origin->exchange == exchange);
    ASSERT((exchange->fault.side == FAULT_OF_NONE) == (exchange->fault.err == ERR_OK));
}

/* ---- events to sides (L1) */

static side_event_fn *event_fn(const struct side_ops *ops, enum side_event event)
{
    switch (event) {
    case SIDE_EVENT_INTERIM:
        return ops->on_interim;
    case SIDE_EVENT_HEAD:
        return ops->on_head;
    case SIDE_EVENT_BYTES:
        return ops->on_bytes;
    case SIDE_EVENT_ROOM:
        return ops->on_room;
    case SIDE_EVENT_STOP:
        return ops->on_stop;
    case SIDE_EVENT_ABORT:
        return ops->on_abort;
    }
    UNREACHABLE();
}

/* One event a run: the side may free itself in any of them, so nothing of it is touched after. */
static void side_run(struct wake *wake)
{
    struct side *side = container_of(wake, struct side, wake);
    unsigned event = side->events & ~(side->events - 1);

    ASSERT(event != 0 && side->exchange != NULL);
    side->events &= ~event;
    if (side->events != 0)
        wake_post(side->exchange->pools->wakeq, wake);
    side_event_fn *tell = event_fn(side->ops, (enum side_event)event);
    if (tell)
        tell(side);
}

void exchange_post(struct exchange *exchange, struct side *side, enum side_event event)
{
    if (!side || side->events & SIDE_EVENT_ABORT)
        return;
    if (event == SIDE_EVENT_ABORT)
        side->events = 0;
    side->events |= event;
    wake_post(exchange->pools->wakeq, &side->wake);
}

/* ---- the observer, and the end (L5) */

static size_t grown_bytes(const struct flow *flow)
{
    return flow->body.cap_bytes - LIMIT_FLOW_BYTES;
}

static void free_exchange(struct exchange *exchange)
{
    struct arena arena = exchange->arena;

    if (exchange->observer_ops)
        exchange->observer_ops->on_done(exchange->observer);
    wake_cancel(exchange->pools->wakeq, &exchange->observer_wake);
    exchange->pools->exchange_count--;
    exchange->pools->grown_bytes -=
        grown_bytes(&exchange->request) + grown_bytes(&exchange->response);
    bytequeue_release(&exchange->request.body);
    bytequeue_release(&exchange->response.body);
    arena_release(&arena);
}

static bool exchange_over(const struct exchange *exchange)
{
    return !exchange->client && !exchange->origin;
}

static void observer_run(struct wake *wake)
{
    struct exchange *exchange = container_of(wake, struct exchange, observer_wake);
    const struct exchange_observer_ops *ops = exchange->observer_ops;
    unsigned events = exchange->observer_events;

    exchange->observer_events = 0;
    if (ops && events & OBSERVER_EVENT_CLIENT_GONE && !exchange->origin)
        ops->on_client_gone(exchange->observer);
    else if (ops && events & OBSERVER_EVENT_ORIGIN_FAILED && exchange->client &&
             !exchange->origin && exchange->fault.err == ERR_OK) {
        exchange->request_refused = false; /* the answer comes next */
        ops->on_origin_failed(exchange->observer, exchange->origin_err);
    }
    if (exchange_over(exchange))
        free_exchange(exchange);
}

void exchange_tell(struct exchange *exchange, enum observer_event event)
{
    exchange->observer_events |= event;
    wake_post(exchange->pools->wakeq, &exchange->observer_wake);
}

void exchange_detach(struct exchange *exchange, struct side *side)
{
    wake_cancel(exchange->pools->wakeq, &side->wake);
    side->events = 0;
    side->exchange = NULL;
    if (side->role == SIDE_CLIENT)
        exchange->client = NULL;
    else
        exchange->origin = NULL;
    if (exchange_over(exchange))
        wake_post(exchange->pools->wakeq, &exchange->observer_wake);
    exchange_check(exchange);
}

/* ---- flows */

/* Bytes held in a grown flow count twice: on the safe side. */
size_t exchange_pools_spare(const struct exchange_pools *pools)
{
    size_t used_bytes = pools->grown_bytes + pools->chunks->in_use * CHUNK_BYTES;
    return used_bytes < LIMIT_WORKER_FLOW_BYTES ? LIMIT_WORKER_FLOW_BYTES - used_bytes : 0;
}

static struct side *producer_of(const struct exchange *exchange, const struct flow *flow)
{
    return flow == &exchange->request ? exchange->client : exchange->origin;
}

void exchange_credit(struct exchange *exchange, struct flow *flow, size_t len)
{
    if (len == 0)
        return;
    flow->credit_bytes += len;
    flow->unasked_bytes += len;
    if (flow->state == FLOW_ENDED)
        return;
    /* Not "crossed the low watermark": with a trickling HTTP/2 peer the level never does (L3). */
    if (bytequeue_level(&flow->body) > 0 && flow->unasked_bytes < flow->body.cap_bytes / 4)
        return;
    flow->unasked_bytes = 0;
    exchange_post(exchange, producer_of(exchange, flow), SIDE_EVENT_ROOM);
}

void exchange_end_replay(struct exchange *exchange)
{
    struct flow *request = &exchange->request;
    if (request->body.keeping)
        exchange_credit(exchange, request, bytequeue_forget(&request->body));
}

void exchange_bound_replay(struct exchange *exchange)
{
    struct flow *request = &exchange->request;
    const struct bytequeue *body = &request->body;

    if (!body->keeping || body->kept_bytes == 0)
        return;
    /* A producer that has ended needs no room.  Another one may need more than the last byte of
     * it to go on: an HTTP/2 window is smaller than the cap by what its peer rounds off. */
    bool stalls = request->state == FLOW_OPEN && bytequeue_room(body) < body->cap_bytes / 4;
    if (stalls || body->kept_bytes > LIMIT_REPLAY_BYTES)
        exchange_end_replay(exchange);
}

/* Every byte that the flow holds, unread or kept, was dropped. */
static void drop_bytes(struct exchange *exchange, struct flow *flow)
{
    size_t dropped = bytequeue_level(&flow->body) + flow->body.kept_bytes;
    bytequeue_release(&flow->body);
    exchange_credit(exchange, flow, dropped);
}

void exchange_stop_flow(struct exchange *exchange, struct flow *flow)
{
    bool producing = flow->state == FLOW_IDLE || flow->state == FLOW_OPEN;

    if (flow->state == FLOW_STOPPED || flow->state == FLOW_FAILED)
        return;
    flow->state = FLOW_STOPPED;
    drop_bytes(exchange, flow);
    if (producing)
        exchange_post(exchange, producer_of(exchange, flow), SIDE_EVENT_STOP);
}

void exchange_break(struct exchange *exchange, enum err err, enum side_fault side)
{
    if (exchange->fault.err == ERR_OK)
        exchange->fault = (struct fault){.err = err, .side = side};
    exchange->request.state = exchange->response.state = FLOW_FAILED;
    drop_bytes(exchange, &exchange->request);
    drop_bytes(exchange, &exchange->response);
}

/* ---- what others call */

struct exchange *exchange_new(struct exchange_pools *pools, struct side *client,
                              const struct side_ops *ops, const struct client_facts *facts)
{
    struct arena arena;
    arena_init(&arena, pools->arenas);
    struct exchange *exchange = arena_new(&arena, struct exchange);

    exchange->pools = pools;
    exchange->arena = arena;
    bytequeue_init(&exchange->request.body, pools->chunks, LIMIT_FLOW_BYTES);
    bytequeue_init(&exchange->response.body, pools->chunks, LIMIT_FLOW_BYTES);
    bytequeue_keep(&exchange->request.body);
    wake_init(&exchange->observer_wake, observer_run);
    exchange->client_facts = *facts;
    exchange->client_facts.address = arena_copy(&exchange->arena, facts->address);
    exchange->client_facts.sni = arena_copy(&exchange->arena, facts->sni);

    ASSERT(!side_attached(client));
    *client = (struct side){.ops = ops, .exchange = exchange, .role = SIDE_CLIENT};
    wake_init(&client->wake, side_run);
    exchange->client = client;
    pools->exchange_count++;
    exchange_check(exchange);
    return exchange;
}

void exchange_observe(struct exchange *exchange, const struct exchange_observer_ops *ops,
                      void *observer)
{
    exchange->observer_ops = ops;
    exchange->observer = observer;
}

void exchange_attach_origin(struct exchange *exchange, struct side *side,
                            const struct side_ops *ops)
{
    struct flow *request = &exchange->request;

    ASSERT(!exchange->origin && !side_attached(side));
    *side = (struct side){.ops = ops, .exchange = exchange, .role = SIDE_ORIGIN};
    wake_init(&side->wake, side_run);
    exchange->origin = side;
    exchange_check(exchange);
    if (request->state == FLOW_FAILED || exchange->fault.err != ERR_OK ||
        exchange->request_refused) {
        exchange_post(exchange, side, SIDE_EVENT_ABORT);
        return;
    }
    /* A second origin must never be given the rest of a body without its beginning. */
    ASSERT(request->state == FLOW_STOPPED || request->body.keeping);
    ASSERT(exchange->response.state != FLOW_OPEN && exchange->response.state != FLOW_ENDED);
    bytequeue_rewind(&request->body);
    if (request->head)
        exchange_post(exchange, side, SIDE_EVENT_HEAD);
    if (bytequeue_level(&request->body) > 0 || request->state == FLOW_ENDED)
        exchange_post(exchange, side, SIDE_EVENT_BYTES);
    if (exchange->response.state == FLOW_STOPPED)
        exchange_post(exchange, side, SIDE_EVENT_STOP);
    /* A client that waits for `100 Continue` has put nothing that could be consumed. */
    if (request->state == FLOW_OPEN && request->head->expects_continue)
        exchange_post(exchange, exchange->client, SIDE_EVENT_ROOM);
}

bool exchange_can_replay(const struct exchange *exchange)
{
    bool whole = exchange->request.state == FLOW_OPEN || exchange->request.state == FLOW_ENDED;
    return whole && exchange->response.state == FLOW_IDLE && exchange->request.body.keeping;
}

void exchange_strip_tunnel(struct exchange *exchange)
{
    struct flow *request = &exchange->request;
    ASSERT(!exchange->origin && request->head->tunnelled);
    request->head->tunnelled = false;
    request->head->bodyless = true;
    if (request->state == FLOW_OPEN)
        request->state = FLOW_ENDED;
}

bool exchange_limit_request(struct exchange *exchange, uint64_t bytes_max)
{
    const struct flow *request = &exchange->request;
    exchange->request_bytes_max = bytes_max;
    if (bytes_max == 0)
        return true;
    bool announced =
        request->head->content_length > 0 && (uint64_t)request->head->content_length > bytes_max;
    return !announced && request->total_bytes <= bytes_max;
}

void exchange_refuse(struct exchange *exchange, enum err err, const struct problem *problem)
{
    char text[sizeof(problem->path) + sizeof(problem->text) + 2];
    size_t len = text_format(text, sizeof(text), "%s: %s", problem->path, problem->text);

    ASSERT(err != ERR_OK);
    exchange->refusal = (struct refusal){.err = err};
    if (problem->text[0] != '\0')
        exchange->refusal.reason = arena_copy(&exchange->arena, span_of(text, len));
}

void exchange_refuse_rest(struct exchange *exchange, enum err err)
{
    enum flow_state answer = exchange->response.state;
    /* What is answered already cannot be answered otherwise. */
    if (answer == FLOW_OPEN) {
        exchange_fail(exchange, err, FAULT_OF_CLIENT);
        return;
    }
    exchange_stop_flow(exchange, &exchange->request);
    if (answer != FLOW_IDLE)
        return;
    exchange->request_refused = true;
    exchange->origin_err = err;
    if (exchange->origin)
        exchange_post(exchange, exchange->origin, SIDE_EVENT_ABORT);
    else
        exchange_tell(exchange, OBSERVER_EVENT_ORIGIN_FAILED);
}

void exchange_fail(struct exchange *exchange, enum err err, enum side_fault side)
{
    exchange_break(exchange, err, side);
    exchange_post(exchange, exchange->client, SIDE_EVENT_ABORT);
    exchange_post(exchange, exchange->origin, SIDE_EVENT_ABORT);
}
