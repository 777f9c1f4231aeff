/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_origin_connect.c - from a name to a connection, with resolver, sockets and TLS that the test
 * plays: it defines the functions that origin_connect.c calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "dataplane/h1/h1_origin.h"
#include "dataplane/h2/h2_origin.h"
#include "dataplane/net/transport_tcp.h"
#include "dataplane/net/transport_tls.h"
#include "dataplane/origin/origin_int.h"
#include "tests/unit/support/fake_conn.h"

static struct loop loop;
static struct origin_pools *pools;
static struct address_policy policy;
static struct origin_ticket ticket;
static struct fake_conn *granted;
static enum err refused;
static char refused_text[192];
static bool pools_closed;

/* ---- what is played */

static struct resolve_question *question;
static resolved_fn *resolved;
static struct span asked_name;
static size_t resolve_cancel_count;

void resolve_ask(struct resolver *resolver, struct resolve_question *q, struct span name,
                 resolved_fn *fn)
{
    (void)resolver;
    question = q;
    resolved = fn;
    asked_name = name;
}

void resolve_cancel(struct resolve_question *q)
{
    if (q == question)
        resolve_cancel_count++;
    question = NULL;
}

static tcp_dialled_fn *dialled;
static void *dial_owner;
static char dial_address[64];
static uint16_t dial_port;
static size_t dial_count, dial_cancel_count;
static int dial_token;

struct tcp_dial *tcp_dial(struct loop *l, const struct sockaddr *address, tcp_dialled_fn *fn,
                          void *owner)
{
    (void)l;
    dialled = fn;
    dial_owner = owner;
    dial_count++;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, dial_address, sizeof(dial_address));
        dial_port = ntohs(v4->sin_port);
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        inet_ntop(AF_INET6, &v6->sin6_addr, dial_address, sizeof(dial_address));
        dial_port = ntohs(v6->sin6_port);
    }
    return (struct tcp_dial *)(void *)&dial_token;
}

void tcp_dial_cancel(struct tcp_dial **dial)
{
    dial_cancel_count++;
    *dial = NULL;
}

static struct transport tcp_transport, tls_transport;
static size_t close_count, abort_count;

static void fake_close(struct transport *t)
{
    (void)t;
    close_count++;
}

static void fake_abort(struct transport *t)
{
    (void)t;
    abort_count++;
}

static const struct transport_ops transport_ops = {.close = fake_close, .abort = fake_abort};

static tls_secured_fn *secured;
static void *tls_owner;
static struct tls_profile *tls_profile;
static struct span tls_name;

struct transport *transport_tls_connect(struct transport *lower, const struct tls_connect *connect,
                                        const struct transport_events *events, void *owner,
                                        tls_secured_fn *fn)
{
    assert_ptr_equal(lower, &tcp_transport);
    tls_transport = (struct transport){.ops = &transport_ops, .events = events, .owner = owner};
    secured = fn;
    tls_owner = owner;
    tls_profile = connect->profile;
    tls_name = connect->server_name;
    return &tls_transport;
}

struct http_conn *h1_origin_open(struct transport *transport,
                                 const struct h1_origin_options *options,
                                 const struct http_conn_events *events, void *owner)
{
    (void)transport, (void)options;
    return &fake_conn_new(&loop.wakeq, HTTP_1_1, 1, events, owner)->conn;
}

struct http_conn *h2_origin_open(struct transport *transport,
                                 const struct h2_origin_options *options,
                                 const struct http_conn_events *events, void *owner)
{
    (void)transport;
    assert_true(options->settings_timeout_ms <= LIMIT_ORIGIN_SETTINGS_MS);
    return &fake_conn_new(&loop.wakeq, HTTP_2, 100, events, owner)->conn;
}

/* ---- the stage */

static void settle(void)
{
    while (wakeq_run(&loop.wakeq, 1000))
        continue;
}

static void test_granted(struct origin_ticket *t, struct http_conn *conn,
                         const struct origin_conn_facts *facts)
{
    (void)t;
    assert_int_equal(facts->port, 8443);
    granted = container_of(conn, struct fake_conn, conn);
    http_conn_run(conn, NULL);
}

static void test_refused(struct origin_ticket *t, enum err err, const struct problem *problem)
{
    (void)t;
    refused = err;
    snprintf(refused_text, sizeof(refused_text), "%s", problem ? problem->text : "");
}

static int set_up(void **state)
{
    (void)state;
    struct problem problem;
    assert_int_equal(loop_open(&loop), ERR_OK);
    policy = (struct address_policy){0};
    struct origin_pools_options options = {
        .loop = &loop, .policy = &policy, .connect_timeout_ms = 1000, .read_timeout_ms = 1000};
    assert_int_equal(origin_pools_open(&options, &pools, &problem), ERR_OK);
    uv_update_time(&loop.uv); /* opening took its time */
    tcp_transport = (struct transport){.ops = &transport_ops};
    ticket = (struct origin_ticket){
        .granted = test_granted, .refused = test_refused, .streams_max = 100};
    granted = NULL;
    refused = ERR_OK;
    question = NULL;
    dial_count = dial_cancel_count = resolve_cancel_count = close_count = abort_count = 0;
    pools_closed = false;
    return 0;
}

static void test_closed(void *owner)
{
    (void)owner;
    pools_closed = true;
}

static int tear_down_with_ticket(void)
{
    origin_pools_close(&pools, test_closed, NULL);
    settle();
    assert_true(pools_closed);
    loop_close(&loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    origin_ticket_cancel(&ticket);
    return tear_down_with_ticket();
}

static void ask(enum origin_tls tls, enum origin_protocol_policy protocols)
{
    struct origin origin = {.address = SPAN("origin.example.com"),
                            .sni = SPAN("www.example.com"),
                            .port = 8443,
                            .tls = tls,
                            .policy = protocols};
    origin_pool_acquire(origin_pools_get(pools, &origin), &ticket);
    settle();
    assert_true(span_equal(asked_name, SPAN("origin.example.com")));
}

static void answer(const char *const *texts, size_t count)
{
    struct address addresses[LIMIT_ORIGIN_ADDRESSES];
    for (size_t i = 0; i < count; i++)
        assert_int_equal(address_parse(span_str(texts[i]), &addresses[i]), ERR_OK);
    struct resolve_question *q = question;
    question = NULL;
    resolved(q, ERR_OK, addresses, count);
    settle();
}

static const char *const one[] = {"8.8.4.4"};
static const char *const three[] = {"8.8.4.1", "2606:4700::1", "8.8.4.3"};

static bool passed;

static void pass_over(struct deadline *deadline)
{
    (void)deadline;
    passed = true;
}

static void pass_ms(uint64_t ms)
{
    struct deadline deadline = {0};
    passed = false;
    deadline_arm(&loop, &deadline, ms, pass_over);
    while (!passed)
        uv_run(&loop.uv, UV_RUN_ONCE);
    settle();
}

static void end_tcp(enum err err)
{
    dialled(dial_owner, err, err == ERR_OK ? &tcp_transport : NULL);
    settle();
}

static void end_tls(enum err err, enum tls_alpn alpn)
{
    struct tls_facts facts = {.alpn = alpn};
    struct problem problem = {.code = err, .text = "the rule"};
    secured(tls_owner, err, err == ERR_OK ? &facts : NULL, &problem);
    settle();
}

/* ---- the tests */

static void a_plain_origin_is_spoken_to_over_h1(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_NONE, ORIGIN_PROTOCOL_AUTO);
    answer(one, 1);
    assert_string_equal(dial_address, "8.8.4.4");
    assert_int_equal(dial_port, 8443);
    end_tcp(ERR_OK);

    assert_non_null(granted);
    assert_int_equal(granted->conn.version, HTTP_1_1);
}

static struct tls_profile *profile_of(bool verified, bool h2_offered)
{
    const struct origin_tls_want want = {.verified = verified, .h2_offered = h2_offered};
    struct problem problem;
    return origin_tls_profile(&pools->tls, &want, &problem);
}

static void alpn_decides_who_speaks(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_VERIFIED, ORIGIN_PROTOCOL_AUTO);
    answer(one, 1);
    end_tcp(ERR_OK);
    assert_true(span_equal(tls_name, SPAN("www.example.com")));
    assert_ptr_equal(tls_profile, profile_of(true, true));
    end_tls(ERR_OK, TLS_ALPN_H2);

    assert_int_equal(granted->conn.version, HTTP_2);
}

static void no_alpn_means_h1(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_UNVERIFIED, ORIGIN_PROTOCOL_AUTO);
    answer(one, 1);
    end_tcp(ERR_OK);
    assert_ptr_equal(tls_profile, profile_of(false, true));
    end_tls(ERR_OK, TLS_ALPN_NONE);

    assert_int_equal(granted->conn.version, HTTP_1_1);
}

static void an_h1_policy_or_ticket_does_not_offer_h2(void **state)
{
    (void)state;
    ticket.h1_only = true;
    ask(ORIGIN_TLS_UNVERIFIED, ORIGIN_PROTOCOL_AUTO);
    answer(one, 1);
    end_tcp(ERR_OK);
    assert_ptr_equal(tls_profile, profile_of(false, false));
}

static void one_forbidden_address_refuses_the_name(void **state)
{
    (void)state;
    static const char *const mixed[] = {"8.8.4.4", "10.0.0.1"};
    ask(ORIGIN_TLS_UNVERIFIED, ORIGIN_PROTOCOL_AUTO);
    answer(mixed, 2);

    assert_int_equal(refused, ERR_ORIGIN_ADDRESS);
    assert_int_equal(dial_count, 0);
    assert_true(refused_text[0] != '\0');
}

static void families_take_turns_and_ipv6_is_first(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_NONE, ORIGIN_PROTOCOL_AUTO);
    answer(three, 3);
    assert_string_equal(dial_address, "2606:4700::1");
    end_tcp(ERR_ORIGIN_REFUSED);
    assert_string_equal(dial_address, "8.8.4.3");
    end_tcp(ERR_ORIGIN_UNREACHABLE);
    assert_string_equal(dial_address, "8.8.4.1");
    end_tcp(ERR_OK);

    assert_non_null(granted);
}

static void an_address_that_failed_comes_last_the_next_time(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_NONE, ORIGIN_PROTOCOL_AUTO);
    answer(three, 3);
    end_tcp(ERR_ORIGIN_REFUSED); /* 2606:4700::1 */
    end_tcp(ERR_OK);
    assert_non_null(granted);

    struct fake_conn *first = granted;
    granted = NULL;
    ask(ORIGIN_TLS_NONE, ORIGIN_PROTOCOL_AUTO);
    answer(three, 3);
    assert_string_not_equal(dial_address, "2606:4700::1");
    end_tcp(ERR_OK);
    assert_non_null(granted);
    assert_ptr_not_equal(granted, first);
}

static void the_last_failure_is_told_when_all_fail(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_NONE, ORIGIN_PROTOCOL_AUTO);
    answer(three, 3);
    end_tcp(ERR_IO);
    end_tcp(ERR_ORIGIN_UNREACHABLE);
    end_tcp(ERR_ORIGIN_REFUSED);
    assert_int_equal(refused, ERR_ORIGIN_REFUSED);
}

static struct origin_pool *asked_pool(void)
{
    struct origin origin = {.address = SPAN("origin.example.com"),
                            .sni = SPAN("www.example.com"),
                            .port = 8443,
                            .tls = ORIGIN_TLS_NONE,
                            .policy = ORIGIN_PROTOCOL_AUTO};
    return origin_pools_get(pools, &origin);
}

static void what_is_our_own_fault_is_not_held_against_the_origin(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_NONE, ORIGIN_PROTOCOL_AUTO);
    answer(one, 1);
    end_tcp(ERR_BUSY); /* no descriptor */
    assert_int_equal(err_edge_status(refused), 503);
    assert_int_equal(asked_pool()->health.failure_count, 0);

    ask(ORIGIN_TLS_NONE, ORIGIN_PROTOCOL_AUTO);
    answer(one, 1);
    end_tcp(ERR_ORIGIN_REFUSED);
    assert_int_equal(err_edge_status(refused), 521);
    assert_int_equal(asked_pool()->health.failure_count, 1);
}

static void addresses_are_raced_and_all_have_one_deadline(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_UNVERIFIED, ORIGIN_PROTOCOL_AUTO);
    answer(three, 3);
    assert_int_equal(dial_count, 1);
    pass_ms(LIMIT_ORIGIN_STAGGER_MS + 10);
    assert_int_equal(dial_count, 2);
    assert_int_equal(dial_cancel_count, 0);
    end_tcp(ERR_OK); /* the second: the first one is overtaken */
    assert_int_equal(dial_cancel_count, 1);
    pass_ms(280); /* its handshake hangs for a quarter of a second: shares are a power of two */
    assert_int_equal(abort_count, 1);
    assert_int_equal(dial_count, 3);
    pass_ms(600);

    assert_int_equal(refused, ERR_ORIGIN_CONNECT_TIMEOUT);
}

static void a_hanging_handshake_is_a_connect_timeout(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_UNVERIFIED, ORIGIN_PROTOCOL_AUTO);
    answer(one, 1);
    end_tcp(ERR_OK);
    pass_ms(1200);
    assert_int_equal(refused, ERR_ORIGIN_CONNECT_TIMEOUT);
    assert_string_equal(refused_text, "the TLS handshake took too long");
    assert_int_equal(abort_count, 1);
}

static void a_name_that_takes_too_long_is_not_resolved(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_UNVERIFIED, ORIGIN_PROTOCOL_AUTO);
    pass_ms(1200);
    assert_int_equal(refused, ERR_ORIGIN_RESOLVE);
    assert_int_equal(resolve_cancel_count, 1);
}

static void tls_failures_keep_their_kind_and_their_rule(void **state)
{
    (void)state;
    ask(ORIGIN_TLS_VERIFIED, ORIGIN_PROTOCOL_AUTO);
    answer(one, 1);
    end_tcp(ERR_OK);
    end_tls(ERR_ORIGIN_CERTIFICATE, TLS_ALPN_NONE);
    assert_int_equal(refused, ERR_ORIGIN_CERTIFICATE);
    assert_string_equal(refused_text, "the rule");
    assert_int_equal(close_count, 1);
}

static void close_at(size_t stage)
{
    ask(ORIGIN_TLS_UNVERIFIED, ORIGIN_PROTOCOL_AUTO);
    if (stage > 0)
        answer(one, 1);
    if (stage > 1)
        end_tcp(ERR_OK);
    (void)tear_down_with_ticket();
    assert_int_equal(refused, ERR_CLOSED);
    assert_int_equal(resolve_cancel_count, stage == 0);
    assert_int_equal(dial_cancel_count, stage == 1);
    assert_int_equal(abort_count, stage == 2);
}

static void closing_while_resolving_dialling_or_shaking_hands_is_clean(void **state)
{
    (void)state;
    for (size_t stage = 0; stage < 3; stage++) {
        (void)set_up(NULL);
        close_at(stage);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_plain_origin_is_spoken_to_over_h1),
        CASE(alpn_decides_who_speaks),
        CASE(no_alpn_means_h1),
        CASE(an_h1_policy_or_ticket_does_not_offer_h2),
        CASE(one_forbidden_address_refuses_the_name),
        CASE(families_take_turns_and_ipv6_is_first),
        CASE(an_address_that_failed_comes_last_the_next_time),
        CASE(the_last_failure_is_told_when_all_fail),
        CASE(what_is_our_own_fault_is_not_held_against_the_origin),
        CASE(addresses_are_raced_and_all_have_one_deadline),
        CASE(a_hanging_handshake_is_a_connect_timeout),
        CASE(a_name_that_takes_too_long_is_not_resolved),
        CASE(tls_failures_keep_their_kind_and_their_rule),
        cmocka_unit_test(closing_while_resolving_dialling_or_shaking_hands_is_clean),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
