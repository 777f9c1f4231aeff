/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_origin.c - an origin's connection between a fake transport and a fake client side.
 */
#include "tests/unit/common/base/dies.h"

#include <stdlib.h>

#include "dataplane/h1/h1_origin_int.h"
#include "tests/unit/support/fake_side.h"
#include "tests/unit/support/fake_transport.h"

#define UNKNOWN HEAD_LENGTH_UNKNOWN

struct rig {
    struct loop loop;
    struct exchange_pools pools;
    struct fake_transport transport;
    struct http_conn *conn;
    struct exchange *exchange;
    struct fake_side client;
    bool in_verb;
    unsigned slots_count, draining_count, closed_count, done_count, failed_count;
    enum err failed_err;
};

static void on_slots(void *owner)
{
    struct rig *rig = owner;
    rig->slots_count++;
}

static void on_draining(void *owner)
{
    struct rig *rig = owner;
    rig->draining_count++;
}

static void on_closed(void *owner, enum err err)
{
    struct rig *rig = owner;
    (void)err;
    rig->closed_count++;
    rig->conn = NULL;
}

static const struct http_conn_events events = {on_slots, on_draining, on_closed};

static void observer_on_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static void observer_on_failed(void *observer, enum err err)
{
    struct rig *rig = observer;
    rig->failed_count++;
    rig->failed_err = err;
}

static void observer_on_gone(void *observer)
{
    (void)observer;
}

static void observer_on_done(void *observer)
{
    struct rig *rig = observer;
    rig->done_count++;
    rig->exchange = NULL;
}

static const struct exchange_observer_ops observer_ops = {observer_on_head, observer_on_failed,
                                                          observer_on_gone, observer_on_done};

static void run(struct rig *rig)
{
    while (wakeq_run(&rig->loop.wakeq, 64))
        continue;
}

static void open_rig(struct rig *rig)
{
    const struct h1_origin_options options = {.read_timeout_ms = 120000};
    *rig = (struct rig){.failed_err = ERR_OK};
    assert_int_equal(loop_open(&rig->loop), ERR_OK);
    rig->pools = (struct exchange_pools){
        .wakeq = &rig->loop.wakeq, .arenas = &rig->loop.arenas, .chunks = &rig->loop.chunks};
    fake_side_init(&rig->client, &rig->in_verb);
    rig->client.greedy = true;
    fake_transport_open(&rig->transport, &rig->loop);
    rig->conn = h1_origin_open(&rig->transport.base, &options, &events, rig);
}

static void leave(struct rig *rig)
{
    if (side_attached(&rig->client.side))
        side_fail(&rig->client.side, ERR_CLIENT_GONE);
    run(rig);
}

static void close_rig(struct rig *rig)
{
    leave(rig);
    if (rig->conn)
        http_conn_close(rig->conn);
    run(rig);
    assert_int_equal(rig->closed_count, 1);
    assert_true(fake_transport_gone(&rig->transport));
    assert_int_equal(rig->pools.exchange_count, 0);
    fake_transport_release(&rig->transport);
    fake_side_release(&rig->client);
    loop_close(&rig->loop);
}

static struct head *request(struct rig *rig, const char *method, int64_t content_length)
{
    const struct client_facts facts = {.version = HTTP_2};
    rig->exchange = exchange_new(&rig->pools, &rig->client.side, fake_side_ops(), &facts);
    exchange_observe(rig->exchange, &observer_ops, rig);
    rig->client.log[0] = '\0';
    rig->client.end_got = false;
    buf_clear(&rig->client.got);
    struct head *head = arena_new(&rig->exchange->arena, struct head);
    head_init(head, &rig->exchange->arena);
    head->version = HTTP_2;
    head->method = span_str(method);
    head->scheme = SPAN("https");
    head->authority = SPAN("a.example");
    head->path = SPAN("/p?q");
    head->content_length = content_length;
    return head;
}

/* A request without a body, written. */
static void run_get(struct rig *rig, const char *method)
{
    side_put_head(&rig->client.side, request(rig, method, UNKNOWN));
    fake_end(&rig->client);
    http_conn_run(rig->conn, rig->exchange);
    run(rig);
}

static void give(struct rig *rig, const char *text)
{
    fake_transport_give(&rig->transport, span_str(text), SIZE_MAX);
    run(rig);
}

static void assert_out(struct rig *rig, const char *text)
{
    assert_string_equal(buf_cstr(&rig->transport.out), text);
    buf_clear(&rig->transport.out);
}

/* The answer came whole; the client side leaves. */
static void assert_answer(struct rig *rig, int status, const char *body)
{
    assert_int_equal(side_in_head(&rig->client.side)->status, status);
    assert_span_bytes(buf_span(&rig->client.got), span_str(body));
    assert_true(side_in_ended(&rig->client.side));
    side_detach(&rig->client.side);
    run(rig);
}

#define GET_OUT "GET /p?q HTTP/1.1\r\nhost: a.example\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

static void exchanges_reuse_the_connection(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    for (unsigned i = 1; i <= 3; i++) {
        run_get(&rig, "GET");
        assert_out(&rig, GET_OUT);
        assert_int_equal(http_conn_free_slots(rig.conn), 0);
        give(&rig, OK "Content-Length: 2\r\n\r\nhi");
        assert_int_equal(rig.slots_count, i);
        assert_int_equal(http_conn_free_slots(rig.conn), 1);
        assert_answer(&rig, 200, "hi");
        assert_int_equal(rig.conn->exchanges_run, i);
    }
    close_rig(&rig);
}

static void answers_arrive_byte_by_byte(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    run_get(&rig, "GET");
    struct span text =
        SPAN("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK
             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n");
    for (size_t i = 0; i < text.len; i++) {
        fake_transport_give(&rig.transport, span_first(span_skip(text, i), 1), 1);
        run(&rig);
    }
    assert_string_equal(rig.client.log, "IHBBBB");
    assert_int_equal(side_in_trailers(&rig.client.side)->count, 1);
    assert_answer(&rig, 200, "abc");
    assert_int_equal(http_conn_free_slots(rig.conn), 1);
    close_rig(&rig);
}

static void requests_are_framed_by_what_is_known(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    struct head *head = request(&rig, "POST", 3);
    assert_int_equal(fields_add(&head->fields, SPAN("cookie"), SPAN("a=1")), ERR_OK);
    assert_int_equal(fields_add(&head->fields, SPAN("te"), SPAN("trailers")), ERR_OK);
    assert_int_equal(fields_add(&head->fields, SPAN("cookie"), SPAN("b=2")), ERR_OK);
    side_put_head(&rig.client.side, head);
    http_conn_run(rig.conn, rig.exchange);
    run(&rig);
    fake_put(&rig.client, SPAN("abc"));
    fake_end(&rig.client);
    run(&rig);
    assert_out(&rig, "POST /p?q HTTP/1.1\r\nhost: a.example\r\ncookie: a=1; b=2\r\nte: trailers\r\n"
                     "connection: te\r\ncontent-length: 3\r\n\r\nabc");
    give(&rig, OK "Content-Length: 0\r\n\r\n");
    assert_answer(&rig, 200, "");

    side_put_head(&rig.client.side, request(&rig, "POST", UNKNOWN));
    http_conn_run(rig.conn, rig.exchange);
    run(&rig);
    fake_put(&rig.client, SPAN("abc"));
    run(&rig);
    struct fields *trailers = arena_new(&rig.exchange->arena, struct fields);
    fields_init(trailers, &rig.exchange->arena);
    assert_int_equal(fields_add(trailers, SPAN("t"), SPAN("u")), ERR_OK);
    side_put_trailers(&rig.client.side, trailers);
    fake_end(&rig.client);
    run(&rig);
    assert_out(&rig, "POST /p?q HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n0\r\nt: u\r\n\r\n");
    give(&rig, OK "Content-Length: 0\r\n\r\n");
    assert_answer(&rig, 200, "");

    side_put_head(&rig.client.side, request(&rig, "POST", UNKNOWN));
    fake_put(&rig.client, SPAN("whole"));
    fake_end(&rig.client);
    http_conn_run(rig.conn, rig.exchange);
    run(&rig);
    assert_out(&rig, "POST /p?q HTTP/1.1\r\nhost: a.example\r\ncontent-length: 5\r\n\r\nwhole");
    give(&rig, OK "Content-Length: 0\r\n\r\n");
    assert_answer(&rig, 200, "");

    run_get(&rig, "PUT");
    assert_out(&rig, "PUT /p?q HTTP/1.1\r\nhost: a.example\r\ncontent-length: 0\r\n\r\n");
    close_rig(&rig);
}

static void answers_without_a_body_leave_the_connection_open(void **state)
{
    (void)state;
    static const struct {
        const char *method, *text;
        int status;
    } rows[] = {
        {"HEAD", OK "Content-Length: 500\r\n\r\n", 200},
        {"HEAD", OK "Transfer-Encoding: chunked\r\n\r\n", 200},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304},
        {"GET", OK "Content-Length: 0\r\n\r\n", 200},
    };
    struct rig rig;
    open_rig(&rig);
    for (size_t i = 0; i < countof(rows); i++) {
        run_get(&rig, rows[i].method);
        give(&rig, rows[i].text);
        assert_answer(&rig, rows[i].status, "");
        assert_int_equal(http_conn_free_slots(rig.conn), 1);
    }
    close_rig(&rig);
}

/* What a doubt is, and that it closes the connection after an answer that came whole. */
static void any_doubt_closes_after_the_answer(void **state)
{
    (void)state;
    static const char *const rows[] = {
        OK "Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        OK "Content-Length: 2\r\n\r\nhi\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nX",
        OK "Content-Length: 2\r\nConnection: close\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct rig rig;
        open_rig(&rig);
        run_get(&rig, "GET");
        give(&rig, rows[i]);
        assert_answer(&rig, 200, "hi");
        assert_true(fake_transport_gone(&rig.transport));
        assert_int_equal(rig.slots_count, 0);
        assert_int_equal(rig.closed_count, 1);
        close_rig(&rig);
    }
}

static void a_byte_while_idle_closes(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, "H");
    assert_int_equal(rig.closed_count, 1);
    close_rig(&rig);
}

static void a_byte_before_the_request_is_nobodys_answer(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    side_put_head(&rig.client.side, request(&rig, "POST", UNKNOWN));
    http_conn_run(rig.conn, rig.exchange);
    fake_transport_give(&rig.transport, SPAN(OK "Content-Length: 0\r\n\r\n"), SIZE_MAX);
    run(&rig);
    assert_int_equal(rig.failed_err, ERR_ORIGIN_NOT_PROCESSED);
    assert_string_equal(rig.client.log, "");
    close_rig(&rig);
}

static void deaths_before_an_answer_say_whether_to_try_again(void **state)
{
    (void)state;
    for (int how = 0; how < 6; how++) {
        struct rig rig;
        open_rig(&rig);
        if (how >= 3) {
            run_get(&rig, "GET");
            give(&rig, OK "Content-Length: 0\r\n\r\n");
            assert_answer(&rig, 200, "");
        }
        run_get(&rig, "GET");
        if (how % 3 == 2)
            give(&rig, "HTTP/1.1 2");
        if (how % 3 == 1)
            fake_transport_end(&rig.transport);
        else
            fake_transport_die(&rig.transport, ERR_IO);
        run(&rig);
        enum err expected = how % 3 == 2 ? ERR_ORIGIN_ANSWER
                            : how >= 3   ? ERR_ORIGIN_STALE
                                         : ERR_ORIGIN_RESET;
        assert_int_equal(rig.failed_err, expected);
        assert_int_equal(rig.closed_count, 1);
        close_rig(&rig);
    }
}

static void garbage_is_a_bad_answer(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "garbage\r\n\r\n",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\n\n",
        OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        OK "Transfer-Encoding: gzip\r\n\r\nx",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 99 x\r\n\r\n",
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct rig rig;
        open_rig(&rig);
        run_get(&rig, "GET");
        give(&rig, rows[i]);
        assert_int_equal(rig.failed_err, ERR_ORIGIN_ANSWER);
        assert_true(fake_transport_gone(&rig.transport));
        close_rig(&rig);
    }
}

static void too_many_interim_answers_are_a_bad_answer(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    run_get(&rig, "GET");
    for (int i = 0; i < LIMIT_INTERIM_ANSWERS; i++)
        give(&rig, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(rig.failed_count, 0);
    give(&rig, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(rig.failed_err, ERR_ORIGIN_ANSWER);
    close_rig(&rig);
}

static void truncated_bodies_abort_the_visitor(void **state)
{
    (void)state;
    static const char *const rows[] = {
        OK "Content-Length: 5\r\n\r\nhi",
        OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        OK "\r\nhi",
    };
    for (size_t i = 0; i < 2 * countof(rows); i++) {
        struct rig rig;
        open_rig(&rig);
        run_get(&rig, "GET");
        give(&rig, rows[i / 2]);
        assert_string_equal(rig.client.log, "HB");
        if (i % 2 == 0)
            fake_transport_die(&rig.transport, ERR_PROTOCOL);
        else
            fake_transport_end(&rig.transport);
        run(&rig);
        /* Only a clean end ends a body that ends with the connection. */
        assert_string_equal(rig.client.log, i == 5 ? "HBB" : "HBA");
        assert_int_equal(rig.failed_count, 0);
        close_rig(&rig);
    }
}

static void an_early_answer_leaves_the_request_unwritten(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    side_put_head(&rig.client.side, request(&rig, "POST", 100000));
    http_conn_run(rig.conn, rig.exchange);
    run(&rig);
    give(&rig, "HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\nno");
    assert_string_equal(rig.client.log, "HBS");
    assert_int_equal(rig.closed_count, 1);
    assert_int_equal(side_out_state(&rig.client.side), FLOW_STOPPED);
    assert_answer(&rig, 413, "no");
    close_rig(&rig);
}

static void a_slow_visitor_stops_the_reading(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.client.greedy = false;
    run_get(&rig, "GET");
    give(&rig, OK "Content-Length: 500000\r\n\r\n");
    uint8_t *body = calloc(1, 500000);
    size_t given = 0;
    for (int i = 0; i < 10000 && rig.client.got.len < 500000; i++) {
        given += fake_transport_give(&rig.transport, span_of(body + given, 500000 - given), 20000);
        run(&rig);
        assert_true(given - rig.client.got.len <= LIMIT_FLOW_BYTES + 20000);
        fake_take(&rig.client, 7000);
        run(&rig);
    }
    assert_int_equal(rig.client.got.len, 500000);
    assert_int_equal(http_conn_free_slots(rig.conn), 1);
    assert_true(rig.transport.reading);
    free(body);
    close_rig(&rig);
}

static void a_slow_origin_stops_the_writing(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.transport.room_max = 5;
    side_put_head(&rig.client.side, request(&rig, "POST", UNKNOWN));
    fake_put(&rig.client, SPAN("0123456789"));
    http_conn_run(rig.conn, rig.exchange);
    run(&rig);
    assert_out(&rig, "POST ");
    fake_transport_room(&rig.transport, 1000);
    run(&rig);
    assert_true(span_ends_with(buf_span(&rig.transport.out), SPAN("\r\n\r\na\r\n0123456789\r\n")));
    buf_clear(&rig.transport.out);
    rig.transport.room_max = 2;
    fake_end(&rig.client);
    run(&rig);
    assert_out(&rig, "0\r");
    fake_transport_room(&rig.transport, 1000);
    assert_out(&rig, "\n\r\n");
    close_rig(&rig);
}

static void silence_is_a_read_timeout(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    run_get(&rig, "GET");
    struct h1_origin *origin = container_of(rig.conn, struct h1_origin, conn);
    assert_true(deadline_armed(&origin->deadline));
    deadline_disarm(&rig.loop, &origin->deadline);
    origin->deadline.expired(&origin->deadline);
    run(&rig);
    assert_int_equal(rig.failed_err, ERR_ORIGIN_READ_TIMEOUT);
    assert_true(rig.transport.aborted);
    close_rig(&rig);
}

static void a_visitor_that_leaves_closes_the_connection(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    run_get(&rig, "GET");
    leave(&rig);
    assert_true(rig.transport.aborted);
    assert_int_equal(rig.closed_count, 1);
    close_rig(&rig);
    open_rig(&rig);
    run_get(&rig, "GET");
    give(&rig, OK "Content-Length: 5\r\n\r\nhi");
    side_stop(&rig.client.side);
    run(&rig);
    assert_true(rig.transport.aborted);
    close_rig(&rig);
}

static void draining_waits_for_what_runs(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    run_get(&rig, "GET");
    http_conn_drain(rig.conn);
    run(&rig);
    assert_int_equal(rig.closed_count, 0);
    give(&rig, OK "Content-Length: 2\r\n\r\nhi");
    assert_answer(&rig, 200, "hi");
    assert_int_equal(rig.closed_count, 1);
    close_rig(&rig);
}

static void connection_close_is_told_at_once(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    run_get(&rig, "GET");
    give(&rig, OK "Content-Length: 5\r\nConnection: close\r\n\r\nhi");
    assert_int_equal(rig.draining_count, 1);
    assert_int_equal(rig.closed_count, 0);
    give(&rig, "you");
    assert_answer(&rig, 200, "hiyou");
    assert_int_equal(rig.closed_count, 1);
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_reuse_the_connection),
        cmocka_unit_test(answers_arrive_byte_by_byte),
        cmocka_unit_test(requests_are_framed_by_what_is_known),
        cmocka_unit_test(answers_without_a_body_leave_the_connection_open),
        cmocka_unit_test(any_doubt_closes_after_the_answer),
        cmocka_unit_test(a_byte_while_idle_closes),
        cmocka_unit_test(a_byte_before_the_request_is_nobodys_answer),
        cmocka_unit_test(deaths_before_an_answer_say_whether_to_try_again),
        cmocka_unit_test(garbage_is_a_bad_answer),
        cmocka_unit_test(too_many_interim_answers_are_a_bad_answer),
        cmocka_unit_test(truncated_bodies_abort_the_visitor),
        cmocka_unit_test(an_early_answer_leaves_the_request_unwritten),
        cmocka_unit_test(a_slow_visitor_stops_the_reading),
        cmocka_unit_test(a_slow_origin_stops_the_writing),
        cmocka_unit_test(silence_is_a_read_timeout),
        cmocka_unit_test(a_visitor_that_leaves_closes_the_connection),
        cmocka_unit_test(draining_waits_for_what_runs),
        cmocka_unit_test(connection_close_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
