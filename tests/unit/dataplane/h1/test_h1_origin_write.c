/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_origin_write.c - requests: framed, slow, left unwritten.
 */
#include "tests/unit/dataplane/h1/origin_rig.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_framed_by_what_is_known),
        cmocka_unit_test(an_early_answer_leaves_the_request_unwritten),
        cmocka_unit_test(a_slow_origin_stops_the_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
