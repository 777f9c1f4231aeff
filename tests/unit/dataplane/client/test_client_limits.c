/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_limits.c - who gets a seat, whose seat goes, and how an address is forgotten. */
#include "dataplane/client/client_limits.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "common/model/limits.h"
#include "tests/unit/common/base/dies.h"

#define SEATS 64

static struct loop loop;
static struct client_limits *limits;
static struct client_seat seats[SEATS];
static size_t evicted_count;
static struct client_seat *evicted;

static void seat_evicted(struct client_seat *seat)
{
    evicted = seat;
    evicted_count++;
}

static void open_limits(uint64_t conns_max, uint64_t handshakes_per_s, unsigned workers)
{
    struct client_limits_options options = {.address_conns_max = conns_max,
                                            .address_handshakes_per_s = handshakes_per_s,
                                            .workers = workers};
    limits = client_limits_new(&loop, &options);
}

static int set_up(void **state)
{
    (void)state;
    memset(seats, 0, sizeof(seats));
    evicted_count = 0;
    assert_int_equal(loop_open(&loop), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_limits_free(&limits);
    loop_close(&loop);
    return 0;
}

static struct address address(const char *text)
{
    struct address out;
    assert_int_equal(address_parse(span_str(text), &out), ERR_OK);
    return out;
}

/* A connection as the listener makes it. */
static bool take(size_t i, const char *text, bool handshake)
{
    struct address from = address(text);
    seats[i] = (struct client_seat){.evict = seat_evicted};
    if (!client_limits_charge(limits, &seats[i], &from, handshake))
        return false;
    client_limits_enter(limits, &seats[i]);
    return true;
}

static void leave(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        client_limits_leave(limits, &seats[i]);
}

static void an_address_has_so_many_connections_and_no_more(void **state)
{
    (void)state;
    open_limits(2, 0, 1);
    assert_true(take(0, "192.0.2.1", true));
    assert_true(take(1, "192.0.2.1", false));
    assert_false(take(2, "192.0.2.1", true));
    assert_true(take(2, "192.0.2.2", true));
    leave(0, 1);
    assert_true(take(0, "192.0.2.1", true));
    leave(0, 3);
}

static void an_address_of_ipv6_is_its_64_bits(void **state)
{
    (void)state;
    open_limits(1, 0, 1);
    assert_true(take(0, "2001:db8:0:1::1", true));
    assert_false(take(1, "2001:db8:0:1:ffff::2", true));
    assert_true(take(1, "2001:db8:0:2::1", true));
    leave(0, 2);
}

static void a_worker_has_its_share(void **state)
{
    (void)state;
    open_limits(4, 0, 2);
    assert_true(take(0, "192.0.2.1", true));
    assert_true(take(1, "192.0.2.1", true));
    assert_false(take(2, "192.0.2.1", true));
    leave(0, 2);
}

/* 1,024 at 500/s are 21 at 10/s. */
static void handshakes_have_a_burst_and_come_back_by_time(void **state)
{
    size_t made = 0;
    (void)state;
    open_limits(0, 10, 1);
    while (made < SEATS && take(made, "192.0.2.1", true))
        made++;
    assert_int_equal(made, 21);
    assert_true(take(made, "192.0.2.1", false)); /* without one it is let in */
    leave(0, made + 1);
    assert_false(take(0, "192.0.2.1", true));

    loop.uv.time += 100;
    assert_true(take(0, "192.0.2.1", true));
    assert_false(take(1, "192.0.2.1", true));
    leave(0, 1);
    assert_int_equal(counters_read(loop.counters, COUNTER_CLIENT_ADDRESS_HANDSHAKES), 3);
}

static void no_limit_is_no_limit(void **state)
{
    (void)state;
    open_limits(0, 0, 1);
    for (size_t i = 0; i < SEATS; i++)
        assert_true(take(i, "192.0.2.1", true));
    leave(0, SEATS);
}

static void addresses_that_rest_are_forgotten_by_newcomers(void **state)
{
    char text[32];
    (void)state;
    open_limits(1, 500, 1);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 30000; i++) {
            snprintf(text, sizeof(text), "10.%d.%d.%d", round, i / 250, i % 250);
            assert_true(take(0, text, true));
            leave(0, 1);
        }
        loop.uv.time += 3000;
    }
    /* All of them would be 120,000; what is left is freed by the end of the test. */
    assert_true(take(0, "10.0.0.0", true));
    leave(0, 1);
}

static void tighten(struct rlimit *limit, rlim_t descriptors)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, limit), 0);
    struct rlimit tight = *limit;
    tight.rlim_cur = descriptors;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
}

static void who_waits_longest_makes_room_when_it_is_crowded(void **state)
{
    struct rlimit limit;
    (void)state;
    tighten(&limit, 64); /* (64 - 24) * 75 % = 30 connections; crowded at 27 */
    open_limits(0, 0, 1);
    for (size_t i = 0; i < 27; i++) {
        assert_true(client_limits_make_room(limits));
        assert_true(take(i, "192.0.2.1", true));
    }
    assert_int_equal(evicted_count, 0);
    client_limits_run(limits, &seats[0]);
    client_limits_run(limits, &seats[1]);
    client_limits_wait(limits, &seats[1]); /* its request is answered: now it is the last */

    assert_true(take(27, "192.0.2.1", true));
    assert_ptr_equal(evicted, &seats[2]);
    assert_true(take(28, "192.0.2.1", true));
    assert_ptr_equal(evicted, &seats[3]);
    client_limits_wait(limits, &seats[2]); /* it is on its way out */
    leave(2, 2);
    assert_true(take(29, "192.0.2.1", true));
    assert_ptr_equal(evicted, &seats[4]);
    leave(0, 2);
    leave(4, 26);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void who_has_too_many_connections_evicts_nobody(void **state)
{
    struct rlimit limit;
    (void)state;
    tighten(&limit, 64);
    open_limits(27, 0, 1);
    for (size_t i = 0; i < 27; i++)
        assert_true(take(i, "192.0.2.1", true));
    for (size_t i = 0; i < 10; i++) {
        assert_true(client_limits_make_room(limits));
        assert_false(take(27, "192.0.2.1", true));
    }
    assert_int_equal(evicted_count, 0);

    assert_true(take(27, "192.0.2.2", true));
    assert_int_equal(evicted_count, 1);
    leave(0, 28);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void what_runs_is_never_evicted(void **state)
{
    struct rlimit limit;
    (void)state;
    tighten(&limit, 64);
    open_limits(0, 0, 1);
    for (size_t i = 0; i < 30; i++) {
        assert_true(client_limits_make_room(limits));
        assert_true(take(i, "192.0.2.1", true));
        client_limits_run(limits, &seats[i]);
    }
    assert_false(client_limits_make_room(limits));
    client_limits_starve(limits);
    assert_int_equal(evicted_count, 0);

    /* More descriptors are seen when they are needed. */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(client_limits_make_room(limits));
    leave(0, 30);
}

static void descriptors_that_are_taken_away_are_given_back_by_who_waits(void **state)
{
    struct rlimit limit;
    (void)state;
    open_limits(0, 0, 1);
    for (size_t i = 0; i < 40; i++)
        assert_true(take(i, "192.0.2.1", true));
    tighten(&limit, 64);
    client_limits_starve(limits);
    client_limits_starve(limits); /* their seats are left later, from the loop */
    assert_int_equal(evicted_count, 14);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    leave(0, 40);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(an_address_has_so_many_connections_and_no_more),
        CASE(an_address_of_ipv6_is_its_64_bits),
        CASE(a_worker_has_its_share),
        CASE(handshakes_have_a_burst_and_come_back_by_time),
        CASE(no_limit_is_no_limit),
        CASE(addresses_that_rest_are_forgotten_by_newcomers),
        CASE(who_waits_longest_makes_room_when_it_is_crowded),
        CASE(who_has_too_many_connections_evicts_nobody),
        CASE(what_runs_is_never_evicted),
        CASE(descriptors_that_are_taken_away_are_given_back_by_who_waits),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
