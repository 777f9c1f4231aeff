/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - one libuv loop: the order of a turn, and what its connections share.
 */
#include "dataplane/net/loop.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/limits.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/tls_engine.h"

/* What the pools keep for reuse: 4 MiB each. */
#define CHUNK_SPARES 256
#define ARENA_SPARES 1024

/* Wakes and flushes that call for more of each other get this many rounds before uv polls again. */
#define ROUNDS_MAX 8

static void run_flushes(struct list *flushes)
{
    /* Who posts itself again while it runs waits for the next round. */
    for (size_t count = flushes->count; count > 0; count--) {
        struct list_node *node = list_pop_front(flushes);
        if (!node)
            return;
        struct loop_flush *flush = container_of(node, struct loop_flush, node);
        flush->run(flush->owner);
    }
}

static bool work_left(const struct loop *loop)
{
    return !list_empty(&loop->wakeq.posted) || !list_empty(&loop->flushes[LOOP_FLUSH_PRODUCERS]) ||
           !list_empty(&loop->flushes[LOOP_FLUSH_TRANSPORTS]);
}

/* Nothing to do: being active is what makes uv poll without waiting. */
static void idle_tick(uv_idle_t *idle)
{
    (void)idle;
}

static void run_turn(struct loop *loop)
{
    for (int round = 0; round < ROUNDS_MAX && work_left(loop); round++) {
        (void)wakeq_run(&loop->wakeq, LIMIT_WAKE_BUDGET);
        for (int order = 0; order < LOOP_FLUSH_ORDERS; order++)
            run_flushes(&loop->flushes[order]);
    }
    if (work_left(loop))
        uv_idle_start(&loop->idle, idle_tick);
    else
        uv_idle_stop(&loop->idle);
}

static void before_poll(uv_prepare_t *prepare)
{
    run_turn(prepare->data);
}

static void after_poll(uv_check_t *check)
{
    run_turn(check->data);
}

enum err loop_open(struct loop *loop)
{
    *loop = (struct loop){0};
    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        log_error("loop_open_failed", F_STR("uv", uv_err_name(status)));
        return ERR_IO;
    }
    loop->uv.data = NULL; /* uv_loop_init keeps what was there */
    wakeq_init(&loop->wakeq);
    for (int order = 0; order < LOOP_FLUSH_ORDERS; order++)
        list_init(&loop->flushes[order]);
    chunk_pool_init(&loop->chunks, CHUNK_SPARES);
    arena_pool_init(&loop->arenas, ARENA_SPARES);
    loop->read_buffer = mem_alloc(LOOP_READ_BYTES);
    loop->record_buffer = mem_alloc(LOOP_RECORD_BYTES);
    loop->deadlines = deadlines_new(loop);
    loop->counters = loop->own_counters = mem_new(struct counters);

    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->idle);
    loop->prepare.data = loop->check.data = loop;
    uv_prepare_start(&loop->prepare, before_poll);
    uv_check_start(&loop->check, after_poll);
    /* These two never end, so they may not be what keeps the loop running; the idle may. */
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    return ERR_OK;
}

void loop_run(struct loop *loop)
{
    /* uv_run returns when it knows of nothing more, and it does not know of wakes that are posted
     * before it starts or while the last handles close. */
    do
        run_turn(loop);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) == 0 && work_left(loop));
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_close(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    deadlines_close(loop->deadlines);
    loop->deadlines = NULL;
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    ASSERT(!work_left(loop));
    ASSERT(uv_loop_close(&loop->uv) == 0);

    tls_shared_free(&loop->tls);
    chunk_pool_release(&loop->chunks);
    arena_pool_release(&loop->arenas);
    mem_free(&loop->read_buffer);
    mem_free(&loop->record_buffer);
    mem_free(&loop->own_counters);
}

void loop_flush_post(struct loop *loop, enum loop_flush_order order, struct loop_flush *flush)
{
    ASSERT(flush->run != NULL);
    if (!list_linked(&flush->node))
        list_push_back(&loop->flushes[order], &flush->node);
}

void loop_flush_cancel(struct loop *loop, enum loop_flush_order order, struct loop_flush *flush)
{
    list_remove(&loop->flushes[order], &flush->node);
}
