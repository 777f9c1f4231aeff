/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_client.c - a visitor's connection between a fake transport and a fake origin side.
 */
#include "tests/unit/common/base/dies.h"

#include <stdlib.h>

#include "dataplane/h1/h1_client_int.h"
#include "dataplane/http/reply.h"
#include "tests/unit/support/fake_side.h"
#include "tests/unit/support/fake_transport.h"

struct rig {
    struct loop loop;
    struct exchange_pools pools;
    struct exchange_intake intake;
    struct fake_transport transport;
    struct h1_client *conn;
    struct exchange *exchange; /* the last begun one */
    struct fake_side origin;
    bool in_verb, attached_late;
    unsigned begun_count, done_count, closed_count, gone_count;
    enum err closed_err;
};

static void observer_on_head(void *observer, struct head *head)
{
    (void)observer, (void)head;
}

static void observer_on_failed(void *observer, enum err err)
{
    struct rig *rig = observer;
    struct head *head = arena_new(&rig->exchange->arena, struct head);
    head_init(head, &rig->exchange->arena);
    head->status = err_edge_status(err);
    reply_attach(rig->exchange, head, SPAN("sorry\n"));
}

static void observer_on_gone(void *observer)
{
    struct rig *rig = observer;
    rig->gone_count++;
}

static void observer_on_done(void *observer)
{
    struct rig *rig = observer;
    /* The next one may have begun already. */
    if (++rig->done_count == rig->begun_count)
        rig->exchange = NULL;
}

static const struct exchange_observer_ops observer_ops = {observer_on_head, observer_on_failed,
                                                          observer_on_gone, observer_on_done};

static void begin(void *owner, struct exchange *exchange)
{
    struct rig *rig = owner;
    rig->begun_count++;
    rig->exchange = exchange;
    exchange_observe(exchange, &observer_ops, rig);
    if (rig->attached_late)
        return;
    buf_clear(&rig->origin.got);
    rig->origin.end_got = false;
    exchange_attach_origin(exchange, &rig->origin.side, fake_side_ops());
}

static void on_closed(void *owner, enum err err)
{
    struct rig *rig = owner;
    rig->closed_count++;
    rig->closed_err = err;
    rig->conn = NULL;
}

static const struct h1_client_events events = {on_closed};

static void run(struct rig *rig)
{
    while (wakeq_run(&rig->loop.wakeq, 64))
        continue;
}

static void open_rig(struct rig *rig)
{
    const struct client_facts facts = {.address = SPAN("203.0.113.7"), .version = HTTP_1_1};
    *rig = (struct rig){.closed_err = ERR_OK};
    assert_int_equal(loop_open(&rig->loop), ERR_OK);
    rig->pools = (struct exchange_pools){
        .wakeq = &rig->loop.wakeq, .arenas = &rig->loop.arenas, .chunks = &rig->loop.chunks};
    rig->intake = (struct exchange_intake){begin, rig, &rig->pools};
    fake_side_init(&rig->origin, &rig->in_verb);
    rig->origin.greedy = true;
    fake_transport_open(&rig->transport, &rig->loop);
    rig->conn = h1_client_open(&rig->transport.base, &rig->intake, &facts, &events, rig);
}

static void close_rig(struct rig *rig)
{
    if (rig->conn)
        h1_client_close(rig->conn);
    run(rig);
    if (side_attached(&rig->origin.side))
        side_fail(&rig->origin.side, ERR_ORIGIN_RESET);
    run(rig);
    assert_int_equal(rig->closed_count, 1);
    assert_true(fake_transport_gone(&rig->transport));
    assert_int_equal(rig->pools.exchange_count, 0);
    assert_int_equal(rig->begun_count, rig->done_count);
    fake_transport_release(&rig->transport);
    fake_side_release(&rig->origin);
    loop_close(&rig->loop);
}

static void give(struct rig *rig, const char *text)
{
    assert_int_equal(fake_transport_give(&rig->transport, span_str(text), SIZE_MAX), strlen(text));
    run(rig);
}

static struct head *response(struct rig *rig, int status, int64_t content_length)
{
    struct head *head = arena_new(&rig->exchange->arena, struct head);
    head_init(head, &rig->exchange->arena);
    head->version = HTTP_2;
    head->status = status;
    head->content_length = content_length;
    assert_int_equal(fields_add(&head->fields, SPAN("x"), SPAN("y")), ERR_OK);
    return head;
}

/* The whole answer, and the origin side leaves. */
static void answer(struct rig *rig, int status, const char *body)
{
    side_put_head(&rig->origin.side, response(rig, status, (int64_t)strlen(body)));
    fake_put(&rig->origin, span_str(body));
    fake_end(&rig->origin);
    if (!rig->origin.end_got)
        side_stop(&rig->origin.side);
    side_detach(&rig->origin.side);
    run(rig);
}

static void assert_out(struct rig *rig, const char *text)
{
    assert_string_equal(buf_cstr(&rig->transport.out), text);
    buf_clear(&rig->transport.out);
}

#define OK_HI "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2\r\n\r\nhi"
#define GET "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: a.example\r\n"

static void a_request_is_answered_and_the_connection_kept(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    for (unsigned i = 1; i <= 3; i++) {
        give(&rig, GET);
        assert_int_equal(rig.begun_count, i);
        assert_true(rig.origin.end_got);
        answer(&rig, 200, "hi");
        assert_out(&rig, OK_HI);
        assert_int_equal(rig.done_count, i);
    }
    assert_false(fake_transport_gone(&rig.transport));
    close_rig(&rig);
}

static void byte_by_byte_is_the_same(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    struct span text = SPAN(POST "Transfer-Encoding: chunked\r\n\r\n"
                                 "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n");
    for (size_t i = 0; i < text.len; i++) {
        assert_int_equal(fake_transport_give(&rig.transport, span_first(span_skip(text, i), 1), 1),
                         1);
        run(&rig);
    }
    assert_span_bytes(buf_span(&rig.origin.got), SPAN("abcde"));
    assert_true(rig.origin.end_got);
    assert_int_equal(side_in_trailers(&rig.origin.side)->count, 1);
    answer(&rig, 200, "hi");
    assert_out(&rig, OK_HI);
    close_rig(&rig);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, GET POST "Content-Length: 3\r\n\r\nabc" GET "GET /b HTTP");
    assert_int_equal(rig.begun_count, 1);
    answer(&rig, 200, "hi");
    assert_int_equal(rig.begun_count, 2);
    assert_span_bytes(buf_span(&rig.origin.got), SPAN("abc"));
    answer(&rig, 200, "hi");
    answer(&rig, 200, "hi");
    assert_int_equal(rig.begun_count, 3);
    assert_out(&rig, OK_HI OK_HI OK_HI);
    give(&rig, "/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig.begun_count, 4);
    close_rig(&rig);
}

static void reading_ahead_is_bounded(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    size_t total = 0;
    while (rig.transport.reading && total < 1000000)
        total += fake_transport_give(&rig.transport, SPAN(GET), SIZE_MAX);
    assert_true(total < LIMIT_CLIENT_PIPELINE_BYTES + 200);
    for (unsigned i = 0; rig.begun_count > rig.done_count; i++) {
        run(&rig);
        answer(&rig, 200, "hi");
    }
    assert_int_equal(rig.done_count, total / strlen(GET));
    assert_true(rig.transport.reading);
    close_rig(&rig);
}

static void unparsable_requests_get_a_fixed_answer_and_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *begins;
    } rows[] = {
        {"GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 Bad Request\r\n"},
        {"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
        {POST "Transfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n"},
        {POST "Expect: x\r\n\r\n", "HTTP/1.1 417 Expectation Failed\r\n"},
        {POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n" GET, "HTTP/1.1 400 Bad Request\r\n"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct rig rig;
        open_rig(&rig);
        give(&rig, rows[i].text);
        assert_int_equal(rig.begun_count, 0);
        assert_true(span_starts_with(buf_span(&rig.transport.out), span_str(rows[i].begins)));
        assert_non_null(strstr(buf_cstr(&rig.transport.out), "connection: close\r\n"));
        assert_true(rig.transport.closed);
        close_rig(&rig);
    }
}

static void a_broken_body_is_never_complete(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc");
    give(&rig, "X");
    assert_false(rig.origin.end_got);
    assert_string_equal(rig.origin.log, "HBA");
    assert_true(span_starts_with(buf_span(&rig.transport.out), SPAN("HTTP/1.1 400 ")));
    assert_true(rig.transport.closed);
    close_rig(&rig);
}

static void a_visitor_that_leaves_mid_upload_is_gone(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct rig rig;
        open_rig(&rig);
        give(&rig, POST "Content-Length: 10\r\n\r\nabc");
        assert_int_equal(rig.origin.got.len, 3);
        if (how == 0)
            fake_transport_end(&rig.transport);
        else
            fake_transport_die(&rig.transport, ERR_IO);
        run(&rig);
        assert_string_equal(rig.origin.log, "HBA");
        assert_false(rig.origin.end_got);
        assert_int_equal(rig.closed_count, 1);
        close_rig(&rig);
    }
}

static void a_visitor_may_close_its_half_and_wait(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, GET);
    fake_transport_end(&rig.transport);
    run(&rig);
    answer(&rig, 200, "hi");
    assert_out(&rig, "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
    assert_true(rig.transport.closed);
    close_rig(&rig);
}

static void a_truncated_answer_is_reset(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct rig rig;
        open_rig(&rig);
        give(&rig, i == 2 ? "GET / HTTP/1.0\r\nHost: a\r\n\r\n" : GET);
        side_put_head(&rig.origin.side, response(&rig, 200, i == 0 ? 10 : HEAD_LENGTH_UNKNOWN));
        fake_put(&rig.origin, SPAN("hi"));
        run(&rig);
        side_fail(&rig.origin.side, ERR_ORIGIN_RESET);
        run(&rig);
        assert_true(rig.transport.aborted);
        assert_null(strstr(buf_cstr(&rig.transport.out), "\r\n0\r\n"));
        close_rig(&rig);
    }
}

static void bodies_of_unknown_length_are_chunked(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, GET);
    side_put_head(&rig.origin.side, response(&rig, 200, HEAD_LENGTH_UNKNOWN));
    run(&rig);
    fake_put(&rig.origin, SPAN("hello, hello, hi"));
    run(&rig);
    struct fields *trailers = arena_new(&rig.exchange->arena, struct fields);
    fields_init(trailers, &rig.exchange->arena);
    assert_int_equal(fields_add(trailers, SPAN("grpc-status"), SPAN("0")), ERR_OK);
    side_put_trailers(&rig.origin.side, trailers);
    fake_end(&rig.origin);
    side_detach(&rig.origin.side);
    run(&rig);
    assert_out(&rig, "HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n"
                     "10\r\nhello, hello, hi\r\n0\r\ngrpc-status: 0\r\n\r\n");
    give(&rig, GET);
    assert_int_equal(rig.begun_count, 2);
    close_rig(&rig);
}

static void old_clients_get_the_end_of_the_connection(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    answer(&rig, 200, "hi");
    assert_out(&rig,
               "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nhi");
    give(&rig, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    side_put_head(&rig.origin.side, response(&rig, 200, HEAD_LENGTH_UNKNOWN));
    run(&rig);
    fake_put(&rig.origin, SPAN("hi"));
    fake_end(&rig.origin);
    side_detach(&rig.origin.side);
    run(&rig);
    assert_out(&rig, "HTTP/1.1 200 OK\r\nx: y\r\nconnection: close\r\n\r\nhi");
    assert_true(rig.transport.closed);
    close_rig(&rig);
}

static void heads_alone_for_head_204_and_304(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    side_put_head(&rig.origin.side, response(&rig, 200, 500));
    fake_end(&rig.origin);
    side_detach(&rig.origin.side);
    run(&rig);
    assert_out(&rig, "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 500\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        give(&rig, GET);
        side_put_head(&rig.origin.side, response(&rig, i ? 304 : 204, HEAD_LENGTH_UNKNOWN));
        fake_end(&rig.origin);
        side_detach(&rig.origin.side);
        run(&rig);
        assert_out(&rig, i ? "HTTP/1.1 304 Not Modified\r\nx: y\r\n\r\n"
                           : "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n");
    }
    close_rig(&rig);
}

static void continue_comes_when_an_origin_wants_the_body(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.attached_late = true;
    give(&rig, POST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_out(&rig, "");
    exchange_attach_origin(rig.exchange, &rig.origin.side, fake_side_ops());
    run(&rig);
    assert_out(&rig, "HTTP/1.1 100 Continue\r\n\r\n");
    give(&rig, "abc");
    assert_true(rig.origin.end_got);
    answer(&rig, 200, "hi");
    assert_out(&rig, OK_HI);
    close_rig(&rig);
}

static void a_refusal_spares_the_body_that_waits_for_continue(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.attached_late = true;
    give(&rig, POST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    observer_on_failed(&rig, ERR_HOST_UNKNOWN);
    run(&rig);
    assert_out(&rig,
               "HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsorry\n");
    assert_true(rig.transport.closed);
    close_rig(&rig);
}

static void an_early_answer_ends_the_connection_after_it(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, POST "Content-Length: 1000000\r\n\r\nabc");
    answer(&rig, 413, "no");
    assert_out(&rig, "HTTP/1.1 413 Content Too Large\r\nx: y\r\ncontent-length: 2\r\n"
                     "connection: close\r\n\r\nno");
    assert_true(rig.transport.closed);
    assert_int_equal(rig.done_count, 1);
    close_rig(&rig);
}

static void an_unwanted_body_that_has_arrived_keeps_the_connection(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.attached_late = true;
    give(&rig, POST "Content-Length: 5\r\n\r\nabcde");
    observer_on_failed(&rig, ERR_HOST_UNKNOWN);
    run(&rig);
    assert_out(&rig, "HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\nsorry\n");
    rig.attached_late = false;
    give(&rig, GET);
    assert_int_equal(rig.begun_count, 2);
    close_rig(&rig);
}

static void an_interim_answer_passes(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, GET);
    side_put_interim(&rig.origin.side, response(&rig, 103, HEAD_LENGTH_UNKNOWN));
    run(&rig);
    answer(&rig, 200, "hi");
    assert_out(&rig, "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n" OK_HI);
    close_rig(&rig);
}

static void an_upload_stops_reading_while_there_is_no_room(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.origin.greedy = false;
    give(&rig, POST "Content-Length: 500000\r\n\r\n");
    uint8_t *body = calloc(1, 500000);
    size_t given = 0, taken = 0;
    for (int i = 0; i < 10000 && taken < 500000; i++) {
        given += fake_transport_give(&rig.transport, span_of(body + given, 500000 - given), 20000);
        run(&rig);
        assert_true(given - taken <= LIMIT_FLOW_BYTES + 20000);
        fake_take(&rig.origin, 7000);
        taken = rig.origin.got.len;
        run(&rig);
    }
    assert_int_equal(taken, 500000);
    assert_true(rig.origin.end_got);
    free(body);
    close_rig(&rig);
}

static void a_slow_visitor_holds_the_answer_back(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, GET);
    side_put_head(&rig.origin.side, response(&rig, 200, HEAD_LENGTH_UNKNOWN));
    rig.transport.room_max = 10;
    uint8_t *body = calloc(1, LIMIT_FLOW_BYTES);
    fake_put(&rig.origin, span_of(body, LIMIT_FLOW_BYTES));
    run(&rig);
    assert_int_equal(rig.transport.out.len, 10);
    assert_int_equal(side_room(&rig.origin.side), 0);
    for (int i = 0; i < 200; i++) {
        fake_transport_room(&rig.transport, 1000);
        run(&rig);
        assert_true(rig.transport.out.len <= 10 + (size_t)(i + 1) * 1000);
    }
    assert_int_equal(side_room(&rig.origin.side), LIMIT_FLOW_BYTES);
    fake_end(&rig.origin);
    side_detach(&rig.origin.side);
    run(&rig);
    assert_true(span_ends_with(buf_span(&rig.transport.out), SPAN("\r\n0\r\n\r\n")));
    free(body);
    close_rig(&rig);
}

static void draining_answers_what_runs_and_closes(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, GET GET);
    h1_client_drain(rig.conn);
    assert_false(fake_transport_gone(&rig.transport));
    answer(&rig, 200, "hi");
    assert_non_null(strstr(buf_cstr(&rig.transport.out), "connection: close\r\n"));
    assert_int_equal(rig.begun_count, 1);
    assert_int_equal(rig.closed_count, 1);
    close_rig(&rig);
    open_rig(&rig);
    give(&rig, GET);
    answer(&rig, 200, "hi");
    h1_client_drain(rig.conn);
    assert_int_equal(rig.closed_count, 0);
    run(&rig);
    assert_int_equal(rig.closed_count, 1);
    close_rig(&rig);
}

static void draining_waits_for_the_first_request_of_a_new_connection(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    h1_client_drain(rig.conn);
    run(&rig);
    assert_int_equal(rig.closed_count, 0);
    give(&rig, GET);
    answer(&rig, 200, "hi");
    assert_non_null(strstr(buf_cstr(&rig.transport.out), "connection: close\r\n"));
    assert_int_equal(rig.closed_count, 1);
    close_rig(&rig);
}

static void expire(struct rig *rig, struct deadline *deadline)
{
    assert_true(deadline_armed(deadline));
    deadline_disarm(&rig->loop, deadline);
    deadline->expired(deadline);
    run(rig);
}

static void every_silence_has_its_deadline(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    expire(&rig, &rig.conn->read_deadline); /* idle: no word */
    assert_int_equal(rig.transport.out.len, 0);
    assert_true(rig.transport.closed);
    close_rig(&rig);

    open_rig(&rig);
    give(&rig, "GET / HT");
    uint64_t at_ms = rig.conn->read_deadline.at_ms;
    give(&rig, "TP");
    assert_int_equal(rig.conn->read_deadline.at_ms, at_ms);
    expire(&rig, &rig.conn->read_deadline);
    assert_true(span_starts_with(buf_span(&rig.transport.out), SPAN("HTTP/1.1 408 ")));
    close_rig(&rig);

    open_rig(&rig);
    give(&rig, POST "Content-Length: 5\r\n\r\nab");
    expire(&rig, &rig.conn->read_deadline);
    assert_true(span_starts_with(buf_span(&rig.transport.out), SPAN("HTTP/1.1 408 ")));
    assert_string_equal(rig.origin.log, "HBA");
    close_rig(&rig);

    open_rig(&rig);
    give(&rig, GET);
    assert_false(deadline_armed(&rig.conn->read_deadline));
    rig.transport.room_max = 3;
    answer(&rig, 200, "hi");
    expire(&rig, &rig.conn->write_deadline);
    assert_true(rig.transport.aborted);
    close_rig(&rig);
}

static void an_exchange_that_fails_before_its_answer_gets_a_fixed_one(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, GET);
    exchange_fail(rig.exchange, ERR_TIMEOUT, FAULT_OF_ORIGIN);
    run(&rig);
    assert_true(span_starts_with(buf_span(&rig.transport.out), SPAN("HTTP/1.1 504 ")));
    assert_true(rig.transport.closed);
    close_rig(&rig);
}

static void a_visitor_that_leaves_while_nobody_answers_is_told(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.attached_late = true;
    give(&rig, GET);
    fake_transport_die(&rig.transport, ERR_IO);
    run(&rig);
    assert_int_equal(rig.gone_count, 1);
    assert_int_equal(rig.done_count, 1);
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_and_the_connection_kept),
        cmocka_unit_test(byte_by_byte_is_the_same),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(reading_ahead_is_bounded),
        cmocka_unit_test(unparsable_requests_get_a_fixed_answer_and_the_end),
        cmocka_unit_test(a_broken_body_is_never_complete),
        cmocka_unit_test(a_visitor_that_leaves_mid_upload_is_gone),
        cmocka_unit_test(a_visitor_may_close_its_half_and_wait),
        cmocka_unit_test(a_truncated_answer_is_reset),
        cmocka_unit_test(bodies_of_unknown_length_are_chunked),
        cmocka_unit_test(old_clients_get_the_end_of_the_connection),
        cmocka_unit_test(heads_alone_for_head_204_and_304),
        cmocka_unit_test(continue_comes_when_an_origin_wants_the_body),
        cmocka_unit_test(a_refusal_spares_the_body_that_waits_for_continue),
        cmocka_unit_test(an_early_answer_ends_the_connection_after_it),
        cmocka_unit_test(an_unwanted_body_that_has_arrived_keeps_the_connection),
        cmocka_unit_test(an_interim_answer_passes),
        cmocka_unit_test(an_upload_stops_reading_while_there_is_no_room),
        cmocka_unit_test(a_slow_visitor_holds_the_answer_back),
        cmocka_unit_test(draining_answers_what_runs_and_closes),
        cmocka_unit_test(draining_waits_for_the_first_request_of_a_new_connection),
        cmocka_unit_test(every_silence_has_its_deadline),
        cmocka_unit_test(an_exchange_that_fails_before_its_answer_gets_a_fixed_one),
        cmocka_unit_test(a_visitor_that_leaves_while_nobody_answers_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
