/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_memory.c - what is known of each origin's protocol.
 *
 *      [use] --> in use by a pool --[leave]--> spare --[room is needed]--> freed
 *      [put] of an unknown origin -----------> spare
 */
#include "dataplane/origin/origin_memory.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/random.h"

void origin_memory_init(struct origin_memory *memory)
{
    *memory = (struct origin_memory){.suspended_first_ms = LIMIT_ORIGIN_SUSPENDED_MS};
    map_init(&memory->by_origin);
    list_init(&memory->spares);
}

static void forget(struct origin_memory *memory, struct origin_known *known)
{
    ASSERT(known->pool == NULL);
    (void)map_remove(&memory->by_origin, digest_span(&known->origin));
    list_remove(&memory->spares, &known->node);
    free(known);
}

void origin_memory_release(struct origin_memory *memory)
{
    LIST_EACH(&memory->spares, node)
    forget(memory, container_of(node, struct origin_known, node));
    ASSERT(memory->by_origin.count == 0);
    map_release(&memory->by_origin);
}

static struct origin_known *find_or_make(struct origin_memory *memory, const struct digest *origin)
{
    struct origin_known *known = map_get(&memory->by_origin, digest_span(origin));
    if (known)
        return known;
    if (memory->by_origin.count >= LIMIT_ORIGIN_POOLS) {
        if (list_empty(&memory->spares))
            return NULL;
        forget(memory, container_of(list_first(&memory->spares), struct origin_known, node));
    }
    known = mem_new(struct origin_known);
    known->origin = *origin;
    list_push_back(&memory->spares, &known->node);
    (void)map_put(&memory->by_origin, digest_span(&known->origin), known);
    return known;
}

/* Pools are no more than what is known may be, so that there is room. */
struct origin_known *origin_memory_use(struct origin_memory *memory, struct span key,
                                       struct origin_pool *pool)
{
    struct digest origin = digest_of(key);
    struct origin_known *known = find_or_make(memory, &origin);
    ASSERT(known != NULL && known->pool == NULL);
    list_remove(&memory->spares, &known->node);
    known->pool = pool;
    return known;
}

void origin_memory_leave(struct origin_memory *memory, struct origin_known *known)
{
    known->pool = NULL;
    list_push_back(&memory->spares, &known->node);
}

/* ---- learned here */

static void tell(struct origin_memory *memory, const struct origin_known *known,
                 enum origin_fact fact, uint64_t left_ms)
{
    if (!memory->learned)
        return;
    const struct origin_knowledge what = {
        .origin = known->origin,
        .fact = fact,
        .count = fact == ORIGIN_FACT_H2_SUSPENDED ? known->suspension.count : 0,
        .until_s = left_ms > 0 ? clock_wall_s() + (left_ms + 999) / 1000 : 0,
    };
    memory->learned(memory->owner, &what);
}

/* A quarter of jitter, so that the workers of a host do not ask the same origin at once. */
static uint64_t believed_ms(void)
{
    return LIMIT_ORIGIN_PROTOCOL_MS - random_below(LIMIT_ORIGIN_PROTOCOL_MS / 4);
}

void origin_memory_negotiated(struct origin_memory *memory, struct origin_known *known,
                              enum origin_protocol protocol, uint64_t now_ms)
{
    uint64_t left_ms = believed_ms();
    bool news =
        known->protocol != protocol || known->told_until_ms < now_ms + LIMIT_ORIGIN_PROTOCOL_MS / 4;
    known->protocol = protocol;
    known->protocol_until_ms = now_ms + left_ms;
    if (!news)
        return;
    known->told_until_ms = known->protocol_until_ms;
    tell(memory, known, protocol == PROTOCOL_H2 ? ORIGIN_FACT_H2 : ORIGIN_FACT_H1, left_ms);
}

void origin_memory_h1_required(struct origin_memory *memory, struct origin_known *known,
                               uint64_t now_ms)
{
    bool news = known->h1_required_until_ms < now_ms + LIMIT_ORIGIN_PROTOCOL_MS / 2;
    known->h1_required_until_ms = now_ms + LIMIT_ORIGIN_PROTOCOL_MS;
    if (news)
        tell(memory, known, ORIGIN_FACT_H1_REQUIRED, LIMIT_ORIGIN_PROTOCOL_MS);
}

uint64_t origin_memory_h2_broke(struct origin_memory *memory, struct origin_known *known,
                                bool hopeless, uint64_t now_ms)
{
    uint64_t suspended_ms =
        origin_suspension_broke(&known->suspension, hopeless, memory->suspended_first_ms, now_ms);
    known->reset_count = 0;
    if (suspended_ms > 0)
        tell(memory, known, ORIGIN_FACT_H2_SUSPENDED, suspended_ms);
    return suspended_ms;
}

bool origin_memory_h2_worked(struct origin_memory *memory, struct origin_known *known,
                             uint64_t now_ms)
{
    known->reset_count = 0;
    if (!origin_suspension_worked(&known->suspension, now_ms))
        return false;
    tell(memory, known, ORIGIN_FACT_H2_SUSPENDED, 0);
    return true;
}

/* ---- learned by others */

static void put_suspended(struct origin_suspension *suspension, const struct origin_knowledge *what,
                          uint64_t left_ms, uint64_t now_ms)
{
    if (what->until_s == 0) {
        suspension->open = false;
        if (suspension->until_ms > now_ms)
            suspension->until_ms = now_ms; /* theirs was over a little sooner */
        return;
    }
    suspension->open = true;
    suspension->count = what->count;
    suspension->break_count = 0;
    suspension->until_ms = now_ms + left_ms;
}

struct origin_known *origin_memory_put(struct origin_memory *memory,
                                       const struct origin_knowledge *what, uint64_t now_ms)
{
    struct origin_known *known = find_or_make(memory, &what->origin);
    if (!known)
        return NULL;
    uint64_t left_ms = origin_fact_left_ms(what->fact, what->until_s, clock_wall_s());
    switch (what->fact) {
    case ORIGIN_FACT_H1:
    case ORIGIN_FACT_H2:
        known->protocol = what->fact == ORIGIN_FACT_H2 ? PROTOCOL_H2 : PROTOCOL_H1;
        known->protocol_until_ms = known->told_until_ms = now_ms + left_ms;
        break;
    case ORIGIN_FACT_H1_REQUIRED:
        known->h1_required_until_ms = now_ms + left_ms;
        break;
    case ORIGIN_FACT_H2_SUSPENDED:
        put_suspended(&known->suspension, what, left_ms, now_ms);
        break;
    }
    return known;
}
