/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.c - an answer of our own, as an origin side that lives in the exchange's arena.
 */
#include "dataplane/http/reply.h"

#include "dataplane/http/exchange_int.h"

struct reply {
    struct side side;
    struct head *head;
    struct span body;
};

static void reply_on_head(struct side *side)
{
    struct reply *reply = container_of(side, struct reply, side);

    side_put_head(side, reply->head);
    if (!reply->head->bodyless)
        side_put_bytes(side, reply->body);
    side_put_end(side);
    side_detach(side);
}

static void reply_on_abort(struct side *side)
{
    side_detach(side);
}

static const struct side_ops reply_ops = {
    .name = "reply",
    .on_head = reply_on_head,
    .on_abort = reply_on_abort,
};

void reply_attach(struct exchange *exchange, struct head *head, struct span body)
{
    struct reply *reply = arena_new(&exchange->arena, struct reply);
    const struct head *request = exchange->request.head;
    bool bare = head->status == 204 || head->status == 304;

    ASSERT(request != NULL && body.len <= LIMIT_FLOW_BYTES);
    reply->head = head;
    reply->body = arena_copy(&exchange->arena, body);
    head->bodyless = bare || span_equal(request->method, SPAN("HEAD"));
    head->content_length = bare ? HEAD_LENGTH_UNKNOWN : (int64_t)body.len;
    /* Stopped first: the request may have lost the bytes that another origin side consumed. */
    exchange_stop_flow(exchange, &exchange->request);
    exchange_attach_origin(exchange, &reply->side, &reply_ops);
}
