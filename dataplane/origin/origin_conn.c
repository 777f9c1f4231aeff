/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_conn.c - one connection of a pool, from its dial to its end.
 *
 * The picture of its states stands in origin_int.h.  Whatever happens to the connection is turned
 * into a state here; what that means for those who wait is decided later, in the pool's wake.
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "dataplane/origin/origin_int.h"

static struct loop *loop_of(const struct origin_conn *conn)
{
    return conn->pool->pools->options.loop;
}

/* What comes back from FULL goes to the front: the fullest connection is taken first, so that the
 * emptier ones may age out.  A new one goes to the back. */
static void origin_conn_enter(struct origin_conn *conn, enum origin_conn_state state)
{
    if (conn->state == state)
        return;
    bool was_full = conn->state == CONN_FULL;
    list_remove(&conn->pool->conns[conn->state], &conn->node);
    conn->state = state;
    if (was_full)
        list_push_front(&conn->pool->conns[state], &conn->node);
    else
        list_push_back(&conn->pool->conns[state], &conn->node);
}

static void count_live(struct origin_conn *conn, bool live)
{
    if (conn->live == live)
        return;
    conn->live = live;
    size_t one = live ? 1 : (size_t)-1;
    conn->pool->live_counts[OFFER_ANY] += one;
    if (conn->http->version != HTTP_2)
        conn->pool->live_counts[OFFER_H1] += one;
}

static void count_running(struct origin_conn *conn, uint32_t slots_used)
{
    /* An answer cannot overtake the origin's first SETTINGS. */
    if (slots_used < conn->slots_counted)
        conn->told = true;
    conn->pool->running_count += slots_used;
    conn->pool->running_count -= conn->slots_counted;
    conn->slots_counted = slots_used;
}

static void free_conn(struct origin_conn *conn)
{
    struct origin_pool *pool = conn->pool;
    deadline_disarm(loop_of(conn), &conn->idle);
    list_remove(&pool->conns[conn->state], &conn->node);
    pool->conn_count--;
    pool->tunnel_count -= conn->tunnelled;
    free(conn);
    origin_pools_conn_gone(pool->pools);
}

void origin_conn_dial(struct origin_pool *pool, enum origin_offer offer)
{
    struct origin_conn *conn = mem_new(struct origin_conn);
    conn->pool = pool;
    conn->offer = offer;
    conn->facts.id = ++pool->pools->conn_ids;
    conn->facts.port = pool->origin.port;
    conn->state = CONN_CONNECTING;
    list_push_back(&pool->conns[CONN_CONNECTING], &conn->node);
    pool->conn_count++;
    pool->pools->conn_count++;
    pool->dial_counts[offer]++;
    pool->pools->connector->start(conn);
}

/* Connections that opened together must not all be dialled anew together. */
static uint64_t jittered(uint64_t max)
{
    return max - random_below(max * LIMIT_ORIGIN_CONN_JITTER / 100 + 1);
}

static void set_limits(struct origin_conn *conn)
{
    const struct origin_pools_options *options = &conn->pool->pools->options;
    conn->requests_max = jittered(options->conn_requests_max);
    conn->retire_at_ms = loop_now_ms(loop_of(conn)) + jittered(options->conn_age_ms_max);
}

void origin_conn_opened(struct origin_conn *conn, struct http_conn *http,
                        const struct address *address)
{
    struct origin_pool *pool = conn->pool;
    ASSERT(conn->state == CONN_CONNECTING);
    pool->dial_counts[conn->offer]--;
    conn->connect = NULL;
    conn->http = http;
    conn->slots_first = http->slots_max;
    conn->facts.version = http->version;
    conn->opened_serial = ++pool->pools->opened_serials;
    address_format(address, conn->facts.address);
    set_limits(conn);

    origin_health_worked(&pool->health);
    if (conn->offer == OFFER_ANY)
        origin_pool_learn(pool, http->version == HTTP_2 ? PROTOCOL_H2 : PROTOCOL_H1);
    log_debug("origin_connected", F_SPAN("zone", id_span(&pool->origin.zone_id)),
              F_STR("address", conn->facts.address), F_U64("port", conn->facts.port),
              F_BOOL("h2", http->version == HTTP_2), F_U64("connection", conn->facts.id));
    origin_conn_update(conn);
    origin_pool_post(pool);
}

void origin_conn_failed(struct origin_conn *conn, enum err err, const struct problem *problem)
{
    struct origin_pool *pool = conn->pool;
    enum origin_offer offer = conn->offer;
    ASSERT(conn->state == CONN_CONNECTING);
    /* One line for a row of failures: a dead origin must not fill the log. */
    if (pool->health.failure_count == 0)
        log_warn("origin_connect_failed", F_SPAN("zone", id_span(&pool->origin.zone_id)),
                 F_SPAN("address", pool->origin.address), F_U64("port", pool->origin.port),
                 F_ERR(err), F_STR("text", problem ? problem->text : ""));
    pool->dial_counts[offer]--;
    if (err != ERR_BUSY)
        origin_health_failed(&pool->health, loop_now_ms(loop_of(conn)));
    free_conn(conn);
    origin_pool_dial_failed(pool, offer, err, problem);
}

/* What runs on it goes on to its end. */
static void retire(struct origin_conn *conn)
{
    count_live(conn, false);
    origin_conn_enter(conn, CONN_DRAINING);
    http_conn_drain(conn->http);
}

static void conn_idle_expired(struct deadline *deadline)
{
    retire(container_of(deadline, struct origin_conn, idle));
}

static bool worn_out(const struct origin_conn *conn)
{
    return conn->http->exchanges_run >= conn->requests_max ||
           loop_now_ms(loop_of(conn)) >= conn->retire_at_ms;
}

static bool has_room(const struct origin_conn *conn)
{
    uint32_t slots_max = conn->http->slots_max;
    if (conn->http->version == HTTP_2) {
        const struct origin_pool *pool = conn->pool;
        if (pool->streams_max < slots_max)
            slots_max = pool->streams_max;
        if (!conn->told && pool->streams_told > 0 && pool->streams_told < slots_max)
            slots_max = pool->streams_told;
    }
    return conn->http->slots_used < slots_max;
}

static enum origin_conn_state state_of(const struct origin_conn *conn)
{
    if (conn->http->draining || conn->state == CONN_DRAINING)
        return CONN_DRAINING;
    if (!has_room(conn))
        return CONN_FULL;
    return conn->http->version == HTTP_2 ? CONN_OPEN_H2 : CONN_OPEN_H1;
}

void origin_conn_update(struct origin_conn *conn)
{
    count_running(conn, conn->http->slots_used);
    origin_conn_enter(conn, state_of(conn));
    count_live(conn, conn->state != CONN_DRAINING);
    if (conn->live && worn_out(conn))
        retire(conn);

    bool idle = conn->live && conn->http->slots_used == 0;
    if (idle && !deadline_armed(&conn->idle))
        deadline_arm(loop_of(conn), &conn->idle, LIMIT_ORIGIN_IDLE_MS, conn_idle_expired);
    else if (!idle && deadline_armed(&conn->idle))
        deadline_disarm(loop_of(conn), &conn->idle);
}

void origin_conn_end(struct origin_conn *conn)
{
    if (conn->ended)
        return;
    if (conn->state != CONN_CONNECTING) {
        conn->ended = true;
        count_live(conn, false);
        origin_conn_enter(conn, CONN_DRAINING);
        deadline_disarm(loop_of(conn), &conn->idle);
        http_conn_close(conn->http);
        return;
    }
    conn->pool->dial_counts[conn->offer]--;
    conn->pool->pools->connector->cancel(conn);
    free_conn(conn);
}

static void conn_on_slots(void *owner)
{
    struct origin_conn *conn = owner;
    if (!conn->http)
        return; /* inside its opening: origin_conn_opened looks */
    if (conn->http->slots_max != conn->slots_first)
        conn->told = true;
    origin_conn_update(conn);
    origin_flaw_count_streams(conn);
    if (conn->told && conn->http->version == HTTP_2 && conn->http->slots_max > 0)
        conn->pool->streams_told = conn->http->slots_max;
    if (origin_pool_waiting(conn->pool) > 0)
        origin_pool_post(conn->pool);
}

static void conn_on_draining(void *owner)
{
    struct origin_conn *conn = owner;
    if (!conn->http)
        return;
    if (conn->http->tunnelled && !conn->tunnelled) {
        conn->tunnelled = true;
        conn->pool->tunnel_count++;
    }
    count_live(conn, false);
    origin_conn_enter(conn, CONN_DRAINING);
    deadline_disarm(loop_of(conn), &conn->idle);
    origin_flaw_note(conn);
    if (origin_pool_waiting(conn->pool) > 0)
        origin_pool_post(conn->pool);
}

static void conn_on_closed(void *owner, enum err err)
{
    struct origin_conn *conn = owner;
    struct origin_pool *pool = conn->pool;
    ASSERT(conn->http != NULL);
    (void)err;
    origin_flaw_note(conn);
    count_running(conn, 0);
    count_live(conn, false);
    if (origin_pool_waiting(pool) > 0)
        origin_pool_post(pool);
    free_conn(conn);
}

const struct http_conn_events origin_conn_events = {
    .on_slots = conn_on_slots,
    .on_draining = conn_on_draining,
    .on_closed = conn_on_closed,
};
