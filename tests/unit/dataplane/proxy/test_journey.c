/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_journey.c - real sockets, TLS, codecs, pools and proxy on one loop; only the router is
 * played.
 *
 *      raw HTTP/1.1 --TCP--> client_listener -> proxy -> origin_pool --TLS, ALPN--> client_listener
 *                                                                                   that replies
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/model/certificate.h"
#include "dataplane/client/certificate_cache.h"
#include "dataplane/client/client_listener.h"
#include "dataplane/http/reply.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/listen.h"
#include "dataplane/net/transport_tcp.h"
#include "dataplane/proxy/proxy.h"

#define VISITORS_MAX 128

struct visitor {
    struct tcp_dial *dial;
    struct transport *transport;
    const char *request;
    char answer[16384];
    size_t answer_bytes;
    bool done;
};

static struct loop loop;
static struct exchange_pools exchange_pools;
static struct resolver *resolver;
static struct address_policy policy;
static struct origin_pools *pools;
static struct proxy *proxy;
static struct client_listener *edge, *origin;
static struct client_limits *limits;
static struct certificate_cache *certificates;
static struct zone_document *document;
static struct buf ca_chain, ca_key, chain, key;
static struct visitor *visitors;
static struct origin route_to; /* address, port, tls, policy */
static uint16_t edge_port, origin_port;
static size_t closed_count, load_count, version_counts[HTTP_2 + 1];
static struct deadline patience;
static bool patience_over;
static char ca_path[] = "/tmp/trunkline-test-ca-XXXXXX";

/* ---- the router, and certificates for SNI */

enum err router_match(struct router *router, struct span host, struct route *out)
{
    (void)router;
    out->hostname = zone_document_match(document, host);
    if (!out->hostname)
        return ERR_HOST_UNKNOWN;
    out->document = zone_document_ref(document);
    return ERR_OK;
}

void route_origin(const struct route *route, size_t index, struct span host, struct origin *out)
{
    (void)index;
    *out = route_to;
    out->zone_id = route->document->zone_id;
    out->sni = host;
}

static enum err test_choose(void *owner, struct span host, struct visitor_tls *out)
{
    (void)owner;
    if (!span_equal(host, SPAN("www.example.com")))
        return ERR_HOST_UNKNOWN;
    *out = (struct visitor_tls){.tls_1_2 = true, .tls_1_3 = true, .h2_offered = true};
    return id_parse(SPAN("00112233445566778899aabbccddeeff"), &out->certificate_id);
}

static enum err test_load(void *owner, struct span host, struct visitor_tls *out,
                          struct buf *chain_out, struct buf *key_out)
{
    load_count++;
    buf_append(chain_out, buf_span(&chain));
    buf_append(key_out, buf_span(&key));
    return test_choose(owner, host, out);
}

/* ---- the origin: answers whatever it is asked */

static void reply_on_done(void *observer)
{
    (void)observer;
}

static void reply_on_response_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static const struct exchange_observer_ops reply_ops = {
    .on_done = reply_on_done,
    .on_client_gone = reply_on_done,
    .on_response_head = reply_on_response_head,
};

static void origin_begin(void *owner, struct exchange *exchange)
{
    (void)owner;
    version_counts[exchange->client_facts.version]++;
    exchange_observe(exchange, &reply_ops, exchange);
    struct head *head = arena_new(&exchange->arena, struct head);
    head_init(head, &exchange->arena);
    head->status = 200;
    head->version = HTTP_1_1;
    assert_int_equal(fields_add(&head->fields, SPAN("x-origin"), SPAN("yes")), ERR_OK);
    reply_attach(exchange, head, SPAN("hello from the origin"));
}

/* ---- visitors */

static void visitor_on_bytes(void *owner, struct span bytes)
{
    struct visitor *visitor = owner;
    assert_true(visitor->answer_bytes + bytes.len < sizeof(visitor->answer));
    memcpy(visitor->answer + visitor->answer_bytes, bytes.ptr, bytes.len);
    visitor->answer_bytes += bytes.len;
}

static void visitor_end(struct visitor *visitor)
{
    visitor->done = true;
    transport_close(&visitor->transport);
    for (size_t i = 0; i < VISITORS_MAX; i++)
        if (visitors[i].request && !visitors[i].done)
            return;
    loop_stop(&loop);
}

static void visitor_on_ended(void *owner)
{
    visitor_end(owner);
}

static void visitor_on_closed(void *owner, enum err err)
{
    (void)err;
    visitor_end(owner);
}

static void visitor_on_room(void *owner)
{
    (void)owner;
}

static const struct transport_events visitor_events = {.on_bytes = visitor_on_bytes,
                                                       .on_room = visitor_on_room,
                                                       .on_ended = visitor_on_ended,
                                                       .on_closed = visitor_on_closed};

static void visitor_dialled(void *owner, enum err err, struct transport *transport)
{
    struct visitor *visitor = owner;
    assert_int_equal(err, ERR_OK);
    visitor->transport = transport;
    transport_set_owner(transport, &visitor_events, visitor);
    transport_read_start(transport);
    transport_write(transport, span_str(visitor->request));
}

static void patience_expired(struct deadline *deadline)
{
    (void)deadline;
    patience_over = true;
    loop_stop(&loop);
}

#define GET "GET / HTTP/1.1\r\nhost: www.example.com\r\nconnection: close\r\n\r\n"

static void visit(size_t count, const char *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(edge_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(visitors, 0, VISITORS_MAX * sizeof(*visitors));
    for (size_t i = 0; i < count; i++) {
        visitors[i].request = request;
        visitors[i].dial =
            tcp_dial(&loop, (struct sockaddr *)&address, visitor_dialled, &visitors[i]);
    }
    deadline_arm(&loop, &patience, 20000, patience_expired);
    loop_run(&loop);
    deadline_disarm(&loop, &patience);
    assert_false(patience_over);
}

static int status_of(const struct visitor *visitor)
{
    int status = 0;
    assert_int_equal(sscanf(visitor->answer, "HTTP/1.1 %d", &status), 1);
    return status;
}

/* ---- the stage */

static int listen_here(uint16_t *port)
{
    int fd;
    char text[64];
    unsigned number;
    struct problem problem;
    assert_int_equal(listen_bind("127.0.0.1:0", &fd, &problem), ERR_OK);
    listen_address(fd, text, sizeof(text));
    assert_int_equal(sscanf(text, "127.0.0.1:%u", &number), 1);
    *port = (uint16_t)number;
    return fd;
}

static int make_certificates(void **state)
{
    (void)state;
    struct hostname name;
    assert_int_equal(hostname_parse(SPAN("www.example.com"), HOSTNAME_EXACT, &name, NULL), ERR_OK);
    buf_init(&ca_chain, 65536);
    buf_init(&ca_key, 65536);
    buf_init(&chain, 65536);
    buf_init(&key, 65536);
    assert_int_equal(certificate_make_ca("test", clock_wall_s(), &ca_chain, &ca_key), ERR_OK);
    struct certificate_authority ca = {buf_span(&ca_chain), buf_span(&ca_key)};
    assert_int_equal(certificate_sign(&ca, &name, 1, clock_wall_s(), &chain, &key), ERR_OK);
    int fd = mkstemp(ca_path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, ca_chain.ptr, ca_chain.len), ca_chain.len);
    close(fd);
    visitors = mem_calloc(VISITORS_MAX, sizeof(*visitors));
    return 0;
}

static int drop_certificates(void **state)
{
    (void)state;
    unlink(ca_path);
    buf_release(&ca_chain);
    buf_release(&ca_key);
    buf_release(&chain);
    buf_release(&key);
    free(visitors);
    return 0;
}

static void open_pools(const char *ca_file)
{
    struct problem problem;
    struct origin_pools_options options = {.loop = &loop,
                                           .resolver = resolver,
                                           .policy = &policy,
                                           .ca_file = ca_file,
                                           .connect_timeout_ms = 2000,
                                           .read_timeout_ms = 5000};
    assert_int_equal(origin_pools_open(&options, &pools, &problem), ERR_OK);
}

static void open_listeners(void)
{
    struct certificate_source source = {.choose = test_choose, .load = test_load};
    certificates = certificate_cache_new(&source, LIMIT_TLS_PROFILES);
    struct client_limits_options limits_options = {.workers = 1};
    limits = client_limits_new(&loop, &limits_options);
    struct client_listener_options edge_options = {.loop = &loop,
                                                   .limits = limits,
                                                   .fd = listen_here(&edge_port),
                                                   .intake = proxy_intake(proxy, &exchange_pools)};
    edge = client_listener_open(&edge_options);
    struct client_listener_options origin_options = {
        .loop = &loop,
        .limits = limits,
        .fd = listen_here(&origin_port),
        .secure = true,
        .select = certificate_cache_select,
        .select_owner = certificates,
        .intake = {.begin = origin_begin, .pools = &exchange_pools}};
    origin = client_listener_open(&origin_options);
}

static void set_up_with(const char *ca_file)
{
    struct problem problem = {0};
    assert_int_equal(loop_open(&loop), ERR_OK);
    exchange_pools = (struct exchange_pools){
        .wakeq = &loop.wakeq, .arenas = &loop.arenas, .chunks = &loop.chunks};
    policy = (struct address_policy){0};
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("127.0.0.0/8")), ERR_OK);
    assert_int_equal(resolver_open(&loop, "127.0.0.1:9", &resolver, &problem), ERR_OK);
    assert_int_equal(
        zone_document_decode(
            SPAN("{\"zone_id\":\"0123456789abcdef0123456789abcdef\",\"account_id\":"
                 "\"fedcba9876543210fedcba9876543210\",\"name\":\"example.com\",\"plan\":\"free\","
                 "\"paused\":false,\"settings\":{\"origin_max_http_version\":\"2\","
                 "\"origin_h2_max_streams\":100,\"ssl\":\"full\"},\"certificates\":[],"
                 "\"hostnames\":[{\"name\":\"www.example.com\",\"origins\":[{\"address\":"
                 "\"8.8.4.4\"}]}]}"),
            1, &document, &problem),
        ERR_OK);
    open_pools(ca_file);
    struct proxy_options options = {.loop = &loop, .pools = pools, .edge_id = "TST"};
    proxy = proxy_new(&options);
    open_listeners();
    closed_count = load_count = 0;
    memset(version_counts, 0, sizeof(version_counts));
    route_to = (struct origin){.address = SPAN("127.0.0.1"),
                               .port = origin_port,
                               .tls = ORIGIN_TLS_UNVERIFIED,
                               .policy = ORIGIN_PROTOCOL_AUTO};
}

static int set_up(void **state)
{
    (void)state;
    set_up_with(ca_path);
    return 0;
}

/* The system's certificates do not know the test's. */
static int set_up_distrusting(void **state)
{
    (void)state;
    set_up_with(NULL);
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
    client_listener_drain(edge);
    client_listener_close(&edge, test_closed, NULL);
    origin_pools_close(&pools, test_closed, NULL);
    client_listener_close(&origin, test_closed, NULL);
    resolver_close(&resolver);
    loop_run(&loop);
    assert_int_equal(closed_count, 3);
    assert_int_equal(exchange_pools.exchange_count, 0);
    proxy_free(&proxy);
    certificate_cache_free(&certificates);
    client_limits_free(&limits);
    loop_close(&loop);
    assert_int_equal(document->ref_count, 1);
    zone_document_unref(&document);
    return 0;
}

/* ---- the tests */

static void a_request_travels_over_h2_and_back(void **state)
{
    (void)state;
    visit(1, GET);

    assert_int_equal(status_of(&visitors[0]), 200);
    assert_non_null(strstr(visitors[0].answer, "hello from the origin"));
    assert_non_null(strstr(visitors[0].answer, "-TST\r\n"));
    assert_non_null(strstr(visitors[0].answer, "x-origin: yes\r\n"));
    assert_int_equal(version_counts[HTTP_2], 1);
}

static void hundred_cold_visitors_share_one_origin_connection(void **state)
{
    (void)state;
    visit(100, GET);

    for (size_t i = 0; i < 100; i++)
        assert_int_equal(status_of(&visitors[i]), 200);
    assert_int_equal(version_counts[HTTP_2], 100);
    assert_int_equal(client_listener_conns(origin), 1);
    assert_int_equal(load_count, 1);
}

static void an_http_1_1_policy_speaks_http_1_1_and_keeps_the_connection(void **state)
{
    (void)state;
    route_to.policy = ORIGIN_PROTOCOL_H1;
    visit(1, GET);
    visit(1, GET);

    assert_int_equal(status_of(&visitors[0]), 200);
    assert_int_equal(version_counts[HTTP_1_1], 2);
    assert_int_equal(client_listener_conns(origin), 1);
}

static void a_trusted_certificate_is_accepted(void **state)
{
    (void)state;
    route_to.tls = ORIGIN_TLS_VERIFIED;
    visit(1, GET);
    assert_int_equal(status_of(&visitors[0]), 200);
}

static void an_untrusted_certificate_is_526(void **state)
{
    (void)state;
    route_to.tls = ORIGIN_TLS_VERIFIED;
    visit(1, GET);
    assert_int_equal(status_of(&visitors[0]), 526);
}

static void a_closed_port_is_521(void **state)
{
    (void)state;
    close(listen_here(&route_to.port));
    visit(1, GET);
    assert_int_equal(status_of(&visitors[0]), 521);
}

static void a_forbidden_address_is_never_dialled(void **state)
{
    (void)state;
    policy.allowed.count = 0;
    visit(1, GET);
    assert_int_equal(status_of(&visitors[0]), 523);
    assert_int_equal(client_listener_conns(origin), 0);
    assert_non_null(strstr(visitors[0].answer, "origin_address"));
}

static void an_origin_without_tls_is_525(void **state)
{
    (void)state;
    route_to.port = edge_port; /* plain HTTP */
    visit(1, GET);
    assert_int_equal(status_of(&visitors[0]), 525);
}

static void a_handshake_that_hangs_ends_with_the_connect_timeout(void **state)
{
    (void)state;
    int fd = listen_here(&route_to.port); /* the kernel accepts, nobody answers */
    uint64_t begun_ms = clock_mono_ms();
    visit(1, GET);
    assert_int_equal(status_of(&visitors[0]), 522);
    assert_true(clock_mono_ms() - begun_ms < 15000);
    close(fd);
}

static void a_name_that_nobody_resolves_is_530(void **state)
{
    (void)state;
    route_to.address = SPAN("origin.invalid");
    visit(1, GET);
    assert_int_equal(status_of(&visitors[0]), 530);
}

static void an_unknown_host_is_404_over_plain_http(void **state)
{
    (void)state;
    visit(1, "GET / HTTP/1.1\r\nhost: nobody.example\r\nconnection: close\r\n\r\n");
    assert_int_equal(status_of(&visitors[0]), 404);
    assert_non_null(strstr(visitors[0].answer, "cache-control: no-store\r\n"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_request_travels_over_h2_and_back),
        CASE(hundred_cold_visitors_share_one_origin_connection),
        CASE(an_http_1_1_policy_speaks_http_1_1_and_keeps_the_connection),
        CASE(a_trusted_certificate_is_accepted),
        cmocka_unit_test_setup_teardown(an_untrusted_certificate_is_526, set_up_distrusting,
                                        tear_down),
        CASE(a_closed_port_is_521),
        CASE(a_forbidden_address_is_never_dialled),
        CASE(an_origin_without_tls_is_525),
        CASE(a_handshake_that_hangs_ends_with_the_connect_timeout),
        CASE(a_name_that_nobody_resolves_is_530),
        CASE(an_unknown_host_is_404_over_plain_http),
    };
    return cmocka_run_group_tests(cases, make_certificates, drop_certificates);
}
