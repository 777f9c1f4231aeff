/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_origin_read.c - answers: framed, in pieces, doubtful, broken, truncated.
 */
#include "tests/unit/dataplane/h1/origin_rig.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_arrive_byte_by_byte),
        cmocka_unit_test(answers_without_a_body_leave_the_connection_open),
        cmocka_unit_test(any_doubt_closes_after_the_answer),
        cmocka_unit_test(a_byte_before_the_request_is_nobodys_answer),
        cmocka_unit_test(garbage_is_a_bad_answer),
        cmocka_unit_test(too_many_interim_answers_are_a_bad_answer),
        cmocka_unit_test(truncated_bodies_abort_the_visitor),
        cmocka_unit_test(a_slow_visitor_stops_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
