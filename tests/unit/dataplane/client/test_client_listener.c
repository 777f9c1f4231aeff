/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_listener.c - visitors on real sockets: accepted, drained, turned away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "dataplane/client/client_listener.h"
#include "dataplane/http/reply.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/listen.h"
#include "dataplane/net/transport_tcp.h"

struct visitor {
    struct transport *transport;
    const char *request;
    char answer[4096];
    size_t answer_bytes;
    bool open, ended;
};

static struct loop loop;
static struct exchange_pools pools;
static struct client_listener *listener;
static struct client_limits *limits;
static struct client_limits_options limits_options;
static struct address_ranges proxies;
static uint16_t port;
static struct visitor visitor;
static size_t begun_count, closed_count;
static char seen_address[64];
static struct deadline patience;
static bool patience_over;

static void nothing(void *owner)
{
    (void)owner;
}

static void ignore_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static const struct exchange_observer_ops observer_ops = {
    .on_done = nothing, .on_client_gone = nothing, .on_response_head = ignore_head};

static void test_begin(void *owner, struct exchange *exchange)
{
    (void)owner;
    begun_count++;
    assert_false(exchange->client_facts.secure);
    assert_true(span_to_cstr(exchange->client_facts.address, seen_address, sizeof(seen_address)));
    exchange_observe(exchange, &observer_ops, NULL);
    struct head *head = arena_new(&exchange->arena, struct head);
    head_init(head, &exchange->arena);
    head->status = 200;
    reply_attach(exchange, head, SPAN("hi"));
}

static enum err test_select(void *owner, struct span sni, struct tls_terms *out)
{
    (void)owner, (void)sni, (void)out;
    return ERR_HOST_UNKNOWN;
}

static void visitor_on_bytes(void *owner, struct span bytes)
{
    (void)owner;
    assert_true(visitor.answer_bytes + bytes.len < sizeof(visitor.answer));
    memcpy(visitor.answer + visitor.answer_bytes, bytes.ptr, bytes.len);
    visitor.answer_bytes += bytes.len;
}

static void visitor_on_ended(void *owner)
{
    (void)owner;
    visitor.ended = true;
    transport_close(&visitor.transport);
}

static void visitor_on_closed(void *owner, enum err err)
{
    (void)err;
    visitor_on_ended(owner);
}

static const struct transport_events visitor_events = {.on_bytes = visitor_on_bytes,
                                                       .on_room = nothing,
                                                       .on_ended = visitor_on_ended,
                                                       .on_closed = visitor_on_closed};

static void visitor_dialled(void *owner, enum err err, struct transport *transport)
{
    (void)owner;
    assert_int_equal(err, ERR_OK);
    visitor.open = true;
    visitor.transport = transport;
    transport_set_owner(transport, &visitor_events, NULL);
    transport_read_start(transport);
    if (visitor.request)
        transport_write(transport, span_str(visitor.request));
}

static void patience_expired(struct deadline *deadline)
{
    (void)deadline;
    patience_over = true;
}

static void visit(const char *request)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(&visitor, 0, sizeof(visitor));
    visitor.request = request;
    (void)tcp_dial(&loop, (struct sockaddr *)&address, visitor_dialled, NULL);
}

/* Turns until the condition holds. */
#define UNTIL(condition)                                         \
    do {                                                         \
        patience_over = false;                                   \
        deadline_arm(&loop, &patience, 10000, patience_expired); \
        while (!(condition) && !patience_over)                   \
            uv_run(&loop.uv, UV_RUN_ONCE);                       \
        deadline_disarm(&loop, &patience);                       \
        assert_true(condition);                                  \
    } while (0)

static void open_listener(bool secure)
{
    int fd;
    unsigned number;
    char text[64];
    struct problem problem;
    assert_int_equal(listen_bind("127.0.0.1:0", &fd, &problem), ERR_OK);
    listen_address(fd, text, sizeof(text));
    assert_int_equal(sscanf(text, "127.0.0.1:%u", &number), 1);
    port = (uint16_t)number;
    limits = client_limits_new(&loop, &limits_options);
    struct client_listener_options options = {.loop = &loop,
                                              .fd = fd,
                                              .secure = secure,
                                              .limits = limits,
                                              .proxies = &proxies,
                                              .select = test_select,
                                              .intake = {.begin = test_begin, .pools = &pools}};
    listener = client_listener_open(&options);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(loop_open(&loop), ERR_OK);
    pools = (struct exchange_pools){
        .wakeq = &loop.wakeq, .arenas = &loop.arenas, .chunks = &loop.chunks};
    limits_options = (struct client_limits_options){.workers = 1};
    proxies = (struct address_ranges){0};
    begun_count = closed_count = 0;
    return 0;
}

static void test_closed(void *owner)
{
    (void)owner;
    closed_count++;
}

static int tear_down(void **state)
{
    (void)state;
    if (listener)
        client_listener_close(&listener, test_closed, NULL);
    assert_int_equal(closed_count, 0);
    if (visitor.transport)
        transport_abort(&visitor.transport);
    loop_run(&loop);
    assert_int_equal(closed_count, 1);
    client_limits_free(&limits);
    loop_close(&loop);
    return 0;
}

static void a_plain_visitor_is_answered_and_known_by_address(void **state)
{
    (void)state;
    open_listener(false);
    visit("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
    UNTIL(visitor.answer_bytes > 0);

    assert_int_equal(begun_count, 1);
    assert_string_equal(seen_address, "127.0.0.1");
    assert_memory_equal(visitor.answer, "HTTP/1.1 200", 12);
    assert_int_equal(client_listener_conns(listener), 1);
}

static void draining_ends_idle_connections_and_accepts_no_more(void **state)
{
    (void)state;
    open_listener(false);
    visit("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
    UNTIL(visitor.answer_bytes > 0);
    client_listener_drain(listener);
    client_listener_drain(listener);
    UNTIL(visitor.ended && client_listener_conns(listener) == 0);
}

static void a_visitor_that_speaks_no_tls_is_let_go(void **state)
{
    (void)state;
    open_listener(true);
    visit("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
    UNTIL(visitor.ended && client_listener_conns(listener) == 0);
    assert_int_equal(begun_count, 0);
}

static void a_visitor_that_leaves_in_the_handshake_is_forgotten(void **state)
{
    (void)state;
    open_listener(true);
    visit("\x16\x03\x01");
    UNTIL(visitor.open && client_listener_conns(listener) == 1);
    transport_abort(&visitor.transport);
    UNTIL(client_listener_conns(listener) == 0);
}

static void closing_ends_a_handshake_under_way(void **state)
{
    (void)state;
    open_listener(true);
    visit(NULL);
    UNTIL(visitor.open && client_listener_conns(listener) == 1);
}

static void draining_lets_a_handshake_under_way_go_on(void **state)
{
    (void)state;
    open_listener(true);
    visit(NULL);
    UNTIL(visitor.open && client_listener_conns(listener) == 1);
    client_listener_drain(listener);
    for (int turn = 0; turn < 5; turn++)
        uv_run(&loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(client_listener_conns(listener), 1);
    assert_false(visitor.ended);
}

static void draining_answers_the_first_request_of_a_new_connection(void **state)
{
    (void)state;
    open_listener(false);
    visit(NULL);
    UNTIL(visitor.open && client_listener_conns(listener) == 1);
    client_listener_drain(listener);
    transport_write(visitor.transport, SPAN("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n"));
    UNTIL(visitor.ended && client_listener_conns(listener) == 0);
    assert_memory_equal(visitor.answer, "HTTP/1.1 200", 12);
}

static void a_visitor_too_many_of_one_address_is_closed_at_once(void **state)
{
    (void)state;
    limits_options.address_conns_max = 1;
    open_listener(false);
    visit("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
    UNTIL(visitor.answer_bytes > 0);
    struct transport *first = visitor.transport;
    visit(NULL);
    UNTIL(visitor.ended);

    assert_int_equal(client_listener_conns(listener), 1);
    assert_int_equal(counters_read(loop.counters, COUNTER_CLIENT_ADDRESS_CONNS), 1);
    visitor.transport = first;
}

static void a_trusted_proxy_says_who_the_visitor_is(void **state)
{
    (void)state;
    assert_int_equal(address_ranges_add(&proxies, SPAN("127.0.0.0/8")), ERR_OK);
    open_listener(false);
    visit("PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n"
          "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
    UNTIL(visitor.answer_bytes > 0);

    assert_memory_equal(visitor.answer, "HTTP/1.1 200", 12);
    assert_string_equal(seen_address, "203.0.113.7");
}

static void a_trusted_proxy_need_not_say_anything(void **state)
{
    (void)state;
    assert_int_equal(address_ranges_add(&proxies, SPAN("127.0.0.0/8")), ERR_OK);
    open_listener(false);
    visit("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
    UNTIL(visitor.answer_bytes > 0);

    assert_string_equal(seen_address, "127.0.0.1");
}

static void nobody_else_is_asked_who_it_is(void **state)
{
    (void)state;
    open_listener(false);
    visit("PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n"
          "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
    UNTIL(visitor.ended);

    assert_int_equal(begun_count, 0);
    assert_memory_equal(visitor.answer, "HTTP/1.1 400", 12);
}

static void a_broken_proxy_header_ends_the_connection(void **state)
{
    (void)state;
    assert_int_equal(address_ranges_add(&proxies, SPAN("127.0.0.0/8")), ERR_OK);
    open_listener(false);
    visit("PROXY TCP4 nobody 192.0.2.1 51000 443\r\n");
    UNTIL(visitor.ended && client_listener_conns(listener) == 0);

    assert_int_equal(counters_read(loop.counters, COUNTER_PROXY_HEADERS_BROKEN), 1);
}

static void closing_ends_a_wait_for_a_proxy_header(void **state)
{
    (void)state;
    assert_int_equal(address_ranges_add(&proxies, SPAN("127.0.0.0/8")), ERR_OK);
    open_listener(true);
    visit("PROXY TCP4 203.0");
    UNTIL(visitor.open && client_listener_conns(listener) == 1);
}

static void a_proxy_that_leaves_in_its_header_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(address_ranges_add(&proxies, SPAN("127.0.0.0/8")), ERR_OK);
    open_listener(true);
    visit("PROXY TCP4 203.0");
    UNTIL(visitor.open && client_listener_conns(listener) == 1);
    transport_close(&visitor.transport);
    UNTIL(client_listener_conns(listener) == 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_plain_visitor_is_answered_and_known_by_address),
        CASE(draining_ends_idle_connections_and_accepts_no_more),
        CASE(a_visitor_that_speaks_no_tls_is_let_go),
        CASE(a_visitor_that_leaves_in_the_handshake_is_forgotten),
        CASE(closing_ends_a_handshake_under_way),
        CASE(draining_lets_a_handshake_under_way_go_on),
        CASE(draining_answers_the_first_request_of_a_new_connection),
        CASE(a_visitor_too_many_of_one_address_is_closed_at_once),
        CASE(a_trusted_proxy_says_who_the_visitor_is),
        CASE(a_trusted_proxy_need_not_say_anything),
        CASE(nobody_else_is_asked_who_it_is),
        CASE(a_broken_proxy_header_ends_the_connection),
        CASE(closing_ends_a_wait_for_a_proxy_header),
        CASE(a_proxy_that_leaves_in_its_header_is_forgotten),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
