/* SPDX-License-Identifier: Apache-2.0 */
/*
 * side.c - the verbs of a side: producing, consuming, ending.
 */
#include "dataplane/http/side.h"

#include "dataplane/http/exchange_int.h"

/* ---- producing */

void side_put_head(struct side *side, struct head *head)
{
    struct exchange *exchange = side->exchange;
    struct flow *out = side_out(side);

    ASSERT(out->state != FLOW_OPEN && out->state != FLOW_ENDED);
    if (out->state == FLOW_FAILED)
        return;
    if (side->role == SIDE_ORIGIN) {
        if (exchange->observer_ops)
            exchange->observer_ops->on_response_head(exchange->observer, head);
        exchange_end_replay(exchange);
    }
    out->head = head;
    if (out->state == FLOW_STOPPED)
        return;
    out->state = FLOW_OPEN;
    exchange_post(exchange, side_other(side), SIDE_EVENT_HEAD);
}

void side_put_interim(struct side *side, struct head *head)
{
    struct exchange *exchange = side->exchange;

    ASSERT(side->role == SIDE_ORIGIN && head->status >= 101 && head->status < 200);
    if (side_out(side)->state != FLOW_IDLE)
        return;
    struct interim_queue *queue = &exchange->interims;
    if (queue->count == LIMIT_INTERIM_ANSWERS)
        return; /* those of an attempt before this one still wait */
    queue->heads[queue->count++] = head;
    exchange->interim_seen = true;
    exchange_post(exchange, exchange->client, SIDE_EVENT_INTERIM);
}

static enum err role_err(const struct side *side)
{
    return side->role == SIDE_CLIENT ? ERR_REQUEST_FRAMING : ERR_ORIGIN_ANSWER;
}

static enum side_fault role_fault(const struct side *side)
{
    return side->role == SIDE_CLIENT ? FAULT_OF_CLIENT : FAULT_OF_ORIGIN;
}

/* The length that the body must have, or HEAD_LENGTH_UNKNOWN: the answer to HEAD and a 304 tell
 * the length of a body that they do not have. */
static int64_t promised_bytes(const struct side *side, const struct flow *out)
{
    const struct head *request = side->exchange->request.head;
    bool bare =
        side->role == SIDE_ORIGIN &&
        (out->head->status == 304 || (request && span_equal(request->method, SPAN("HEAD"))));
    return bare ? HEAD_LENGTH_UNKNOWN : out->head->content_length;
}

static bool too_large(const struct side *side, const struct flow *out, size_t len)
{
    uint64_t bytes_max = side->exchange->request_bytes_max;
    return side->role == SIDE_CLIENT && bytes_max > 0 && out->total_bytes + len > bytes_max;
}

void side_put_bytes(struct side *side, struct span bytes)
{
    struct exchange *exchange = side->exchange;
    struct flow *out = side_out(side);

    if (bytes.len == 0)
        return;
    ASSERT(out->state != FLOW_IDLE && out->state != FLOW_ENDED);
    if (out->state == FLOW_STOPPED || out->state == FLOW_FAILED) {
        exchange_credit(exchange, out, bytes.len);
        return;
    }
    ASSERT(bytes.len <= bytequeue_room(&out->body));
    if (too_large(side, out, bytes.len)) {
        exchange_refuse_rest(exchange, ERR_REQUEST_BODY_TOO_LARGE);
        exchange_credit(exchange, out, bytes.len);
        return;
    }
    int64_t promised = promised_bytes(side, out);
    if (promised >= 0 && bytes.len > (uint64_t)promised - out->total_bytes) {
        exchange_fail(exchange, role_err(side), role_fault(side));
        return;
    }
    bytequeue_put(&out->body, bytes);
    out->total_bytes += bytes.len;
    exchange_post(exchange, side_other(side), SIDE_EVENT_BYTES);
    if (side->role == SIDE_CLIENT)
        exchange_bound_replay(exchange);
}

void side_refuse(struct side *side, enum err err, const struct problem *problem)
{
    ASSERT(side->role == SIDE_CLIENT && side_out(side)->state != FLOW_IDLE);
    exchange_refuse(side->exchange, err, problem);
    exchange_refuse_rest(side->exchange, err);
}

void side_put_trailers(struct side *side, struct fields *trailers)
{
    ASSERT(side_out(side)->state != FLOW_IDLE && side_out(side)->state != FLOW_ENDED);
    side_out(side)->trailers = trailers;
}

void side_put_end(struct side *side)
{
    struct exchange *exchange = side->exchange;
    struct flow *out = side_out(side);

    ASSERT(out->state != FLOW_IDLE && out->state != FLOW_ENDED);
    if (out->state != FLOW_OPEN)
        return;
    int64_t promised = promised_bytes(side, out);
    if (promised >= 0 && out->total_bytes != (uint64_t)promised) {
        /* What was cut must look cut, never complete. */
        exchange_fail(exchange, role_err(side), role_fault(side));
        return;
    }
    out->state = FLOW_ENDED;
    exchange_post(exchange, side_other(side), SIDE_EVENT_BYTES);
}

size_t side_room(const struct side *side)
{
    const struct flow *out = side_out(side);
    switch (out->state) {
    case FLOW_IDLE:
    case FLOW_OPEN:
        return bytequeue_room(&out->body);
    case FLOW_STOPPED:
    case FLOW_FAILED:
        return out->body.cap_bytes;
    case FLOW_ENDED:
        return 0;
    }
    UNREACHABLE();
}

size_t side_take_credit(struct side *side)
{
    struct flow *out = side_out(side);
    size_t credit_bytes = out->credit_bytes;
    out->credit_bytes = 0;
    return credit_bytes;
}

static bool may_grow(const struct side *side, const struct flow *out)
{
    const struct bytequeue *body = &out->body;
    /* What is kept for another origin is not consumed by anybody yet. */
    if (out->state != FLOW_OPEN || body->keeping)
        return false;
    int64_t promised = promised_bytes(side, out);
    bool fits = promised >= 0 && (uint64_t)promised - out->total_bytes <= body->cap_bytes;
    bool lagging = bytequeue_level(body) > body->cap_bytes / 4;
    return !fits && !lagging;
}

size_t side_grow(struct side *side, size_t more_max)
{
    struct flow *out = side_out(side);
    size_t cap_bytes = out->body.cap_bytes, more = cap_bytes;

    if (!may_grow(side, out))
        return 0;
    if (more > LIMIT_FLOW_BYTES_MAX - cap_bytes)
        more = LIMIT_FLOW_BYTES_MAX - cap_bytes;
    if (more > more_max || more > exchange_pools_spare(side->exchange->pools))
        return 0;
    bytequeue_grow(&out->body, more);
    side->exchange->pools->grown_bytes += more;
    return more;
}

enum flow_state side_out_state(const struct side *side)
{
    return side_out(side)->state;
}

/* ---- consuming */

struct head *side_in_head(const struct side *side)
{
    /* An origin side asks for the head in order to send it. */
    if (side->role == SIDE_ORIGIN)
        side->exchange->origin_may_have_acted = true;
    return side_in(side)->head;
}

struct head *side_in_interim(const struct side *side)
{
    struct interim_queue *queue = &side->exchange->interims;
    if (queue->taken < queue->count)
        return queue->heads[queue->taken++];
    queue->count = queue->taken = 0;
    return NULL;
}

struct span side_peek(const struct side *side)
{
    return bytequeue_peek(&side_in(side)->body);
}

void side_consume(struct side *side, size_t len)
{
    struct exchange *exchange = side->exchange;
    struct flow *in = side_in(side);

    bytequeue_consume(&in->body, len);
    if (in->body.keeping)
        exchange_bound_replay(exchange);
    else
        exchange_credit(exchange, in, len);
}

size_t side_in_level(const struct side *side)
{
    return bytequeue_level(&side_in(side)->body);
}

bool side_in_ended(const struct side *side)
{
    return side_in_complete(side) && side_in_level(side) == 0;
}

bool side_in_complete(const struct side *side)
{
    return side_in(side)->state == FLOW_ENDED;
}

const struct fields *side_in_trailers(const struct side *side)
{
    return side_in(side)->trailers;
}

void side_stop(struct side *side)
{
    exchange_stop_flow(side->exchange, side_in(side));
}

/* ---- endings */

/* An answer that was put to its end is not spoilt by what its sender does after it. */
static void leave_complete(struct side *side)
{
    struct exchange *exchange = side->exchange;
    exchange_stop_flow(exchange, side_in(side));
    exchange_detach(exchange, side);
}

static void fail_origin(struct side *side, enum err err)
{
    struct exchange *exchange = side->exchange;
    bool broken = exchange->fault.err != ERR_OK;

    if (!broken && !exchange->request_refused)
        exchange->origin_err = err;
    if (!broken && exchange->response.state == FLOW_ENDED) {
        leave_complete(side);
        return;
    }
    if (!broken && exchange->response.state == FLOW_IDLE && exchange->observer_ops) {
        exchange_detach(exchange, side);
        exchange_tell(exchange, OBSERVER_EVENT_ORIGIN_FAILED);
        return;
    }
    exchange_break(exchange, err, FAULT_OF_ORIGIN);
    exchange_post(exchange, exchange->client, SIDE_EVENT_ABORT);
    exchange_detach(exchange, side);
}

void side_fail(struct side *side, enum err err)
{
    struct exchange *exchange = side->exchange;

    ASSERT(exchange != NULL && err != ERR_OK);
    if (side->role == SIDE_ORIGIN) {
        fail_origin(side, err);
        return;
    }
    bool first = exchange->fault.err == ERR_OK;
    exchange_break(exchange, err, FAULT_OF_CLIENT);
    exchange_post(exchange, exchange->origin, SIDE_EVENT_ABORT);
    if (first && !exchange->origin)
        exchange_tell(exchange, OBSERVER_EVENT_CLIENT_GONE);
    exchange_detach(exchange, side);
}

static bool flow_put(const struct flow *out)
{
    return out->state != FLOW_IDLE && out->state != FLOW_OPEN;
}

static bool flow_taken(const struct flow *in)
{
    return flow_put(in) && (in->state != FLOW_ENDED || bytequeue_level(&in->body) == 0);
}

void side_detach(struct side *side)
{
    /* A side that leaves early has failed, whatever it calls that. */
    if (flow_put(side_out(side)) && flow_taken(side_in(side)))
        exchange_detach(side->exchange, side);
    else
        side_fail(side, side->role == SIDE_CLIENT ? ERR_CLIENT_GONE : ERR_ORIGIN_RESET);
}
