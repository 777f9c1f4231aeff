/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_pool.c - who waits for an origin, who is served, and when another connection is dialled.
 *
 *      acquire -> lane ~wake~> serve: grant while there is room
 *                                     dial for those whom no dial made so far will carry
 *      dial failed -> refuse those whom nothing else will carry
 *      tick (1 s, while somebody waits) -> refuse who has waited too long; serve again
 */
#include "dataplane/origin/origin_pool.h"

#include "dataplane/origin/origin_int.h"

static struct loop *loop_of(const struct origin_pool *pool)
{
    return pool->pools->options.loop;
}

static struct origin_ticket *ticket_of(struct list_node *node)
{
    return node ? container_of(node, struct origin_ticket, node) : NULL;
}

static struct origin_conn *conn_of(struct list_node *node)
{
    return node ? container_of(node, struct origin_conn, node) : NULL;
}

static bool h1_always(const struct origin_pool *pool)
{
    return pool->origin.tls == ORIGIN_TLS_NONE || pool->origin.policy == ORIGIN_PROTOCOL_H1;
}

enum origin_protocol origin_pool_protocol(const struct origin_pool *pool)
{
    if (h1_always(pool))
        return PROTOCOL_H1;
    const struct origin_known *known = pool->known;
    return loop_now_ms(loop_of(pool)) < known->protocol_until_ms ? known->protocol
                                                                 : PROTOCOL_UNKNOWN;
}

void origin_pool_learn(struct origin_pool *pool, enum origin_protocol protocol)
{
    origin_memory_negotiated(&pool->pools->memory, pool->known, protocol,
                             loop_now_ms(loop_of(pool)));
}

void origin_pool_require_h1(struct origin_pool *pool)
{
    origin_memory_h1_required(&pool->pools->memory, pool->known, loop_now_ms(loop_of(pool)));
    origin_pool_known_anew(pool);
}

void origin_pool_post(struct origin_pool *pool)
{
    wake_post(&loop_of(pool)->wakeq, &pool->wake);
}

bool origin_pool_empty(const struct origin_pool *pool)
{
    return pool->conn_count == 0 && origin_pool_waiting(pool) == 0 && list_empty(&pool->refused) &&
           pool->pins == 0;
}

/* ---- the queue */

static bool h1_required(const struct origin_pool *pool, const struct origin_ticket *ticket)
{
    return ticket->h1_only || ticket->asked_at_ms < origin_known_h1_until_ms(pool->known);
}

static enum origin_lane lane_of(const struct origin_pool *pool, const struct origin_ticket *ticket)
{
    bool h1_only =
        !h1_always(pool) && !ticket->h2_only && (ticket->tunnel || h1_required(pool, ticket));
    if (ticket->fresh_only)
        return h1_only ? LANE_FRESH_H1 : LANE_FRESH;
    return h1_only ? LANE_H1 : LANE_ANY;
}

void origin_pool_acquire(struct origin_pool *pool, struct origin_ticket *ticket)
{
    ASSERT(ticket->pool == NULL && ticket->streams_max > 0);
    ticket->pool = pool;
    ticket->asked_at_ms = loop_now_ms(loop_of(pool));
    ticket->asked_serial = pool->pools->opened_serials;
    bool refused = pool->pools->closing || origin_pool_waiting(pool) >= LIMIT_ORIGIN_WAITING;
    ticket->list = refused ? &pool->refused : &pool->lanes[lane_of(pool, ticket)];
    list_push_back(ticket->list, &ticket->node);
    origin_pool_post(pool);
}

/* Only towards HTTP/1.1: who waits there goes on to wait there. */
static void move_tickets(struct origin_pool *pool, enum origin_lane from)
{
    LIST_EACH(&pool->lanes[from], node)
    {
        struct origin_ticket *ticket = ticket_of(node);
        enum origin_lane lane = lane_of(pool, ticket);
        if (lane == from)
            continue;
        list_remove(ticket->list, node);
        ticket->list = &pool->lanes[lane];
        list_push_back(ticket->list, node);
    }
}

void origin_pool_known_anew(struct origin_pool *pool)
{
    move_tickets(pool, LANE_FRESH);
    move_tickets(pool, LANE_ANY);
    if (origin_pool_waiting(pool) > 0)
        origin_pool_post(pool);
}

static void detach_ticket(struct origin_ticket *ticket)
{
    list_remove(ticket->list, &ticket->node);
    ticket->list = NULL;
    ticket->pool = NULL;
}

void origin_ticket_cancel(struct origin_ticket *ticket)
{
    if (ticket->pool)
        detach_ticket(ticket);
}

bool origin_ticket_give_up(struct origin_ticket *ticket)
{
    struct origin_pool *pool = ticket->pool;
    if (!pool || pool->live_counts[OFFER_ANY] > 0)
        return false;
    detach_ticket(ticket);
    uint64_t now_ms = loop_now_ms(loop_of(pool));
    if (!origin_health_aside(&pool->health, now_ms))
        origin_health_failed(&pool->health, now_ms);
    return true;
}

bool origin_pool_may_retry(struct origin_pool *pool)
{
    return origin_budget_retry(&pool->budget, loop_now_ms(loop_of(pool)));
}

static void refuse_first(struct list *list, enum err err, const struct problem *problem)
{
    struct origin_ticket *ticket = ticket_of(list_first(list));
    detach_ticket(ticket);
    ticket->refused(ticket, err, problem);
}

/* ---- granting */

/* The setting of the ticket at hand decides which connections have room. */
static void set_streams_max(struct origin_pool *pool, uint32_t streams_max)
{
    if (pool->streams_max == streams_max)
        return;
    pool->streams_max = streams_max;
    static const enum origin_conn_state states[] = {CONN_OPEN_H2, CONN_FULL};
    for (size_t i = 0; i < countof(states); i++)
        LIST_EACH(&pool->conns[states[i]], node)
    origin_conn_update(conn_of(node));
}

/* The youngest connection with room stands last, unless it was full meanwhile. */
static struct origin_conn *youngest(struct list *conns, const struct origin_ticket *ticket)
{
    struct origin_conn *conn = list_empty(conns) ? NULL : conn_of(conns->head.prev);
    return conn && conn->opened_serial > ticket->asked_serial ? conn : NULL;
}

/* None is dialled for it.  Tunnels stay for hours: half of the streams are left to requests. */
static struct origin_conn *conn_for_tunnel(struct origin_pool *pool,
                                           const struct origin_ticket *ticket)
{
    if (!ticket->tunnel || h1_required(pool, ticket))
        return NULL;
    LIST_EACH(&pool->conns[CONN_OPEN_H2], node)
    {
        struct origin_conn *conn = conn_of(node);
        bool fresh = conn->opened_serial > ticket->asked_serial;
        bool roomy = http_conn_free_slots(conn->http) > conn->http->slots_max / 2;
        if (conn->http->tunnels && roomy && (fresh || !ticket->fresh_only))
            return conn;
    }
    return NULL;
}

static struct origin_conn *conn_for(struct origin_pool *pool, enum origin_lane lane,
                                    const struct origin_ticket *ticket)
{
    struct list *h2 = &pool->conns[CONN_OPEN_H2], *h1 = &pool->conns[CONN_OPEN_H1];
    struct origin_conn *conn = conn_for_tunnel(pool, ticket);
    if (conn)
        return conn;
    switch (lane) {
    case LANE_FRESH_H1:
        return youngest(h1, ticket);
    case LANE_FRESH:
        conn = youngest(h2, ticket);
        break;
    case LANE_H1:
        return conn_of(list_first(h1));
    case LANE_ANY:
        conn = conn_of(list_first(h2));
        break;
    case LANE_COUNT:
        UNREACHABLE();
    }
    /* Where HTTP/2 is known, HTTP/1.1 connections are for those who need them. */
    if (conn || ticket->h2_only || origin_pool_protocol(pool) == PROTOCOL_H2)
        return conn;
    return lane == LANE_ANY ? conn_of(list_first(h1)) : youngest(h1, ticket);
}

static bool grant_first(struct origin_pool *pool, enum origin_lane lane)
{
    struct origin_ticket *ticket = ticket_of(list_first(&pool->lanes[lane]));
    if (!ticket)
        return false;
    set_streams_max(pool, ticket->streams_max);
    struct origin_conn *conn;
    while ((conn = conn_for(pool, lane, ticket)) != NULL && !http_conn_free_slots(conn->http))
        origin_conn_update(conn); /* it was told of less than we were told */
    if (!conn && ticket->h2_only && origin_pool_protocol(pool) == PROTOCOL_H1) {
        refuse_first(&pool->lanes[lane], ERR_ORIGIN_H2_MISSING, NULL);
        return true;
    }
    if (!conn)
        return false;
    detach_ticket(ticket);
    if (!ticket->fresh_only) /* who is, asks again */
        origin_budget_request(&pool->budget, loop_now_ms(loop_of(pool)));
    conn->facts.reused = conn->http->exchanges_run > 0 || conn->http->slots_used > 0;
    ticket->granted(ticket, conn->http, &conn->facts);
    origin_conn_update(conn);
    return true;
}

/* ---- dialling */

static size_t waiting_for(const struct origin_pool *pool, enum origin_offer offer)
{
    if (offer == OFFER_H1)
        return pool->lanes[LANE_FRESH_H1].count + pool->lanes[LANE_H1].count;
    return pool->lanes[LANE_FRESH].count + pool->lanes[LANE_ANY].count;
}

static size_t fresh_waiting_for(const struct origin_pool *pool, enum origin_offer offer)
{
    return pool->lanes[offer == OFFER_H1 ? LANE_FRESH_H1 : LANE_FRESH].count;
}

/* Tickets that one more connection is expected to carry at once. */
static size_t carried_by_dial(const struct origin_pool *pool, enum origin_offer offer)
{
    if (offer == OFFER_H1)
        return 1;
    switch (origin_pool_protocol(pool)) {
    case PROTOCOL_UNKNOWN:
        return LIMIT_ORIGIN_WAITING; /* one dial decides for all */
    case PROTOCOL_H1:
        return 1;
    case PROTOCOL_H2:
        break;
    }
    size_t slots = pool->streams_max;
    if (slots > LIMIT_ORIGIN_STREAMS_UNTOLD)
        slots = LIMIT_ORIGIN_STREAMS_UNTOLD;
    if (pool->streams_told > 0 && slots > pool->streams_told)
        slots = pool->streams_told;
    return slots;
}

/* Connections that are full now will have room again. */
static size_t live_for(const struct origin_pool *pool, enum origin_offer offer)
{
    if (offer == OFFER_ANY && origin_pool_protocol(pool) == PROTOCOL_H2)
        return pool->live_counts[OFFER_ANY] - pool->live_counts[OFFER_H1];
    return pool->live_counts[offer];
}

/* Tunnels stay for hours: they must not take the places of requests. */
static size_t conns_max(const struct origin_pool *pool)
{
    size_t tunnels = pool->tunnel_count;
    return LIMIT_ORIGIN_CONNS + (tunnels < LIMIT_ORIGIN_TUNNELS ? tunnels : LIMIT_ORIGIN_TUNNELS);
}

static void dial_for(struct origin_pool *pool, enum origin_offer offer)
{
    size_t waiting = waiting_for(pool, offer);
    if (waiting == 0)
        return;
    /* An origin that refuses is not hammered on behalf of those who can wait for a slot. */
    bool aside = origin_health_aside(&pool->health, loop_now_ms(loop_of(pool)));
    if (aside && live_for(pool, offer) > 0 && fresh_waiting_for(pool, offer) == 0)
        return;

    size_t carried = carried_by_dial(pool, offer);
    size_t needed = (waiting + carried - 1) / carried;
    while (pool->dial_counts[offer] < needed && pool->conn_count < conns_max(pool))
        origin_conn_dial(pool, offer);
}

static void refuse_uncarried(struct origin_pool *pool, enum origin_lane lane, size_t carried,
                             const struct problem *problem)
{
    struct list *list = &pool->lanes[lane];
    /* Callbacks may add tickets: only those that stand here now are looked at. */
    for (size_t count = list->count; count > carried && !list_empty(list); count--)
        refuse_first(list, problem->code, problem);
}

void origin_pool_dial_failed(struct origin_pool *pool, enum origin_offer offer, enum err err,
                             const struct problem *problem)
{
    struct problem told = {.code = err};
    if (problem)
        told = *problem;
    told.code = err;

    size_t carried = pool->dial_counts[offer] * carried_by_dial(pool, offer);
    bool live = live_for(pool, offer) > 0;
    size_t fresh = fresh_waiting_for(pool, offer);
    pool->pins++;
    refuse_uncarried(pool, offer == OFFER_H1 ? LANE_FRESH_H1 : LANE_FRESH, carried, &told);
    carried = carried > fresh ? carried - fresh : 0;
    if (!live)
        refuse_uncarried(pool, offer == OFFER_H1 ? LANE_H1 : LANE_ANY, carried, &told);
    pool->pins--;
    origin_pool_post(pool);
}

/* ---- the turn */

static void pool_ticked(struct deadline *deadline);

static void serve(struct origin_pool *pool)
{
    pool->pins++;
    while (!list_empty(&pool->refused))
        refuse_first(&pool->refused, pool->pools->closing ? ERR_CLOSED : ERR_ORIGIN_QUEUE_FULL,
                     NULL);
    for (enum origin_lane lane = 0; lane < LANE_COUNT; lane++)
        while (grant_first(pool, lane))
            continue;
    if (!pool->pools->closing) {
        dial_for(pool, OFFER_H1);
        dial_for(pool, OFFER_ANY);
    }
    pool->pins--;

    if (origin_pool_waiting(pool) > 0 && !deadline_armed(&pool->tick))
        deadline_arm(loop_of(pool), &pool->tick, ORIGIN_TICK_MS, pool_ticked);
}

static void pool_woken(struct wake *wake)
{
    serve(container_of(wake, struct origin_pool, wake));
}

static void pool_ticked(struct deadline *deadline)
{
    struct origin_pool *pool = container_of(deadline, struct origin_pool, tick);
    uint64_t now_ms = loop_now_ms(loop_of(pool));
    pool->pins++;
    for (size_t i = 0; i < LANE_COUNT; i++) {
        struct list *lane = &pool->lanes[i];
        while (!list_empty(lane) &&
               ticket_of(list_first(lane))->asked_at_ms + LIMIT_ORIGIN_WAITING_MS <= now_ms)
            refuse_first(lane, ERR_ORIGIN_QUEUE_TIMEOUT, NULL);
    }
    pool->pins--;
    serve(pool);
}

void origin_pool_init(struct origin_pool *pool)
{
    for (size_t i = 0; i < CONN_STATES; i++)
        list_init(&pool->conns[i]);
    for (size_t i = 0; i < LANE_COUNT; i++)
        list_init(&pool->lanes[i]);
    list_init(&pool->refused);
    wake_init(&pool->wake, pool_woken);
}

void origin_pool_shut(struct origin_pool *pool)
{
    pool->pins++;
    for (size_t i = 0; i < LANE_COUNT; i++)
        while (!list_empty(&pool->lanes[i]))
            refuse_first(&pool->lanes[i], ERR_CLOSED, NULL);
    while (!list_empty(&pool->refused))
        refuse_first(&pool->refused, ERR_CLOSED, NULL);
    pool->pins--;
    /* What is ended moves to the last list, which is therefore looked at first. */
    for (size_t i = CONN_STATES; i-- > 0;)
        LIST_EACH(&pool->conns[i], node)
    origin_conn_end(conn_of(node));
    deadline_disarm(loop_of(pool), &pool->tick);
    wake_cancel(&loop_of(pool)->wakeq, &pool->wake);
}
