/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script_side.c - a side of an exchange that plays a script.
 */
#include "tests/unit/support/script_side.h"

#include "common/base/random.h"

#define PIECE_MAX 16384

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static struct script_side *script_of(struct side *side)
{
    return container_of(side, struct script_side, side);
}

static size_t step(const struct script_side *script, size_t len)
{
    if (script->step_max == 0 || len == 0)
        return len;
    size_t step_bytes = 1 + (size_t)random_below(script->step_max);
    return step_bytes < len ? step_bytes : len;
}

static void finish(struct script_side *script)
{
    if (!script->end_sent || !script->end_got || script->stays || !side_attached(&script->side))
        return;
    script->detached = true;
    side_detach(&script->side);
}

void script_produce(struct script_side *script)
{
    uint8_t piece[PIECE_MAX];
    struct side *side = &script->side;

    while (side_attached(side) && !script->end_sent && script->sent_bytes < script->body_bytes) {
        uint64_t left = script->body_bytes - script->sent_bytes;
        size_t len = left < sizeof(piece) ? (size_t)left : sizeof(piece);
        if (len > side_room(side))
            len = side_room(side);
        len = step(script, len);
        if (len == 0)
            return;
        for (size_t i = 0; i < len; i++)
            piece[i] = pattern(script->sent_bytes + i);
        side_put_bytes(side, span_of(piece, len));
        script->sent_bytes += len;
    }
    if (!side_attached(side) || script->end_sent || script->endless)
        return;
    if (script->trailers)
        side_put_trailers(side, script->trailers);
    script->end_sent = true;
    side_put_end(side);
    finish(script);
}

void script_consume(struct script_side *script)
{
    struct side *side = &script->side;
    while (side_attached(side) && side_in_level(side) > 0 &&
           script->got_bytes < script->consume_max) {
        struct span bytes = side_peek(side);
        size_t len = step(script, bytes.len);
        if (len > script->consume_max - script->got_bytes)
            len = (size_t)(script->consume_max - script->got_bytes);
        for (size_t i = 0; i < len; i++)
            ASSERT(script->unchecked || bytes.ptr[i] == pattern(script->got_bytes + i));
        script->got_bytes += len;
        side_consume(side, len);
    }
    if (!side_attached(side) || script->end_got || !side_in_ended(side))
        return;
    script->end_got = true;
    if (side_in_trailers(side))
        script->trailer_count = side_in_trailers(side)->count;
    finish(script);
}

static void script_on_head(struct side *side)
{
    script_of(side)->head_got = true;
    script_of(side)->status = side_in_head(side)->status;
    if (script_of(side)->head_told)
        script_of(side)->head_told(script_of(side));
}

static void script_on_interim(struct side *side)
{
    for (const struct head *head; (head = side_in_interim(side)) != NULL;) {
        script_of(side)->interim_count++;
        script_of(side)->interim_status = head->status;
    }
}

static void script_on_bytes(struct side *side)
{
    script_consume(script_of(side));
}

static void script_on_room(struct side *side)
{
    if (side_out_state(side) == FLOW_OPEN)
        script_produce(script_of(side));
}

static void script_on_stop(struct side *side)
{
    struct script_side *script = script_of(side);
    script->stopped = true;
    script->end_sent = true;
    finish(script);
}

static void script_on_abort(struct side *side)
{
    script_of(side)->aborted = true;
    side_detach(side);
}

static const struct side_ops script_ops = {
    .name = "script",
    .on_head = script_on_head,
    .on_interim = script_on_interim,
    .on_bytes = script_on_bytes,
    .on_room = script_on_room,
    .on_stop = script_on_stop,
    .on_abort = script_on_abort,
};

static void observer_on_response_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static void observer_on_origin_failed(void *observer, enum err err)
{
    struct script_side *script = observer;
    script->origin_err = err;
    exchange_fail(script->exchange, err, FAULT_OF_ORIGIN);
}

static void observer_on_client_gone(void *observer)
{
    (void)observer;
}

static void observer_on_done(void *observer)
{
    struct script_side *script = observer;
    script->done = true;
    script->exchange = NULL;
}

static const struct exchange_observer_ops observer_ops = {
    .on_response_head = observer_on_response_head,
    .on_origin_failed = observer_on_origin_failed,
    .on_client_gone = observer_on_client_gone,
    .on_done = observer_on_done,
};

struct exchange *script_client_open(struct script_side *script, struct exchange_pools *pools,
                                    const struct client_facts *facts)
{
    script->consume_max = UINT64_MAX;
    script->exchange = exchange_new(pools, &script->side, &script_ops, facts);
    exchange_observe(script->exchange, &observer_ops, script);
    return script->exchange;
}

void script_origin_attach(struct script_side *script, struct exchange *exchange)
{
    script->consume_max = UINT64_MAX;
    script->exchange = exchange;
    exchange_observe(exchange, &observer_ops, script);
    exchange_attach_origin(exchange, &script->side, &script_ops);
}

static struct head *new_head(struct exchange *exchange)
{
    struct head *head = arena_new(&exchange->arena, struct head);
    head_init(head, &exchange->arena);
    head->version = HTTP_2;
    head->content_length = HEAD_LENGTH_UNKNOWN;
    return head;
}

struct head *script_request(struct exchange *exchange, const char *method, const char *path)
{
    struct head *head = new_head(exchange);
    head->method = span_str(method);
    head->scheme = SPAN("https");
    head->authority = SPAN("example.test");
    head->path = span_str(path);
    return head;
}

struct head *script_response(struct exchange *exchange, int status)
{
    struct head *head = new_head(exchange);
    head->status = status;
    return head;
}

void script_field(struct head *head, const char *name, const char *value)
{
    ASSERT(fields_add(&head->fields, span_str(name), span_str(value)) == ERR_OK);
}
