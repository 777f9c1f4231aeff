/* SPDX-License-Identifier: Apache-2.0 */
/*
 * propagation.c - the record of who has which revision, and who waits for one.
 */
#include "control/publish/propagation.h"

#include <pthread.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

struct edge_entry {
    struct list_node node;
    struct propagation_edge known;
    uint64_t gone_at_ms;
    size_t refusal_count, refusal_next;
    struct propagation_refusal refusals[LIMIT_EDGE_REFUSALS];
};

struct propagation {
    pthread_mutex_t lock;
    struct list edges;
    struct list waits;
    bool stopped;
};

struct propagation *propagation_new(void)
{
    struct propagation *propagation = mem_new(struct propagation);
    ASSERT(pthread_mutex_init(&propagation->lock, NULL) == 0);
    list_init(&propagation->edges);
    list_init(&propagation->waits);
    return propagation;
}

void propagation_free(struct propagation **propagation)
{
    struct propagation *p = *propagation;
    if (!p)
        return;
    ASSERT(list_empty(&p->waits));
    struct list_node *node;
    while ((node = list_pop_front(&p->edges)) != NULL)
        free(container_of(node, struct edge_entry, node));
    ASSERT(pthread_mutex_destroy(&p->lock) == 0);
    mem_free(propagation);
}

static void lock(struct propagation *p)
{
    ASSERT(pthread_mutex_lock(&p->lock) == 0);
}

static void unlock(struct propagation *p)
{
    ASSERT(pthread_mutex_unlock(&p->lock) == 0);
}

static struct edge_entry *find_edge(struct propagation *p, const char *edge_id)
{
    LIST_EACH(&p->edges, node)
    {
        struct edge_entry *entry = container_of(node, struct edge_entry, node);
        if (strcmp(entry->known.edge_id, edge_id) == 0)
            return entry;
    }
    return NULL;
}

/* The edge that has been away the longest makes room for a new one. */
static struct edge_entry *reuse_oldest(struct propagation *p)
{
    struct edge_entry *oldest = NULL;
    LIST_EACH(&p->edges, node)
    {
        struct edge_entry *entry = container_of(node, struct edge_entry, node);
        if (!entry->known.connected && (!oldest || entry->gone_at_ms < oldest->gone_at_ms))
            oldest = entry;
    }
    /* The publisher accepts no more than LIMIT_EDGES links. */
    ASSERT(oldest != NULL);
    list_remove(&p->edges, &oldest->node);
    memset(oldest, 0, sizeof(*oldest));
    return oldest;
}

static bool applied_everywhere(struct propagation *p, uint64_t revision)
{
    bool someone = false;
    LIST_EACH(&p->edges, node)
    {
        const struct propagation_edge *known = &container_of(node, struct edge_entry, node)->known;
        if (known->connected && known->revision < revision)
            return false;
        someone = someone || known->connected;
    }
    return someone;
}

static void wake_applied(struct propagation *p)
{
    LIST_EACH(&p->waits, node)
    {
        struct propagation_wait *wait = container_of(node, struct propagation_wait, node);
        if (!applied_everywhere(p, wait->revision))
            continue;
        list_remove(&p->waits, node);
        wait->wake(wait);
    }
}

void propagation_edge_connected(struct propagation *p, const struct propagation_edge *edge)
{
    lock(p);
    struct edge_entry *entry = find_edge(p, edge->edge_id);
    if (!entry) {
        entry = p->edges.count < LIMIT_EDGES ? mem_new(struct edge_entry) : reuse_oldest(p);
        list_push_back(&p->edges, &entry->node);
    }
    uint64_t applied_at_us = entry->known.applied_at_us;
    entry->known = *edge;
    entry->known.applied_at_us = applied_at_us;
    entry->known.connected = true;
    wake_applied(p);
    unlock(p);
}

void propagation_edge_applied(struct propagation *p, const struct propagation_edge *edge)
{
    lock(p);
    struct edge_entry *entry = find_edge(p, edge->edge_id);
    ASSERT(entry != NULL);
    entry->known = *edge;
    entry->known.connected = true;
    wake_applied(p);
    unlock(p);
}

/* The place of an older refusal of the same zone, else the next one around the ring. */
static struct propagation_refusal *refusal_slot(struct edge_entry *entry, struct id zone_id)
{
    for (size_t i = 0; i < entry->refusal_count; i++)
        if (id_equal(entry->refusals[i].zone_id, zone_id))
            return &entry->refusals[i];
    if (entry->refusal_count < LIMIT_EDGE_REFUSALS)
        return &entry->refusals[entry->refusal_count++];
    struct propagation_refusal *slot = &entry->refusals[entry->refusal_next];
    entry->refusal_next = (entry->refusal_next + 1) % LIMIT_EDGE_REFUSALS;
    return slot;
}

void propagation_edge_refused(struct propagation *p, const struct propagation_refusal *refusal)
{
    lock(p);
    struct edge_entry *entry = find_edge(p, refusal->edge_id);
    ASSERT(entry != NULL);
    *refusal_slot(entry, refusal->zone_id) = *refusal;
    unlock(p);
}

void propagation_edge_renewed(struct propagation *p, const char *edge_id)
{
    lock(p);
    struct edge_entry *entry = find_edge(p, edge_id);
    ASSERT(entry != NULL);
    entry->refusal_count = entry->refusal_next = 0;
    unlock(p);
}

void propagation_edge_gone(struct propagation *p, const char *edge_id)
{
    lock(p);
    struct edge_entry *entry = find_edge(p, edge_id);
    if (entry) {
        entry->known.connected = false;
        entry->gone_at_ms = clock_mono_ms();
        wake_applied(p);
    }
    unlock(p);
}

void propagation_expire(struct propagation *p, uint64_t now_ms)
{
    lock(p);
    LIST_EACH(&p->waits, node)
    {
        struct propagation_wait *wait = container_of(node, struct propagation_wait, node);
        if (wait->deadline_ms > now_ms)
            continue;
        list_remove(&p->waits, node);
        wait->wake(wait);
    }
    unlock(p);
}

static const struct propagation_refusal *find_refusal(const struct edge_entry *entry,
                                                      const struct propagation_question *question)
{
    for (size_t i = 0; i < entry->refusal_count; i++) {
        const struct propagation_refusal *refusal = &entry->refusals[i];
        if (id_equal(refusal->zone_id, question->zone_id) &&
            refusal->revision >= question->document_revision)
            return refusal;
    }
    return NULL;
}

void propagation_read(struct propagation *p, const struct propagation_question *question,
                      struct propagation_view *out)
{
    out->edge_count = out->refusal_count = 0;
    lock(p);
    LIST_EACH(&p->edges, node)
    {
        const struct edge_entry *entry = container_of(node, struct edge_entry, node);
        out->edges[out->edge_count++] = entry->known;
        const struct propagation_refusal *refusal = find_refusal(entry, question);
        if (refusal)
            out->refusals[out->refusal_count++] = *refusal;
    }
    out->applied = out->refusal_count == 0 && applied_everywhere(p, question->revision);
    unlock(p);
}

bool propagation_wait_start(struct propagation *p, struct propagation_wait *wait)
{
    lock(p);
    bool waits =
        !p->stopped && p->waits.count < LIMIT_API_WAITING && !applied_everywhere(p, wait->revision);
    if (waits)
        list_push_back(&p->waits, &wait->node);
    unlock(p);
    return waits;
}

void propagation_stop(struct propagation *p)
{
    lock(p);
    p->stopped = true;
    struct list_node *node;
    while ((node = list_pop_front(&p->waits)) != NULL) {
        struct propagation_wait *wait = container_of(node, struct propagation_wait, node);
        wait->wake(wait);
    }
    unlock(p);
}
