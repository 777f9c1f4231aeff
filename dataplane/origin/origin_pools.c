/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_pools.c - all pools of one worker: found by key, bounded, forgotten when long unused.
 *
 * An empty pool is kept while what it knows of the origin's protocol is worth something.  When many
 * origins are known, pools that nobody has used for longest go first, with their idle connections.
 */
#include "common/base/mem.h"
#include "dataplane/origin/origin_int.h"

#define KEY_BYTES_MAX 2048
/* From here on a new pool costs an old one its place. */
#define CROWDED (LIMIT_ORIGIN_POOLS - LIMIT_ORIGIN_POOLS / 8)
#define EVICTION_STEPS 16

static void pools_swept(struct deadline *deadline);
static void pools_close_woken(struct wake *wake);

/* A bad CA file of the operator is told at the start and not by the first request. */
static enum err check_ca_file(struct origin_pools *pools, struct problem *problem)
{
    const struct origin_tls_want want = {.verified = true, .h2_offered = true};
    if (!pools->options.ca_file || origin_tls_profile(&pools->tls, &want, problem))
        return ERR_OK;
    return ERR_INVALID;
}

void origin_pools_forget_trust(struct origin_pools *pools)
{
    origin_tls_forget_trust(&pools->tls);
}

enum err origin_pools_open(const struct origin_pools_options *options, struct origin_pools **out,
                           struct problem *problem)
{
    struct origin_pools *pools = mem_new(struct origin_pools);
    pools->options = *options;
    if (options->conn_requests_max == 0)
        pools->options.conn_requests_max = LIMIT_ORIGIN_CONN_REQUESTS;
    if (options->tunnel_idle_ms == 0)
        pools->options.tunnel_idle_ms = LIMIT_TUNNEL_IDLE_MS;
    if (options->conn_age_ms_max == 0)
        pools->options.conn_age_ms_max = LIMIT_ORIGIN_CONN_AGE_MS;
    pools->connector = &origin_connect_connector;
    origin_tls_init(&pools->tls, options->ca_file, &options->tls_source);
    enum err err = check_ca_file(pools, problem);
    if (err != ERR_OK) {
        origin_tls_release(&pools->tls);
        free(pools);
        return err;
    }
    map_init(&pools->by_key);
    origin_memory_init(&pools->memory);
    pools->memory.learned = options->listener.learned;
    pools->memory.owner = options->listener.owner;
    if (options->suspended_ms > 0)
        pools->memory.suspended_first_ms = options->suspended_ms;
    list_init(&pools->lru);
    buf_init(&pools->key, KEY_BYTES_MAX);
    wake_init(&pools->close_wake, pools_close_woken);
    deadline_arm(options->loop, &pools->sweep, ORIGIN_SWEEP_MS, pools_swept);
    *out = pools;
    return ERR_OK;
}

/* ---- finding and making */

static struct span encode_key(struct origin_pools *pools, const struct origin *origin)
{
    buf_clear(&pools->key);
    origin_encode_key(origin, &pools->key);
    ASSERT(!pools->key.overflowed);
    return buf_span(&pools->key);
}

/* An origin comes from a zone's document again and again: its address stands in the same place, so
 * that the place is a good guess.  The comparison decides. */
static struct origin_pool **recent_of(struct origin_pools *pools, const struct origin *origin)
{
    uintptr_t place = (uintptr_t)origin->address.ptr;
    return &pools->recent[(place ^ place >> 8) & (ORIGIN_RECENT - 1)];
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
    return a->port == b->port && a->tls == b->tls && a->policy == b->policy &&
           a->streams_max == b->streams_max && span_equal(a->address, b->address) &&
           span_equal(a->sni, b->sni) && id_equal(a->zone_id, b->zone_id) &&
           id_equal(a->client_certificate, b->client_certificate);
}

static struct origin_pool *find_pool(struct origin_pools *pools, const struct origin *origin)
{
    struct origin_pool **recent = recent_of(pools, origin);
    if (*recent && same_origin(&(*recent)->origin, origin))
        return *recent;
    struct origin_pool *pool = map_get(&pools->by_key, encode_key(pools, origin));
    if (pool)
        *recent = pool;
    return pool;
}

struct origin_pool *origin_pools_find(struct origin_pools *pools, const struct origin *origin)
{
    return find_pool(pools, origin);
}

static struct span put_bytes(uint8_t **at, struct span bytes)
{
    struct span copy = span_of(*at, bytes.len);
    if (bytes.len > 0)
        memcpy(*at, bytes.ptr, bytes.len);
    *at += bytes.len;
    return copy;
}

static struct origin_pool *make_pool(struct origin_pools *pools, struct span key,
                                     const struct origin *origin)
{
    size_t bytes = key.len + origin->address.len + origin->sni.len;
    struct origin_pool *pool = mem_calloc(1, sizeof(*pool) + bytes);
    uint8_t *at = pool->bytes;
    pool->pools = pools;
    pool->origin = *origin;
    pool->key = put_bytes(&at, key);
    pool->origin.address = put_bytes(&at, origin->address);
    pool->origin.sni = put_bytes(&at, origin->sni);
    pool->known = origin_memory_use(&pools->memory, pool->key, pool);
    origin_pool_init(pool);
    list_push_back(&pools->lru, &pool->lru_node);
    (void)map_put(&pools->by_key, pool->key, pool);
    return pool;
}

static void free_pool(struct origin_pool *pool)
{
    struct origin_pools *pools = pool->pools;
    ASSERT(origin_pool_empty(pool));
    deadline_disarm(pools->options.loop, &pool->tick);
    wake_cancel(&pools->options.loop->wakeq, &pool->wake);
    (void)map_remove(&pools->by_key, pool->key);
    for (size_t i = 0; i < countof(pools->recent); i++)
        if (pools->recent[i] == pool)
            pools->recent[i] = NULL;
    list_remove(&pools->lru, &pool->lru_node);
    origin_memory_leave(&pools->memory, pool->known);
    free(pool);
}

/* Its connections go; the pool itself is empty when they are gone, and found by a later walk. */
static void evict(struct origin_pool *pool)
{
    if (origin_pool_empty(pool))
        free_pool(pool);
    else if (pool->running_count == 0 && origin_pool_waiting(pool) == 0 && pool->pins == 0 &&
             list_empty(&pool->refused))
        origin_pool_shut(pool);
}

static void make_room(struct origin_pools *pools)
{
    size_t steps = EVICTION_STEPS;
    LIST_EACH(&pools->lru, node)
    {
        if (steps-- == 0)
            return;
        evict(container_of(node, struct origin_pool, lru_node));
    }
}

struct origin_pool *origin_pools_get(struct origin_pools *pools, const struct origin *origin)
{
    if (pools->closing)
        return NULL;
    struct origin_pool *pool = find_pool(pools, origin);
    if (!pool) {
        if (pools->lru.count >= CROWDED)
            make_room(pools);
        if (pools->lru.count >= LIMIT_ORIGIN_POOLS)
            return NULL;
        pool = make_pool(pools, encode_key(pools, origin), origin);
    } else if (pools->lru.head.prev != &pool->lru_node) {
        list_remove(&pools->lru, &pool->lru_node);
        list_push_back(&pools->lru, &pool->lru_node);
    }
    pool->used_at_ms = loop_now_ms(pools->options.loop);
    return pool;
}

void origin_pools_know(struct origin_pools *pools, const struct origin_knowledge *what)
{
    struct origin_known *known =
        origin_memory_put(&pools->memory, what, loop_now_ms(pools->options.loop));
    if (known && known->pool)
        origin_pool_known_anew(known->pool);
}

/* Frees the empty pools whose memory has expired. */
static void pools_swept(struct deadline *deadline)
{
    struct origin_pools *pools = container_of(deadline, struct origin_pools, sweep);
    uint64_t now_ms = loop_now_ms(pools->options.loop);
    LIST_EACH(&pools->lru, node)
    {
        struct origin_pool *pool = container_of(node, struct origin_pool, lru_node);
        if (now_ms - pool->used_at_ms < LIMIT_ORIGIN_PROTOCOL_MS)
            break;
        if (origin_pool_empty(pool))
            free_pool(pool);
    }
    deadline_arm(pools->options.loop, &pools->sweep, ORIGIN_SWEEP_MS, pools_swept);
}

/* ---- closing */

void origin_pools_close(struct origin_pools **pools_slot, void (*closed)(void *owner), void *owner)
{
    struct origin_pools *pools = *pools_slot;
    *pools_slot = NULL;
    pools->closing = true;
    pools->closed = closed;
    pools->closed_owner = owner;
    deadline_disarm(pools->options.loop, &pools->sweep);
    wake_post(&pools->options.loop->wakeq, &pools->close_wake);
}

void origin_pools_conn_gone(struct origin_pools *pools)
{
    pools->conn_count--;
    if (pools->closing)
        wake_post(&pools->options.loop->wakeq, &pools->close_wake);
}

static void finish_close(struct origin_pools *pools)
{
    void (*closed)(void *owner) = pools->closed;
    void *owner = pools->closed_owner;
    LIST_EACH(&pools->lru, node)
    free_pool(container_of(node, struct origin_pool, lru_node));
    wake_cancel(&pools->options.loop->wakeq, &pools->close_wake);
    origin_tls_release(&pools->tls);
    map_release(&pools->by_key);
    origin_memory_release(&pools->memory);
    buf_release(&pools->key);
    free(pools);
    closed(owner);
}

static void pools_close_woken(struct wake *wake)
{
    struct origin_pools *pools = container_of(wake, struct origin_pools, close_wake);
    if (!pools->shut) {
        pools->shut = true;
        LIST_EACH(&pools->lru, node)
        origin_pool_shut(container_of(node, struct origin_pool, lru_node));
    }
    if (pools->conn_count == 0)
        finish_close(pools);
}
