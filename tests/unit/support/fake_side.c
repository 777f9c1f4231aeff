/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_side.c - sides that write down what they hear.
 */
#include "tests/unit/support/fake_side.h"

static struct fake_side *fake_of(struct side *side)
{
    struct fake_side *fake = container_of(side, struct fake_side, side);
    ASSERT(!*fake->in_verb);
    return fake;
}

static void note(struct fake_side *fake, char event)
{
    size_t len = strlen(fake->log);
    if (len + 2 > sizeof(fake->log))
        len = 0;
    fake->log[len] = event;
    fake->log[len + 1] = '\0';
}

static void fake_on_interim(struct side *side)
{
    note(fake_of(side), 'I');
}

static void fake_on_head(struct side *side)
{
    note(fake_of(side), 'H');
    ASSERT(side_in_head(side) != NULL);
}

static void fake_on_bytes(struct side *side)
{
    struct fake_side *fake = fake_of(side);
    note(fake, 'B');
    if (fake->greedy)
        fake_take(fake, SIZE_MAX);
}

static void fake_on_room(struct side *side)
{
    note(fake_of(side), 'R');
}

static void fake_on_stop(struct side *side)
{
    note(fake_of(side), 'S');
}

static void fake_on_abort(struct side *side)
{
    note(fake_of(side), 'A');
    side_detach(side);
}

static const struct side_ops fake_ops = {
    .name = "fake",
    .on_head = fake_on_head,
    .on_interim = fake_on_interim,
    .on_bytes = fake_on_bytes,
    .on_room = fake_on_room,
    .on_stop = fake_on_stop,
    .on_abort = fake_on_abort,
};

const struct side_ops *fake_side_ops(void)
{
    return &fake_ops;
}

void fake_side_init(struct fake_side *fake, bool *in_verb)
{
    *fake = (struct fake_side){.in_verb = in_verb};
    buf_init(&fake->got, 64 << 20);
}

void fake_side_release(struct fake_side *fake)
{
    buf_release(&fake->got);
}

void fake_put(struct fake_side *fake, struct span bytes)
{
    *fake->in_verb = true;
    side_put_bytes(&fake->side, bytes);
    *fake->in_verb = false;
}

void fake_end(struct fake_side *fake)
{
    *fake->in_verb = true;
    side_put_end(&fake->side);
    *fake->in_verb = false;
}

void fake_take(struct fake_side *fake, size_t len)
{
    *fake->in_verb = true;
    for (;;) {
        struct span run = side_peek(&fake->side);
        if (run.len > len)
            run = span_first(run, len);
        if (run.len == 0)
            break;
        buf_append(&fake->got, run);
        side_consume(&fake->side, run.len);
        len -= run.len;
    }
    fake->end_got = side_in_ended(&fake->side);
    *fake->in_verb = false;
}

/* ---- the rig */

static void observer_on_head(void *observer, struct head *head)
{
    struct fake_rig *rig = observer;
    ASSERT(head->status >= 200);
    rig->head_count++;
}

static void observer_on_failed(void *observer, enum err err)
{
    struct fake_rig *rig = observer;
    ASSERT(!rig->in_verb);
    rig->failed_count++;
    rig->failed_err = err;
    if (rig->on_failed)
        rig->on_failed(rig);
}

static void observer_on_gone(void *observer)
{
    struct fake_rig *rig = observer;
    ASSERT(!rig->in_verb);
    rig->gone_count++;
}

static void observer_on_done(void *observer)
{
    struct fake_rig *rig = observer;
    ASSERT(!rig->in_verb);
    rig->done_count++;
    rig->exchange = NULL;
}

static const struct exchange_observer_ops observer_ops = {
    .on_response_head = observer_on_head,
    .on_origin_failed = observer_on_failed,
    .on_client_gone = observer_on_gone,
    .on_done = observer_on_done,
};

void fake_rig_open(struct fake_rig *rig)
{
    const struct client_facts facts = {.address = SPAN("203.0.113.7"), .version = HTTP_1_1};

    *rig = (struct fake_rig){.failed_err = ERR_OK};
    wakeq_init(&rig->wakeq);
    arena_pool_init(&rig->arenas, 8);
    chunk_pool_init(&rig->chunks, 8);
    rig->pools = (struct exchange_pools){
        .wakeq = &rig->wakeq, .arenas = &rig->arenas, .chunks = &rig->chunks};
    fake_side_init(&rig->client, &rig->in_verb);
    fake_side_init(&rig->origin, &rig->in_verb);
    rig->exchange = exchange_new(&rig->pools, &rig->client.side, &fake_ops, &facts);
    exchange_observe(rig->exchange, &observer_ops, rig);
}

void fake_rig_close(struct fake_rig *rig)
{
    fake_rig_run(rig);
    ASSERT(rig->pools.exchange_count == 0 && rig->chunks.in_use == 0);
    ASSERT(rig->done_count == 1);
    fake_side_release(&rig->client);
    fake_side_release(&rig->origin);
    chunk_pool_release(&rig->chunks);
    arena_pool_release(&rig->arenas);
}

void fake_rig_attach(struct fake_rig *rig)
{
    buf_clear(&rig->origin.got);
    rig->origin.end_got = false;
    exchange_attach_origin(rig->exchange, &rig->origin.side, &fake_ops);
}

void fake_rig_run(struct fake_rig *rig)
{
    for (size_t i = 0; wakeq_run(&rig->wakeq, 64); i++)
        ASSERT(i < 10000);
}

struct head *fake_rig_request(struct fake_rig *rig, const char *method, int64_t content_length)
{
    struct head *head = arena_new(&rig->exchange->arena, struct head);
    head_init(head, &rig->exchange->arena);
    head->version = HTTP_1_1;
    head->method = span_str(method);
    head->scheme = SPAN("http");
    head->authority = SPAN("www.example.com");
    head->path = SPAN("/");
    head->content_length = content_length;
    return head;
}

struct head *fake_rig_response(struct fake_rig *rig, int status, int64_t content_length)
{
    struct head *head = arena_new(&rig->exchange->arena, struct head);
    head_init(head, &rig->exchange->arena);
    head->version = HTTP_1_1;
    head->status = status;
    head->content_length = content_length;
    return head;
}
