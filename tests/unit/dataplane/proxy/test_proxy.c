/* SPDX-License-Identifier: Apache-2.0 */
/* test_proxy.c - the steps, between a visitor, a router and origins that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/json.h"
#include "common/base/mem.h"
#include "dataplane/origin/origin_int.h"
#include "dataplane/proxy/proxy.h"
#include "tests/unit/support/fake_conn.h"

#define PLANS_MAX 16

/* What one attempt meets. */
struct attempt {
    enum err dial_err; /* the dial fails */
    enum err err;      /* the exchange fails after its head was taken */
    bool holds;        /* never answers */
};

struct visitor {
    struct side side;
    struct exchange *exchange;
    int status;
    bool ended, aborted, has_ray;
    char body[8192];
    size_t body_bytes;
};

struct server {
    struct side side;
    struct fake_conn *fake;
    struct attempt plan;
    struct list_node node;
};

static struct loop loop;
static struct exchange_pools exchange_pools;
static struct origin_pools *pools;
static struct proxy *proxy;
static struct exchange_intake intake;
static struct zone_document *documents[2];
static enum err router_err;
static struct attempt plans[PLANS_MAX];
static size_t plan_at, dial_at;
static struct origin_conn *dials[64];
static size_t dial_count, fake_count;
static struct list servers;
static struct head *seen; /* by the last origin */
static char seen_authority[64], seen_for[64], seen_address[64];
static enum origin_offer seen_offer;
static int log_fds[2];
static struct access_log *access_log;
static bool pools_closed;

/* ---- the router */

enum err router_match(struct router *router, struct span host, struct route *out)
{
    (void)router;
    if (router_err != ERR_OK)
        return router_err;
    for (size_t i = 0; i < countof(documents); i++) {
        out->hostname = zone_document_match(documents[i], host);
        if (out->hostname) {
            out->document = zone_document_ref(documents[i]);
            return ERR_OK;
        }
    }
    return ERR_HOST_UNKNOWN;
}

void route_origin(const struct route *route, size_t index, struct span host, struct origin *out)
{
    *out = (struct origin){.zone_id = route->document->zone_id,
                           .address = route->hostname->origins[index].address,
                           .sni = host,
                           .port = 443,
                           .tls = ORIGIN_TLS_UNVERIFIED,
                           .policy = ORIGIN_PROTOCOL_AUTO};
}

static struct zone_document *make_document(const char *json)
{
    struct zone_document *document;
    struct problem problem = {0};
    if (zone_document_decode(span_str(json), 1, &document, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    return document;
}

#define DOCUMENT(id, account, name, paused, hosts)                                             \
    "{\"zone_id\":\"" id "\",\"account_id\":\"" account "\",\"name\":\"" name                  \
    "\",\"plan\":\"free\",\"paused\":" paused ",\"settings\":{\"origin_max_http_version\":"    \
    "\"2\",\"origin_h2_max_streams\":100,\"ssl\":\"full\"},\"certificates\":[],\"hostnames\":" \
    "[" hosts "]}"

/* ---- the origin */

static void server_end(struct server *server)
{
    struct fake_conn *fake = server->fake;
    list_remove(&servers, &server->node);
    free(server);
    fake_conn_finish(fake);
}

static void server_on_head(struct side *side)
{
    struct server *server = container_of(side, struct server, side);
    struct exchange *exchange = side->exchange;
    seen = side_in_head(side);
    assert_true(span_to_cstr(seen->authority, seen_authority, sizeof(seen_authority)));
    const struct field *forwarded = fields_find(&seen->fields, FIELD_X_FORWARDED_FOR);
    assert_true(span_to_cstr(forwarded->value, seen_for, sizeof(seen_for)));
    if (server->plan.holds)
        return;
    if (server->plan.err != ERR_OK) {
        side_fail(side, server->plan.err);
        server_end(server);
        return;
    }
    struct head *head = arena_new(&exchange->arena, struct head);
    head_init(head, &exchange->arena);
    head->status = 200;
    head->content_length = 5;
    side_put_head(side, head);
    side_put_bytes(side, SPAN("hello"));
    side_put_end(side);
    side_stop(side);
    side_detach(side);
    server_end(server);
}

static void server_on_abort(struct side *side)
{
    struct server *server = container_of(side, struct server, side);
    side_detach(side);
    server_end(server);
}

static const struct side_ops server_ops = {
    .name = "server", .on_head = server_on_head, .on_abort = server_on_abort};

static void server_on_run(struct fake_conn *fake, struct exchange *exchange)
{
    struct server *server = mem_new(struct server);
    server->fake = fake;
    server->plan = plans[plan_at++];
    list_push_back(&servers, &server->node);
    exchange_attach_origin(exchange, &server->side, &server_ops);
}

static void fake_start(struct origin_conn *conn)
{
    dials[dial_count++] = conn;
}

static void fake_cancel(struct origin_conn *conn)
{
    for (size_t i = 0; i < dial_count; i++)
        if (dials[i] == conn)
            dials[i] = NULL;
}

static const struct origin_connector fake_connector = {.start = fake_start, .cancel = fake_cancel};

static void finish_dial(struct origin_conn *conn)
{
    struct address address;
    assert_true(span_to_cstr(conn->pool->origin.address, seen_address, sizeof(seen_address)));
    seen_offer = conn->offer;
    if (plans[plan_at].dial_err != ERR_OK) {
        origin_conn_failed(conn, plans[plan_at++].dial_err, NULL);
        return;
    }
    assert_int_equal(address_parse(conn->pool->origin.address, &address), ERR_OK);
    enum http_version version = conn->offer == OFFER_H1 ? HTTP_1_1 : HTTP_2;
    struct fake_conn *fake =
        fake_conn_new(&loop.wakeq, version, version == HTTP_2 ? 100 : 1, &origin_conn_events, conn);
    fake->on_run = server_on_run;
    fake_count++;
    origin_conn_opened(conn, &fake->conn, &address);
}

static void settle(void)
{
    do {
        while (wakeq_run(&loop.wakeq, 100000))
            continue;
        if (dial_at < dial_count && dials[dial_at])
            finish_dial(dials[dial_at]);
        if (dial_at < dial_count)
            dial_at++;
    } while (!list_empty(&loop.wakeq.posted) || dial_at < dial_count);
}

/* ---- the visitor */

static void visitor_on_head(struct side *side)
{
    struct visitor *visitor = container_of(side, struct visitor, side);
    const struct head *head = side_in_head(side);
    visitor->status = head->status;
    visitor->has_ray = fields_count(&head->fields, FIELD_CF_RAY) == 1 &&
                       fields_count(&head->fields, FIELD_DATE) == 1;
}

static void visitor_on_bytes(struct side *side)
{
    struct visitor *visitor = container_of(side, struct visitor, side);
    while (side_in_level(side) > 0) {
        struct span bytes = side_peek(side);
        assert_true(visitor->body_bytes + bytes.len < sizeof(visitor->body));
        memcpy(visitor->body + visitor->body_bytes, bytes.ptr, bytes.len);
        visitor->body_bytes += bytes.len;
        side_consume(side, bytes.len);
    }
    if (side_in_ended(side)) {
        visitor->ended = true;
        side_detach(side);
    }
}

static void visitor_on_abort(struct side *side)
{
    container_of(side, struct visitor, side)->aborted = true;
    side_detach(side);
}

static const struct side_ops visitor_ops = {.name = "visitor",
                                            .on_head = visitor_on_head,
                                            .on_bytes = visitor_on_bytes,
                                            .on_abort = visitor_on_abort};

static struct client_facts facts = {.version = HTTP_2, .secure = true};

struct request {
    const char *method, *host;
    const char *name, *value; /* one more field */
};

static void put_request(struct visitor *visitor, struct request request)
{
    memset(visitor, 0, sizeof(*visitor));
    facts.address = SPAN("203.0.113.7");
    visitor->exchange = exchange_new(&exchange_pools, &visitor->side, &visitor_ops, &facts);
    struct arena *arena = &visitor->exchange->arena;
    struct head *head = arena_new(arena, struct head);
    head_init(head, arena);
    head->version = HTTP_2;
    head->method = span_str(request.method);
    head->scheme = SPAN("https");
    head->authority = span_str(request.host);
    head->path = SPAN("/path");
    head->content_length = HEAD_LENGTH_UNKNOWN;
    if (request.name)
        assert_int_equal(fields_add(&head->fields, span_str(request.name), span_str(request.value)),
                         ERR_OK);
    side_put_head(&visitor->side, head);
}

static void begin(struct visitor *visitor, struct request request)
{
    put_request(visitor, request);
    side_put_end(&visitor->side);
    intake.begin(intake.owner, visitor->exchange);
}

static struct visitor get(const char *host)
{
    static struct visitor visitor;
    begin(&visitor, (struct request){.method = "GET", .host = host});
    settle();
    return visitor;
}

static struct visitor ask(struct request request)
{
    static struct visitor visitor;
    begin(&visitor, request);
    settle();
    return visitor;
}

/* ---- the stage */

#define ZONE_A "0123456789abcdef0123456789abcdef"
#define ZONE_B "1123456789abcdef0123456789abcdef"

static int set_up(void **state)
{
    (void)state;
    struct problem problem;
    static struct address_policy policy;
    documents[0] = make_document(DOCUMENT(
        ZONE_A, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "example.com", "false",
        "{\"name\":\"www.example.com\",\"origins\":[{\"address\":\"8.8.4.4\"}]},"
        "{\"name\":\"api.example.com\",\"origins\":[{\"address\":\"8.8.4.4\",\"host_header\":"
        "\"inner.example.com\"}]},"
        "{\"name\":\"two.example.com\",\"origins\":[{\"address\":\"8.8.4.1\"},"
        "{\"address\":\"8.8.4.2\"}]}"));
    documents[1] = make_document(
        DOCUMENT(ZONE_B, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "example.net", "true",
                 "{\"name\":\"www.example.net\",\"origins\":[{\"address\":\"8.8.4.9\"}]}"));
    assert_int_equal(loop_open(&loop), ERR_OK);
    exchange_pools = (struct exchange_pools){
        .wakeq = &loop.wakeq, .arenas = &loop.arenas, .chunks = &loop.chunks};
    struct origin_pools_options options = {
        .loop = &loop, .policy = &policy, .connect_timeout_ms = 1000, .read_timeout_ms = 1000};
    assert_int_equal(origin_pools_open(&options, &pools, &problem), ERR_OK);
    pools->connector = &fake_connector;
    list_init(&servers);
    assert_int_equal(pipe(log_fds), 0);
    access_log = access_log_open(&loop, log_fds[1], 2);
    struct proxy_options proxy_options = {
        .loop = &loop, .pools = pools, .access_log = access_log, .edge_id = "AMS"};
    proxy = proxy_new(&proxy_options);
    intake = proxy_intake(proxy, &exchange_pools);
    memset(plans, 0, sizeof(plans));
    plan_at = dial_at = dial_count = fake_count = 0;
    router_err = ERR_OK;
    facts = (struct client_facts){.version = HTTP_2, .secure = true};
    pools_closed = false;
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
    assert_int_equal(proxy_running(proxy), 0);
    assert_int_equal(exchange_pools.exchange_count, 0);
    proxy_free(&proxy);
    origin_pools_close(&pools, test_closed, NULL);
    settle();
    assert_true(pools_closed);
    if (access_log)
        access_log_close(&access_log);
    loop_close(&loop);
    for (size_t i = 0; i < countof(documents); i++) {
        assert_int_equal(documents[i]->ref_count, 1);
        zone_document_unref(&documents[i]);
    }
    close(log_fds[0]);
    close(log_fds[1]);
    return 0;
}

static json_t *last_line(void)
{
    static char text[65536];
    json_t *json;
    access_log_close(&access_log);
    ssize_t len = read(log_fds[0], text, sizeof(text));
    assert_true(len > 0);
    struct span rest = span_of(text, (size_t)len), last = SPAN_EMPTY;
    while (rest.len > 0)
        last = span_split(&rest, '\n');
    assert_int_equal(json_parse(last, &json, NULL), ERR_OK);
    return json;
}

/* ---- the tests */

static void a_request_reaches_its_origin_and_the_answer_comes_back(void **state)
{
    (void)state;
    struct visitor visitor = get("www.example.com");

    assert_int_equal(visitor.status, 200);
    assert_true(visitor.ended && visitor.has_ray);
    assert_memory_equal(visitor.body, "hello", 5);
    assert_string_equal(seen_authority, "www.example.com");
    assert_string_equal(seen_for, "203.0.113.7");
}

static void an_access_line_tells_it(void **state)
{
    (void)state;
    (void)get("www.example.com");
    (void)get("www.example.com");
    json_t *json = last_line();

    assert_string_equal(json_string_value(json_object_get(json, "zone")), ZONE_A);
    assert_string_equal(json_string_value(json_object_get(json, "origin_protocol")), "h2");
    assert_string_equal(json_string_value(json_object_get(json, "origin_address")), "8.8.4.4");
    assert_true(json_is_true(json_object_get(json, "origin_connection_reused")));
    assert_int_equal(json_integer_value(json_object_get(json, "status")), 200);
    assert_int_equal(json_integer_value(json_object_get(json, "response_bytes")), 5);
    assert_int_equal(json_integer_value(json_object_get(json, "worker")), 2);
    assert_true(json_is_null(json_object_get(json, "err")));
    json_decref(json);
}

static void a_host_header_of_the_origin_replaces_the_visitors(void **state)
{
    (void)state;
    assert_int_equal(get("api.example.com").status, 200);
    assert_string_equal(seen_authority, "inner.example.com");
}

static void an_unknown_host_gets_a_page_that_says_so(void **state)
{
    (void)state;
    struct visitor visitor = get("nobody.example.org:8080");
    assert_int_equal(visitor.status, 404);
    visitor.body[visitor.body_bytes] = '\0';
    assert_non_null(strstr(visitor.body, "This hostname is not served here."));
    assert_int_equal(dial_count, 0);
}

/* What a codec refused is answered, logged and counted, and goes nowhere. */
static void a_refused_request_is_never_routed(void **state)
{
    (void)state;
    static struct visitor visitor;
    struct problem problem;
    (void)problem_set(&problem, ERR_REQUEST_METHOD, "method", "not served here");
    put_request(&visitor,
                (struct request){"TRACE", "www.example.com", "accept", "application/json"});
    exchange_refuse(visitor.exchange, ERR_REQUEST_METHOD, &problem);
    intake.refuse(intake.owner, visitor.exchange);
    settle();

    assert_int_equal(visitor.status, 405);
    assert_int_equal(dial_count, 0);
    visitor.body[visitor.body_bytes] = '\0';
    assert_non_null(strstr(visitor.body, "\"reason\":\"method: not served here\""));
    assert_int_equal(counters_read(loop.counters, COUNTER_REFUSED_METHOD), 1);
    assert_int_equal(counters_read(loop.counters, COUNTER_CLIENTS_GONE), 0);
    json_t *json = last_line();
    assert_string_equal(json_string_value(json_object_get(json, "err")), "request_method");
    assert_string_equal(json_string_value(json_object_get(json, "reason")),
                        "method: not served here");
    json_decref(json);
}

/* HTTP/2 resets what is malformed: nobody is answered, and it has its line all the same. */
static void a_refused_request_that_was_reset_has_its_line(void **state)
{
    (void)state;
    static struct visitor visitor;
    struct problem problem;
    (void)problem_set(&problem, ERR_REQUEST_TARGET, "target", "byte 2");
    put_request(&visitor, (struct request){.method = "GET", .host = "www.example.com"});
    exchange_refuse(visitor.exchange, ERR_REQUEST_TARGET, &problem);
    intake.refuse(intake.owner, visitor.exchange);
    side_fail(&visitor.side, ERR_REQUEST_TARGET);
    settle();

    assert_int_equal(dial_count, 0);
    assert_int_equal(counters_read(loop.counters, COUNTER_REFUSED_TARGET), 1);
    json_t *json = last_line();
    assert_int_equal(json_integer_value(json_object_get(json, "status")), 400);
    assert_string_equal(json_string_value(json_object_get(json, "reason")), "target: byte 2");
    json_decref(json);
}

static void a_host_that_is_no_name_is_refused(void **state)
{
    (void)state;
    assert_int_equal(get("*.example.com").status, 400);
    assert_int_equal(get("a..b").status, 400);
}

static void an_address_is_a_host_that_no_zone_has(void **state)
{
    (void)state;
    assert_int_equal(get("127.0.0.1:8443").status, 404);
    assert_int_equal(get("[::1]:8443").status, 404);
    assert_int_equal(get("[::1").status, 400);
}

static void a_trailing_dot_is_the_same_host(void **state)
{
    (void)state;
    assert_int_equal(get("www.example.com.").status, 200);
}

static void another_accounts_host_is_misdirected_and_the_same_accounts_is_not(void **state)
{
    (void)state;
    facts.sni = SPAN("www.example.com");
    assert_int_equal(get("www.example.net").status, 421);
    assert_int_equal(get("api.example.com").status, 200);
    facts.sni = SPAN("gone.example.org");
    assert_int_equal(get("www.example.com").status, 421);
}

static bool covers_www(const void *certificate, struct span host)
{
    assert_ptr_equal(certificate, &facts);
    return span_equal(host, SPAN("www.example.com")) || span_equal(host, SPAN("two.example.com"));
}

static void a_host_beyond_the_certificate_or_the_version_is_misdirected(void **state)
{
    (void)state;
    facts.sni = SPAN("two.example.com");
    facts.covers = covers_www;
    facts.certificate = &facts;
    facts.tls_version = "TLSv1.2";
    assert_int_equal(get("www.example.com").status, 200);
    assert_int_equal(get("api.example.com").status, 421);
    documents[0]->settings[SETTING_min_tls_version].number = MIN_TLS_1_3;
    assert_int_equal(get("www.example.com").status, 421);
    assert_int_equal(get("two.example.com").status, 200); /* the connection's own: it was open */
    facts.tls_version = "TLSv1.3";
    assert_int_equal(get("www.example.com").status, 200);
    assert_int_equal(counters_read(loop.counters, COUNTER_REQUESTS_MISDIRECTED), 2);
}

static void plain_http_is_redirected_where_the_zone_says_so(void **state)
{
    (void)state;
    facts.secure = false;
    assert_int_equal(get("www.example.com").status, 200);
    documents[0]->settings[SETTING_always_use_https].number = SWITCH_ON;
    documents[1]->settings[SETTING_always_use_https].number = SWITCH_ON;
    assert_int_equal(get("www.example.com").status, 301);
    assert_int_equal(get("www.example.net").status, 200); /* paused */
    facts.secure = true;
    assert_int_equal(get("www.example.com").status, 200);
    assert_int_equal(counters_read(loop.counters, COUNTER_REQUESTS_REDIRECTED), 1);
}

static void a_loop_is_refused(void **state)
{
    (void)state;
    struct request request = {
        .method = "GET", .host = "www.example.com", .name = "cdn-loop", .value = "AMS"};
    assert_int_equal(ask(request).status, 508);
    request.value = "other";
    assert_int_equal(ask(request).status, 200);
}

static void a_paused_zone_speaks_http_1_1(void **state)
{
    (void)state;
    (void)get("www.example.net");
    struct origin origin = {.address = SPAN("8.8.4.9"),
                            .sni = SPAN("www.example.net"),
                            .port = 443,
                            .tls = ORIGIN_TLS_UNVERIFIED,
                            .policy = ORIGIN_PROTOCOL_H1};
    memcpy(origin.zone_id.text, ZONE_B, sizeof(ZONE_B));
    assert_non_null(origin_pools_find(pools, &origin));
}

static void an_unreadable_replica_is_503(void **state)
{
    (void)state;
    router_err = ERR_CORRUPT;
    assert_int_equal(get("www.example.com").status, 503);
}

static void the_next_address_is_tried_when_one_refuses(void **state)
{
    (void)state;
    plans[0].dial_err = ERR_ORIGIN_REFUSED;
    assert_int_equal(get("two.example.com").status, 200);
    assert_int_equal(dial_count, 2);
}

static void all_addresses_refusing_is_521(void **state)
{
    (void)state;
    plans[0].dial_err = plans[1].dial_err = ERR_ORIGIN_REFUSED;
    struct visitor visitor = ask((struct request){
        .method = "GET", .host = "two.example.com", .name = "accept", .value = "application/json"});
    assert_int_equal(visitor.status, 521);
    json_t *json;
    assert_int_equal(json_parse(span_of(visitor.body, visitor.body_bytes), &json, NULL), ERR_OK);
    assert_string_equal(json_string_value(json_object_get(json, "error")), "origin_refused");
    json_decref(json);
    assert_int_equal(dial_count, 2);
}

static void each_failure_of_a_dial_has_its_status(void **state)
{
    (void)state;
    static const struct {
        enum err err;
        int status;
    } cases[] = {{ERR_ORIGIN_REFUSED, 521},     {ERR_ORIGIN_CONNECT_TIMEOUT, 522},
                 {ERR_ORIGIN_UNREACHABLE, 523}, {ERR_ORIGIN_TLS, 525},
                 {ERR_ORIGIN_CERTIFICATE, 526}, {ERR_ORIGIN_RESOLVE, 530},
                 {ERR_ORIGIN_ADDRESS, 523}};
    for (size_t i = 0; i < countof(cases); i++) {
        plans[i].dial_err = cases[i].err;
        assert_int_equal(get("www.example.com").status, cases[i].status);
        assert_int_equal(dial_count, i + 1);
    }
}

static void what_was_not_processed_goes_to_a_fresh_connection(void **state)
{
    (void)state;
    plans[0].err = ERR_ORIGIN_NOT_PROCESSED;
    struct request request = {.method = "POST", .host = "www.example.com"};
    assert_int_equal(ask(request).status, 200);
    assert_int_equal(fake_count, 2);
    assert_int_equal(plan_at, 2);
}

static void a_dead_connection_is_survived_by_get_and_not_by_post(void **state)
{
    (void)state;
    plans[0].err = ERR_ORIGIN_RESET;
    plans[2].err = ERR_ORIGIN_RESET;
    plans[3].err = ERR_ORIGIN_STALE;
    plans[4].err = ERR_ORIGIN_RESET;
    assert_int_equal(get("www.example.com").status, 200);
    assert_int_equal(get("www.example.com").status, 520);
    assert_int_equal(plan_at, 4);
    assert_int_equal(ask((struct request){.method = "POST", .host = "www.example.com"}).status,
                     520);
    assert_int_equal(plan_at, 5);
}

static void http_1_1_required_is_repeated_and_remembered(void **state)
{
    (void)state;
    plans[0].err = ERR_ORIGIN_H1_REQUIRED;
    assert_int_equal(ask((struct request){.method = "POST", .host = "www.example.com"}).status,
                     200);
    assert_int_equal(seen_offer, OFFER_H1);
    size_t dialled = dial_count;
    assert_int_equal(get("www.example.com").status, 200);
    assert_int_equal(dial_count, dialled); /* on the HTTP/1.1 connection that is there */

    json_t *json = last_line();
    assert_string_equal(json_string_value(json_object_get(json, "origin_protocol")), "http/1.1");
    json_decref(json);
}

static void grpc_is_never_moved_to_http_1_1(void **state)
{
    (void)state;
    plans[0].err = ERR_ORIGIN_H1_REQUIRED;
    struct request request = {.method = "POST",
                              .host = "www.example.com",
                              .name = "content-type",
                              .value = "application/grpc+proto"};
    struct visitor answer = ask(request);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_bytes, 0);
    assert_int_equal(dial_count, 1);
}

static void a_visitor_who_leaves_while_dialling_costs_nothing(void **state)
{
    (void)state;
    struct visitor visitor;
    begin(&visitor, (struct request){.method = "GET", .host = "www.example.com"});
    while (wakeq_run(&loop.wakeq, 1000))
        continue;
    assert_int_equal(dial_count, 1);
    side_fail(&visitor.side, ERR_CLIENT_GONE);
    settle();

    assert_int_equal(plan_at, 0);
    json_t *json = last_line();
    assert_int_equal(json_integer_value(json_object_get(json, "status")), 499);
    assert_string_equal(json_string_value(json_object_get(json, "err")), "client_gone");
    json_decref(json);
}

static void a_visitor_who_leaves_at_once_or_in_the_middle_is_no_trouble(void **state)
{
    (void)state;
    struct visitor visitor;
    begin(&visitor, (struct request){.method = "GET", .host = "www.example.com"});
    side_fail(&visitor.side, ERR_CLIENT_GONE);
    settle();
    assert_int_equal(dial_count, 0);

    plans[0].holds = true;
    begin(&visitor, (struct request){.method = "GET", .host = "www.example.com"});
    settle();
    assert_int_equal(servers.count, 1);
    side_fail(&visitor.side, ERR_CLIENT_GONE);
    settle();
    assert_int_equal(servers.count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_request_reaches_its_origin_and_the_answer_comes_back),
        CASE(an_access_line_tells_it),
        CASE(a_host_header_of_the_origin_replaces_the_visitors),
        CASE(an_unknown_host_gets_a_page_that_says_so),
        CASE(a_host_that_is_no_name_is_refused),
        CASE(a_refused_request_is_never_routed),
        CASE(a_refused_request_that_was_reset_has_its_line),
        CASE(an_address_is_a_host_that_no_zone_has),
        CASE(a_trailing_dot_is_the_same_host),
        CASE(another_accounts_host_is_misdirected_and_the_same_accounts_is_not),
        CASE(a_host_beyond_the_certificate_or_the_version_is_misdirected),
        CASE(plain_http_is_redirected_where_the_zone_says_so),
        CASE(a_loop_is_refused),
        CASE(a_paused_zone_speaks_http_1_1),
        CASE(an_unreadable_replica_is_503),
        CASE(the_next_address_is_tried_when_one_refuses),
        CASE(all_addresses_refusing_is_521),
        CASE(each_failure_of_a_dial_has_its_status),
        CASE(what_was_not_processed_goes_to_a_fresh_connection),
        CASE(a_dead_connection_is_survived_by_get_and_not_by_post),
        CASE(http_1_1_required_is_repeated_and_remembered),
        CASE(grpc_is_never_moved_to_http_1_1),
        CASE(a_visitor_who_leaves_while_dialling_costs_nothing),
        CASE(a_visitor_who_leaves_at_once_or_in_the_middle_is_no_trouble),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
