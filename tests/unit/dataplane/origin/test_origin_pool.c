/* SPDX-License-Identifier: Apache-2.0 */
/* test_origin_pool.c - the pool with a connector that the test plays, and connections it plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "dataplane/origin/origin_int.h"
#include "dataplane/origin/origin_pick.h"
#include "tests/unit/support/fake_conn.h"

#define TICKETS_MAX 5000
#define CONNS_MAX 600

struct test_ticket {
    struct origin_ticket ticket;
    struct fake_conn *conn; /* that carries it */
    enum err err;
    int callbacks;
    bool reused, leaves;
};

static struct loop loop;
static struct origin_pools *pools;
static struct origin_pool *pool;
static struct test_ticket *tickets;
static struct origin_conn *dials[CONNS_MAX];
static struct fake_conn *conns[CONNS_MAX];
static size_t dial_count, conn_count, cancel_count;
static bool pools_closed;

static void fake_start(struct origin_conn *conn)
{
    dials[dial_count++] = conn;
}

static void fake_cancel(struct origin_conn *conn)
{
    for (size_t i = 0; i < dial_count; i++)
        if (dials[i] == conn)
            dials[i] = NULL;
    cancel_count++;
}

static const struct origin_connector fake_connector = {.start = fake_start, .cancel = fake_cancel};

static void test_granted(struct origin_ticket *ticket, struct http_conn *conn,
                         const struct origin_conn_facts *facts)
{
    struct test_ticket *t = container_of(ticket, struct test_ticket, ticket);
    t->callbacks++;
    t->reused = facts->reused;
    if (t->leaves)
        return;
    t->conn = container_of(conn, struct fake_conn, conn);
    http_conn_run(conn, NULL);
}

static void test_refused(struct origin_ticket *ticket, enum err err, const struct problem *problem)
{
    (void)problem;
    struct test_ticket *t = container_of(ticket, struct test_ticket, ticket);
    t->callbacks++;
    t->err = err;
}

static struct origin origin_at(const char *address, enum origin_protocol_policy policy)
{
    struct origin origin = {.address = span_str(address),
                            .sni = SPAN("www.example.com"),
                            .port = 443,
                            .tls = ORIGIN_TLS_VERIFIED,
                            .policy = policy};
    memset(origin.zone_id.text, 'a', ID_TEXT_BYTES);
    return origin;
}

static void settle(void)
{
    while (wakeq_run(&loop.wakeq, 100000))
        continue;
}

static void pass_ms(uint64_t ms)
{
    loop.uv.time += ms;
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    struct problem problem;
    static struct address_policy policy;
    struct origin_pools_options options = {
        .loop = &loop, .policy = &policy, .connect_timeout_ms = 1000, .read_timeout_ms = 1000};
    assert_int_equal(origin_pools_open(&options, &pools, &problem), ERR_OK);
    pools->connector = &fake_connector;
    tickets = mem_calloc(TICKETS_MAX, sizeof(*tickets));
    dial_count = conn_count = cancel_count = 0;
    pools_closed = false;
    struct origin origin = origin_at("192.0.2.1", ORIGIN_PROTOCOL_AUTO);
    pool = origin_pools_get(pools, &origin);
    return 0;
}

static void test_closed(void *owner)
{
    (void)owner;
    pools_closed = true;
}

static int tear_down(void **state)
{
    (void)state;
    if (pools)
        origin_pools_close(&pools, test_closed, NULL);
    settle();
    assert_true(pools_closed);
    loop_close(&loop);
    free(tickets);
    return 0;
}

static void ask(size_t from, size_t count, uint32_t streams_max)
{
    for (size_t i = from; i < from + count; i++) {
        struct test_ticket *t = &tickets[i];
        t->ticket.granted = test_granted;
        t->ticket.refused = test_refused;
        t->ticket.streams_max = streams_max;
        origin_pool_acquire(pool, &t->ticket);
        assert_int_equal(t->callbacks, 0);
    }
}

static struct fake_conn *open_dial(size_t index, enum http_version version, uint32_t slots_max)
{
    struct address address;
    assert_int_equal(address_parse(SPAN("192.0.2.1"), &address), ERR_OK);
    struct origin_conn *conn = dials[index];
    struct fake_conn *fake =
        fake_conn_new(&loop.wakeq, version, slots_max, &origin_conn_events, conn);
    dials[index] = NULL;
    conns[conn_count++] = fake;
    origin_conn_opened(conn, &fake->conn, &address);
    return fake;
}

static void fail_dial(size_t index, enum err err)
{
    struct origin_conn *conn = dials[index];
    dials[index] = NULL;
    origin_conn_failed(conn, err, NULL);
}

static size_t granted_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < TICKETS_MAX; i++)
        count += tickets[i].conn != NULL;
    return count;
}

static size_t refused_count(enum err err)
{
    size_t count = 0;
    for (size_t i = 0; i < TICKETS_MAX; i++)
        count += tickets[i].err == err && tickets[i].callbacks == 1;
    return count;
}

/* ---- how many connections */

static void unknown_protocol_dials_once(void **state)
{
    (void)state;
    ask(0, 100, 100);
    settle();
    ask(100, 100, 100);
    settle();

    assert_int_equal(dial_count, 1);
    assert_int_equal(dials[0]->offer, OFFER_ANY);
}

static void hundred_cold_tickets_share_one_h2_connection(void **state)
{
    (void)state;
    ask(0, 100, 100);
    settle();

    open_dial(0, HTTP_2, 100);
    settle();

    assert_int_equal(granted_count(), 100);
    assert_int_equal(dial_count, 1);
    assert_false(tickets[0].reused);
    assert_true(tickets[1].reused);
}

static void a_burst_of_1024_opens_eleven_h2_connections(void **state)
{
    (void)state;
    ask(0, 1024, 100);
    settle();

    open_dial(0, HTTP_2, 100);
    settle();
    assert_int_equal(dial_count, 11);
    for (size_t i = 1; i < 11; i++)
        open_dial(i, HTTP_2, 100);
    settle();

    assert_int_equal(dial_count, 11);
    assert_int_equal(granted_count(), 1024);
}

static void untold_connections_get_few_streams_until_settings_come(void **state)
{
    (void)state;
    ask(0, 300, 1000);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, LIMIT_ORIGIN_STREAMS_UNTOLD);
    settle();
    assert_int_equal(granted_count(), LIMIT_ORIGIN_STREAMS_UNTOLD);

    fake_conn_set_slots(fake, 1000);
    settle();

    assert_int_equal(granted_count(), 300);
}

static void h1_is_dialled_once_per_waiting_ticket_up_to_the_limit(void **state)
{
    (void)state;
    ask(0, 300, 100);
    settle();
    assert_int_equal(dial_count, 1);

    open_dial(0, HTTP_1_1, 1);
    settle();

    assert_int_equal(dial_count, LIMIT_ORIGIN_CONNS);
    assert_int_equal(granted_count(), 1);
    fake_conn_finish(conns[0]);
    settle();
    assert_int_equal(granted_count(), 2);
    assert_ptr_equal(tickets[1].conn, conns[0]);
    assert_true(tickets[1].reused);
}

static void an_h1_policy_needs_no_lesson(void **state)
{
    (void)state;
    struct origin origin = origin_at("192.0.2.9", ORIGIN_PROTOCOL_H1);
    pool = origin_pools_get(pools, &origin);
    ask(0, 5, 100);
    tickets[3].ticket.h1_only = true;
    settle();

    assert_int_equal(dial_count, 5);
}

static void streams_max_one_multiplexes_nothing(void **state)
{
    (void)state;
    ask(0, 10, 1);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();

    assert_int_equal(granted_count(), 1);
    assert_int_equal(dial_count, 10);
    for (size_t i = 1; i < 10; i++)
        open_dial(i, HTTP_2, 100);
    settle();
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(conns[i]->conn.slots_used, 1);
}

static void a_raised_setting_makes_room_on_what_is_open(void **state)
{
    (void)state;
    ask(0, 1, 1);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();
    assert_int_equal(granted_count(), 1);

    ask(1, 20, 50);
    settle();

    assert_int_equal(granted_count(), 21);
    assert_int_equal(dial_count, 1);
}

static void an_origin_that_allows_few_is_believed_next_time(void **state)
{
    (void)state;
    ask(0, 30, 100);
    settle();
    struct fake_conn *first = open_dial(0, HTTP_2, 100);
    settle();
    fake_conn_set_slots(first, 10);
    ask(30, 30, 100);
    settle();

    assert_int_equal(dial_count, 4);
    open_dial(1, HTTP_2, 100);
    settle();
    assert_int_equal(conns[1]->conn.slots_used, 10);
}

/* ---- which connection */

static void the_fullest_connection_with_room_is_taken(void **state)
{
    (void)state;
    ask(0, 200, 100);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();
    open_dial(1, HTTP_2, 100);
    settle();
    fake_conn_finish(conns[1]);
    for (int i = 0; i < 50; i++)
        fake_conn_finish(conns[0]);

    ask(200, 10, 100);
    settle();

    assert_int_equal(conns[0]->conn.slots_used, 60);
    assert_int_equal(conns[1]->conn.slots_used, 99);
}

static void idle_connections_age_out(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, 100);
    settle();
    struct origin_conn *conn = fake->conn.owner;
    assert_false(deadline_armed(&conn->idle));
    fake_conn_finish(fake);
    assert_true(deadline_armed(&conn->idle));
    assert_int_equal(conn->idle.at_ms - loop_now_ms(&loop), LIMIT_ORIGIN_IDLE_MS);

    deadline_disarm(&loop, &conn->idle);
    conn->idle.expired(&conn->idle);
    assert_true(fake->drained);
    ask(1, 1, 100);
    settle();

    assert_int_equal(pool->conn_count, 1);
    assert_int_equal(dial_count, 2);
}

static void a_connection_is_drained_after_its_requests_and_what_runs_goes_on(void **state)
{
    (void)state;
    pools->options.conn_requests_max = 3;
    ask(0, 4, 100);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, 100);
    settle();

    assert_int_equal(granted_count(), 3);
    assert_true(fake->drained);
    assert_false(fake->closed);
    assert_int_equal(dial_count, 2); /* for the fourth */
}

static void a_connection_is_drained_when_it_is_old(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, 100);
    settle();
    const struct origin_conn *conn = fake->conn.owner;
    uint64_t most_ms = LIMIT_ORIGIN_CONN_AGE_MS;
    uint64_t age_ms = conn->retire_at_ms - loop_now_ms(&loop);
    assert_in_range(age_ms, most_ms - most_ms * LIMIT_ORIGIN_CONN_JITTER / 100, most_ms);

    pass_ms(age_ms - 1);
    ask(1, 1, 100);
    settle();
    assert_false(fake->drained);
    pass_ms(1);
    ask(2, 1, 100);
    settle();
    assert_true(fake->drained);
    assert_int_equal(granted_count(), 3);
}

static void a_ticket_gives_up_on_a_dial_but_not_on_its_turn(void **state)
{
    (void)state;
    ask(0, 2, 1);
    settle();
    assert_true(origin_ticket_give_up(&tickets[0].ticket));
    assert_true(origin_health_aside(&pool->health, loop_now_ms(&loop)));
    (void)open_dial(0, HTTP_2, 1);
    settle();
    assert_null(tickets[0].conn);
    assert_non_null(tickets[1].conn);

    ask(2, 1, 1); /* all is full: it waits for its turn */
    settle();
    assert_false(origin_ticket_give_up(&tickets[2].ticket));
    origin_ticket_cancel(&tickets[2].ticket);
}

/* ---- slots and draining */

static void lowered_slots_stop_new_exchanges_until_below(void **state)
{
    (void)state;
    ask(0, 20, 100);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, 100);
    settle();
    fake_conn_set_slots(fake, 5);
    ask(20, 1, 100);
    settle();
    assert_null(tickets[20].conn);

    for (int i = 0; i < 15; i++)
        fake_conn_finish(fake);
    settle();
    assert_null(tickets[20].conn);
    fake_conn_finish(fake);
    settle();

    assert_ptr_equal(tickets[20].conn, fake);
    assert_int_equal(fake->conn.slots_used, 5);
}

static void zero_slots_mean_wait(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, 100);
    settle();
    fake_conn_set_slots(fake, 0);
    fake_conn_finish(fake);
    ask(1, 1, 100);
    settle();
    assert_int_equal(granted_count(), 1);

    fake_conn_set_slots(fake, 1);
    settle();

    assert_ptr_equal(tickets[1].conn, fake);
}

static void a_draining_connection_gets_no_new_exchange(void **state)
{
    (void)state;
    ask(0, 10, 100);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, 100);
    settle();
    fake_conn_goaway(fake);
    ask(10, 10, 100);
    settle();
    assert_int_equal(granted_count(), 10);
    assert_int_equal(dial_count, 2);

    fake_conn_die(fake, ERR_CLOSED);
    open_dial(1, HTTP_2, 100);
    settle();

    assert_int_equal(granted_count(), 20);
    assert_int_equal(pool->conn_count, 1);
    assert_int_equal(pool->running_count, 10);
}

static void the_death_of_the_only_connection_dials_for_those_who_wait(void **state)
{
    (void)state;
    ask(0, 100, 100);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, 100);
    settle();
    fake_conn_set_slots(fake, 50);
    ask(100, 1, 100);
    settle();
    size_t dialled = dial_count;
    fail_dial(1, ERR_ORIGIN_REFUSED);
    settle();
    assert_int_equal(tickets[100].callbacks, 0);
    assert_int_equal(dial_count, dialled);

    fake_conn_die(fake, ERR_ORIGIN_RESET);
    settle();

    assert_int_equal(dial_count, dialled + 1);
}

/* ---- HTTP/1.1 on demand, fresh connections, protocol memory */

static void an_h2_only_ticket_is_refused_where_http1_is_spoken(void **state)
{
    (void)state;
    tickets[0].ticket.h2_only = true;
    ask(0, 2, 100);
    settle();
    struct fake_conn *h1 = open_dial(0, HTTP_1_1, 1);
    settle();
    assert_int_equal(refused_count(ERR_ORIGIN_H2_MISSING), 1);
    assert_ptr_equal(tickets[1].conn, h1);
    tickets[2].ticket.h2_only = true;
    ask(2, 1, 100);
    settle();
    assert_int_equal(refused_count(ERR_ORIGIN_H2_MISSING), 2);
    assert_int_equal(dial_count, 1);
}

static void an_h2_only_ticket_passes_by_what_needs_http1(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    struct fake_conn *h2 = open_dial(0, HTTP_2, 100);
    settle();
    origin_pool_require_h1(pool);
    tickets[1].ticket.h2_only = true;
    ask(1, 1, 100);
    settle();
    assert_ptr_equal(tickets[1].conn, h2);
}

static void an_h1_only_ticket_dials_apart_from_known_h2(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();
    tickets[1].ticket.h1_only = true;
    ask(1, 1, 100);
    settle();
    assert_int_equal(dial_count, 2);
    assert_int_equal(dials[1]->offer, OFFER_H1);

    struct fake_conn *h1 = open_dial(1, HTTP_1_1, 1);
    settle();
    assert_ptr_equal(tickets[1].conn, h1);
    fake_conn_finish(h1);
    ask(2, 1, 100);
    settle();

    assert_ptr_equal(tickets[2].conn, conns[0]);
}

static struct fake_conn *open_h2(bool tunnels, uint32_t slots_max)
{
    ask(0, 1, 100);
    settle();
    struct fake_conn *h2 = open_dial(0, HTTP_2, slots_max);
    h2->conn.tunnels = tunnels;
    settle();
    return h2;
}

static void a_tunnel_boards_h2_that_takes_tunnels(void **state)
{
    (void)state;
    struct fake_conn *h2 = open_h2(true, 4);
    for (size_t i = 1; i < 4; i++)
        tickets[i].ticket.tunnel = true;
    ask(1, 1, 100);
    settle();
    assert_ptr_equal(tickets[1].conn, h2);
    assert_int_equal(dial_count, 1);

    /* Half is left to requests. */
    ask(2, 1, 100);
    settle();
    assert_null(tickets[2].conn);
    assert_int_equal(dials[1]->offer, OFFER_H1);
}

static void a_tunnel_stays_off_h2_that_does_not_take_it(void **state)
{
    (void)state;
    (void)open_h2(false, 100);
    tickets[1].ticket.tunnel = true;
    ask(1, 1, 100);
    settle();
    assert_null(tickets[1].conn);
    assert_int_equal(dials[1]->offer, OFFER_H1);
    struct fake_conn *h1 = open_dial(1, HTTP_1_1, 1);
    settle();
    assert_ptr_equal(tickets[1].conn, h1);
}

static void a_tunnel_stays_off_h2_where_h1_is_required(void **state)
{
    (void)state;
    (void)open_h2(true, 100);
    tickets[1].ticket.tunnel = tickets[1].ticket.h1_only = true;
    ask(1, 1, 100);
    settle();
    assert_null(tickets[1].conn);
    assert_int_equal(dials[1]->offer, OFFER_H1);
}

static void a_fresh_only_ticket_gets_a_connection_opened_after_it_asked(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();
    tickets[1].ticket.fresh_only = tickets[2].ticket.fresh_only = true;
    ask(1, 2, 100);
    settle();
    assert_int_equal(dial_count, 2);

    open_dial(1, HTTP_2, 100);
    settle();

    assert_ptr_equal(tickets[1].conn, conns[1]);
    assert_ptr_equal(tickets[2].conn, conns[1]);
}

static void an_origin_that_requires_h1_is_remembered(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();
    origin_pool_require_h1(pool);
    ask(1, 1, 100);
    settle();
    assert_int_equal(dials[1]->offer, OFFER_H1);
    open_dial(1, HTTP_1_1, 1);
    settle();

    pass_ms(LIMIT_ORIGIN_PROTOCOL_MS + 1);
    ask(2, 1, 100);
    settle();

    assert_ptr_equal(tickets[2].conn, conns[0]);
}

static void known_h2_that_answers_h1_is_learned_anew(void **state)
{
    (void)state;
    ask(0, 150, 100);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();
    assert_int_equal(dial_count, 2);

    open_dial(1, HTTP_1_1, 1);
    settle();

    assert_int_equal(origin_pool_protocol(pool), PROTOCOL_H1);
    assert_int_equal(granted_count(), 101);
    assert_int_equal(dial_count, 2 + 49);
}

static void expired_memory_lets_the_next_dial_decide_while_others_serve(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();
    pass_ms(LIMIT_ORIGIN_PROTOCOL_MS + 1);
    assert_int_equal(origin_pool_protocol(pool), PROTOCOL_UNKNOWN);
    ask(1, 1023, 100);
    settle();

    assert_int_equal(granted_count(), 100);
    assert_int_equal(dial_count, 2);
}

static void broken_h2_is_suspended_after_three_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ask(i, 1, 100);
        settle();
        assert_int_equal(dials[i]->offer, OFFER_ANY);
        struct fake_conn *fake = open_dial(i, HTTP_2, 100);
        fake->conn.flaw = ORIGIN_REASON_H2_PROTOCOL_ERRORS;
        fake_conn_die(fake, ERR_ORIGIN_H2_BROKEN);
        origin_ticket_cancel(&tickets[i].ticket);
        settle();
    }
    ask(3, 1, 100);
    settle();

    assert_int_equal(dials[dial_count - 1]->offer, OFFER_H1);
}

/* ---- what other workers know */

static struct origin_knowledge fact_of_pool(enum origin_fact fact)
{
    return (struct origin_knowledge){
        .origin = pool->known->origin, .fact = fact, .count = 1, .until_s = clock_wall_s() + 60};
}

static void an_h1_origin_that_another_worker_met_is_dialled_for_each(void **state)
{
    (void)state;
    struct origin_knowledge what = fact_of_pool(ORIGIN_FACT_H1);
    origin_pools_know(pools, &what);
    ask(0, 8, 100);
    settle();
    assert_int_equal(dial_count, 8);
}

static void an_h2_origin_that_another_worker_met_is_dialled_once(void **state)
{
    (void)state;
    struct origin_knowledge what = fact_of_pool(ORIGIN_FACT_H2);
    origin_pools_know(pools, &what);
    ask(0, 100, 100);
    settle();
    assert_int_equal(dial_count, 1);
}

static void who_waits_when_another_worker_suspends_goes_by_h1(void **state)
{
    (void)state;
    ask(0, 2, 100);
    tickets[2].ticket.h2_only = true;
    ask(2, 1, 100);
    settle();
    assert_int_equal(dial_count, 1);

    struct origin_knowledge what = fact_of_pool(ORIGIN_FACT_H2_SUSPENDED);
    origin_pools_know(pools, &what);
    settle();
    assert_int_equal(dial_count, 3);
    assert_int_equal(dials[1]->offer, OFFER_H1);
    open_dial(1, HTTP_1_1, 1);
    settle();
    assert_ptr_equal(tickets[0].conn, conns[0]);
    assert_null(tickets[2].conn);
    open_dial(0, HTTP_2, 100);
    settle();
    assert_ptr_equal(tickets[2].conn, conns[1]);
    assert_null(tickets[1].conn);
}

static void resets_in_a_row_suspend_and_an_answer_between_begins_anew(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    struct fake_conn *fake = open_dial(0, HTTP_2, 100);
    settle();
    for (int i = 0; i < 2; i++) {
        fake->conn.resets_count += LIMIT_ORIGIN_H2_RESETS - 1;
        origin_conn_events.on_slots(fake->conn.owner);
        fake->conn.answers_count++;
        origin_conn_events.on_slots(fake->conn.owner);
        assert_false(pool->known->suspension.open);
    }
    fake->conn.resets_count += LIMIT_ORIGIN_H2_RESETS;
    origin_conn_events.on_slots(fake->conn.owner);
    assert_true(pool->known->suspension.open);
}

/* ---- failures */

static void a_failed_dial_refuses_those_it_would_have_carried(void **state)
{
    (void)state;
    ask(0, 50, 100);
    settle();
    fail_dial(0, ERR_ORIGIN_REFUSED);
    settle();

    assert_int_equal(refused_count(ERR_ORIGIN_REFUSED), 50);
    assert_int_equal(dial_count, 1);
    ask(50, 1, 100);
    settle();
    assert_int_equal(dial_count, 2);
}

static void a_failed_dial_spares_those_whom_other_dials_will_carry(void **state)
{
    (void)state;
    ask(0, 1, 100);
    settle();
    fake_conn_die(open_dial(0, HTTP_2, 100), ERR_CLOSED);
    settle();
    while (dial_count < 2)
        settle();
    origin_ticket_cancel(&tickets[0].ticket);
    ask(1, 150, 100);
    settle();
    assert_int_equal(dial_count, 3);

    fail_dial(1, ERR_ORIGIN_CONNECT_TIMEOUT);
    settle();

    assert_int_equal(refused_count(ERR_ORIGIN_CONNECT_TIMEOUT), 50);
    open_dial(2, HTTP_2, 100);
    settle();
    assert_int_equal(granted_count(), 100);
}

static void a_full_queue_refuses(void **state)
{
    (void)state;
    ask(0, LIMIT_ORIGIN_WAITING + 3, 100);
    settle();

    assert_int_equal(refused_count(ERR_ORIGIN_QUEUE_FULL), 3);
}

static void who_waits_too_long_is_refused(void **state)
{
    (void)state;
    ask(0, 2, 1);
    settle();
    pass_ms(LIMIT_ORIGIN_WAITING_MS - 10);
    ask(2, 1, 1);
    settle();
    pass_ms(10);
    assert_true(deadline_armed(&pool->tick));
    deadline_disarm(&loop, &pool->tick);
    pool->tick.expired(&pool->tick);
    settle();

    assert_int_equal(refused_count(ERR_ORIGIN_QUEUE_TIMEOUT), 2);
    assert_int_equal(tickets[2].callbacks, 0);
    assert_true(deadline_armed(&pool->tick));
}

/* ---- cancelling and closing */

static void a_cancelled_ticket_hears_nothing(void **state)
{
    (void)state;
    ask(0, 3, 100);
    origin_ticket_cancel(&tickets[0].ticket);
    settle();
    origin_ticket_cancel(&tickets[1].ticket);
    origin_ticket_cancel(&tickets[1].ticket);
    open_dial(0, HTTP_2, 100);
    origin_ticket_cancel(&tickets[2].ticket);
    settle();
    origin_ticket_cancel(&tickets[2].ticket);

    assert_int_equal(tickets[0].callbacks + tickets[1].callbacks + tickets[2].callbacks, 0);
    assert_int_equal(conns[0]->conn.slots_used, 0);
}

static void a_slot_that_is_left_goes_to_the_next(void **state)
{
    (void)state;
    tickets[0].leaves = true;
    ask(0, 2, 1);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();

    assert_int_equal(tickets[0].callbacks, 1);
    assert_ptr_equal(tickets[1].conn, conns[0]);
}

static void closing_ends_dials_connections_and_waiting(void **state)
{
    (void)state;
    ask(0, 150, 100);
    settle();
    open_dial(0, HTTP_2, 100);
    settle();
    assert_int_equal(dial_count, 2);

    origin_pools_close(&pools, test_closed, NULL);
    settle();

    assert_true(pools_closed);
    assert_int_equal(cancel_count, 1);
    assert_int_equal(refused_count(ERR_CLOSED), 50);
}

/* ---- all pools */

static void a_bad_ca_file_is_told_at_the_start(void **state)
{
    (void)state;
    struct problem problem = {0};
    struct origin_pools *none = NULL;
    struct origin_pools_options options = pools->options;
    options.ca_file = "/nonexistent/ca.pem";
    assert_int_not_equal(origin_pools_open(&options, &none, &problem), ERR_OK);
    assert_null(none);
    assert_true(problem.text[0] != '\0');
}

static void equal_origins_share_a_pool_and_others_do_not(void **state)
{
    (void)state;
    struct origin same = origin_at("192.0.2.1", ORIGIN_PROTOCOL_AUTO);
    struct origin other = same;
    other.tls = ORIGIN_TLS_UNVERIFIED;

    assert_ptr_equal(origin_pools_get(pools, &same), pool);
    assert_ptr_not_equal(origin_pools_get(pools, &other), pool);
}

static void pools_are_bounded_and_the_longest_unused_go_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT_ORIGIN_POOLS + 100u; i++) {
        char address[32];
        snprintf(address, sizeof(address), "10.%u.%u.1", i / 256, i % 256);
        struct origin origin = origin_at(address, ORIGIN_PROTOCOL_AUTO);
        assert_non_null(origin_pools_get(pools, &origin));
        assert_true(pools->lru.count <= LIMIT_ORIGIN_POOLS);
    }
    struct origin first = origin_at("192.0.2.1", ORIGIN_PROTOCOL_AUTO);
    assert_null(origin_pools_find(pools, &first));
}

static void an_empty_pool_is_forgotten_when_its_memory_expired(void **state)
{
    (void)state;
    struct origin origin = origin_at("192.0.2.1", ORIGIN_PROTOCOL_AUTO);
    pass_ms(LIMIT_ORIGIN_PROTOCOL_MS - 1);
    deadline_disarm(&loop, &pools->sweep);
    pools->sweep.expired(&pools->sweep);
    assert_non_null(origin_pools_find(pools, &origin));
    pass_ms(1);
    deadline_disarm(&loop, &pools->sweep);
    pools->sweep.expired(&pools->sweep);

    assert_null(origin_pools_find(pools, &origin));
}

static void picking_spreads_and_sets_failed_origins_aside(void **state)
{
    (void)state;
    struct origin origins[3] = {origin_at("192.0.2.1", ORIGIN_PROTOCOL_AUTO),
                                origin_at("192.0.2.2", ORIGIN_PROTOCOL_AUTO),
                                origin_at("192.0.2.3", ORIGIN_PROTOCOL_AUTO)};
    size_t seen[3] = {0};
    for (int i = 0; i < 30; i++)
        seen[origin_pick(pools, origins, 3, 0)]++;
    assert_int_equal(seen[0], 10);
    assert_int_equal(seen[1], 10);

    ask(0, 1, 100);
    settle();
    fail_dial(0, ERR_ORIGIN_REFUSED);
    settle();
    for (int i = 0; i < 30; i++)
        assert_int_not_equal(origin_pick(pools, origins, 3, 0), 0);
    assert_int_equal(origin_pick(pools, origins, 3, 6), 0);
    assert_int_equal(origin_pick(pools, origins, 3, 7), 3);
    assert_int_equal(origin_pick(pools, origins, 1, 0), 0);
    assert_int_equal(origin_pick(pools, origins, 1, 1), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(unknown_protocol_dials_once),
        CASE(hundred_cold_tickets_share_one_h2_connection),
        CASE(a_burst_of_1024_opens_eleven_h2_connections),
        CASE(untold_connections_get_few_streams_until_settings_come),
        CASE(h1_is_dialled_once_per_waiting_ticket_up_to_the_limit),
        CASE(an_h1_policy_needs_no_lesson),
        CASE(streams_max_one_multiplexes_nothing),
        CASE(a_raised_setting_makes_room_on_what_is_open),
        CASE(an_origin_that_allows_few_is_believed_next_time),
        CASE(the_fullest_connection_with_room_is_taken),
        CASE(idle_connections_age_out),
        CASE(a_connection_is_drained_after_its_requests_and_what_runs_goes_on),
        CASE(a_connection_is_drained_when_it_is_old),
        CASE(a_ticket_gives_up_on_a_dial_but_not_on_its_turn),
        CASE(lowered_slots_stop_new_exchanges_until_below),
        CASE(zero_slots_mean_wait),
        CASE(a_draining_connection_gets_no_new_exchange),
        CASE(the_death_of_the_only_connection_dials_for_those_who_wait),
        CASE(an_h1_only_ticket_dials_apart_from_known_h2),
        CASE(a_tunnel_boards_h2_that_takes_tunnels),
        CASE(a_tunnel_stays_off_h2_that_does_not_take_it),
        CASE(a_tunnel_stays_off_h2_where_h1_is_required),
        CASE(a_fresh_only_ticket_gets_a_connection_opened_after_it_asked),
        CASE(an_origin_that_requires_h1_is_remembered),
        CASE(known_h2_that_answers_h1_is_learned_anew),
        CASE(expired_memory_lets_the_next_dial_decide_while_others_serve),
        CASE(broken_h2_is_suspended_after_three_times),
        CASE(an_h1_origin_that_another_worker_met_is_dialled_for_each),
        CASE(an_h2_origin_that_another_worker_met_is_dialled_once),
        CASE(who_waits_when_another_worker_suspends_goes_by_h1),
        CASE(resets_in_a_row_suspend_and_an_answer_between_begins_anew),
        CASE(a_failed_dial_refuses_those_it_would_have_carried),
        CASE(a_failed_dial_spares_those_whom_other_dials_will_carry),
        CASE(a_full_queue_refuses),
        CASE(who_waits_too_long_is_refused),
        CASE(an_h2_only_ticket_is_refused_where_http1_is_spoken),
        CASE(an_h2_only_ticket_passes_by_what_needs_http1),
        CASE(a_cancelled_ticket_hears_nothing),
        CASE(a_slot_that_is_left_goes_to_the_next),
        CASE(closing_ends_dials_connections_and_waiting),
        CASE(a_bad_ca_file_is_told_at_the_start),
        CASE(equal_origins_share_a_pool_and_others_do_not),
        CASE(pools_are_bounded_and_the_longest_unused_go_first),
        CASE(an_empty_pool_is_forgotten_when_its_memory_expired),
        CASE(picking_spreads_and_sets_failed_origins_aside),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
