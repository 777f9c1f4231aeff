/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_client_answer.c - answers: framed, early, truncated, slow.
 */
#include "tests/unit/dataplane/h1/client_rig.h"

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

#define UPGRADE                                                                           \
    "GET /a HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void open_tunnel(struct rig *rig)
{
    struct head *head = response(rig, 101, HEAD_LENGTH_UNKNOWN);
    head->version = HTTP_1_1;
    head->tunnelled = true;
    side_put_head(&rig->origin.side, head);
    run(rig);
    assert_out(rig, "HTTP/1.1 101 Switching Protocols\r\nx: y\r\nconnection: upgrade\r\n"
                    "upgrade: websocket\r\n\r\n");
}

static void a_tunnel_carries_bytes_after_its_101(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, UPGRADE "early");
    assert_true(rig.exchange->request.head->tunnelled);
    assert_span_bytes(buf_span(&rig.origin.got), SPAN_EMPTY);
    open_tunnel(&rig);
    give(&rig, " and late");
    assert_span_bytes(buf_span(&rig.origin.got), SPAN("early and late"));
    fake_put(&rig.origin, SPAN("raw"));
    run(&rig);
    assert_out(&rig, "raw");
    fake_end(&rig.origin);
    run(&rig);
    assert_true(rig.transport.end_said && !fake_transport_gone(&rig.transport));
    give(&rig, "!");
    fake_transport_end(&rig.transport);
    run(&rig);
    assert_span_bytes(buf_span(&rig.origin.got), SPAN("early and late!"));
    assert_true(rig.origin.end_got);
    assert_true(rig.transport.closed);
    side_detach(&rig.origin.side);
    close_rig(&rig);
}

static void a_tunnel_that_http2_opened_has_the_keys_answer(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, UPGRADE);
    struct head *head = response(&rig, 101, HEAD_LENGTH_UNKNOWN);
    head->version = HTTP_2;
    head->tunnelled = true;
    side_put_head(&rig.origin.side, head);
    run(&rig);
    assert_out(&rig, "HTTP/1.1 101 Switching Protocols\r\nx: y\r\n"
                     "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                     "connection: upgrade\r\nupgrade: websocket\r\n\r\n");
    side_fail(&rig.origin.side, ERR_ORIGIN_RESET);
    run(&rig);
    close_rig(&rig);
}

static void a_cut_tunnel_resets_the_visitor(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, UPGRADE);
    open_tunnel(&rig);
    side_fail(&rig.origin.side, ERR_ORIGIN_RESET);
    run(&rig);
    assert_true(rig.transport.aborted);
    close_rig(&rig);
}

static void a_refused_tunnel_is_an_ordinary_request(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, UPGRADE GET);
    assert_int_equal(rig.begun_count, 1);
    answer(&rig, 200, "hi");
    assert_out(&rig, OK_HI);
    assert_int_equal(rig.begun_count, 2);
    assert_false(rig.exchange->request.head->tunnelled);
    answer(&rig, 200, "hi");
    assert_out(&rig, OK_HI);
    close_rig(&rig);
}

static void a_stripped_tunnel_has_no_body(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.attached_late = true;
    give(&rig, UPGRADE);
    exchange_strip_tunnel(rig.exchange);
    exchange_attach_origin(rig.exchange, &rig.origin.side, fake_side_ops());
    run(&rig);
    assert_true(rig.origin.end_got);
    answer(&rig, 200, "hi");
    assert_out(&rig, OK_HI);
    assert_false(fake_transport_gone(&rig.transport));
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_answer_is_reset),
        cmocka_unit_test(bodies_of_unknown_length_are_chunked),
        cmocka_unit_test(old_clients_get_the_end_of_the_connection),
        cmocka_unit_test(heads_alone_for_head_204_and_304),
        cmocka_unit_test(continue_comes_when_an_origin_wants_the_body),
        cmocka_unit_test(a_refusal_spares_the_body_that_waits_for_continue),
        cmocka_unit_test(an_early_answer_ends_the_connection_after_it),
        cmocka_unit_test(an_interim_answer_passes),
        cmocka_unit_test(a_slow_visitor_holds_the_answer_back),
        cmocka_unit_test(an_exchange_that_fails_before_its_answer_gets_a_fixed_one),
        cmocka_unit_test(a_tunnel_carries_bytes_after_its_101),
        cmocka_unit_test(a_tunnel_that_http2_opened_has_the_keys_answer),
        cmocka_unit_test(a_cut_tunnel_resets_the_visitor),
        cmocka_unit_test(a_refused_tunnel_is_an_ordinary_request),
        cmocka_unit_test(a_stripped_tunnel_has_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
