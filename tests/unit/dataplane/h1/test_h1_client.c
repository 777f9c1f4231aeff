/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_client.c - the life of a visitor's connection.
 */
#include "tests/unit/dataplane/h1/client_rig.h"

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
    run(&rig);
    assert_int_equal(rig.closed_count, 0);
    assert_int_equal(rig.conn->timed, H1_TIMED_DRAIN);
    give(&rig, GET);
    answer(&rig, 200, "hi");
    assert_non_null(strstr(buf_cstr(&rig.transport.out), "connection: close\r\n"));
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
    expire(&rig, &rig.conn->read_deadline); /* no word at all */
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
    expire(&rig, &rig.conn->read_deadline); /* not long enough yet */
    assert_int_equal(rig.transport.out.len, 0);
    rig.conn->pace.since_ms -= LIMIT_CLIENT_GRACE_MS;
    expire(&rig, &rig.conn->read_deadline);
    assert_true(span_starts_with(buf_span(&rig.transport.out), SPAN("HTTP/1.1 408 ")));
    assert_string_equal(rig.origin.log, "HBA");
    close_rig(&rig);

    open_rig(&rig);
    give(&rig, GET);
    assert_false(deadline_armed(&rig.conn->read_deadline)); /* the origin's turn */
    answer(&rig, 200, "hi");
    assert_int_equal(rig.conn->timed, H1_TIMED_IDLE);
    expire(&rig, &rig.conn->read_deadline);
    assert_true(rig.transport.closed);
    close_rig(&rig);
}

static void a_body_that_keeps_up_may_take_as_long_as_it_needs(void **state)
{
    (void)state;
    struct rig rig;
    char part[1200];
    open_rig(&rig);
    memset(part, 'x', sizeof(part));
    part[sizeof(part) - 1] = '\0';
    give(&rig, POST "Content-Length: 9000\r\n\r\nab");
    for (int i = 0; i < 5; i++) {
        rig.conn->pace.since_ms -= LIMIT_CLIENT_GRACE_MS;
        give(&rig, part);
        expire(&rig, &rig.conn->read_deadline);
    }
    assert_int_equal(rig.transport.out.len, 0);
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
        cmocka_unit_test(a_visitor_may_close_its_half_and_wait),
        cmocka_unit_test(draining_answers_what_runs_and_closes),
        cmocka_unit_test(draining_waits_for_the_first_request_of_a_new_connection),
        cmocka_unit_test(every_silence_has_its_deadline),
        cmocka_unit_test(a_body_that_keeps_up_may_take_as_long_as_it_needs),
        cmocka_unit_test(a_visitor_that_leaves_while_nobody_answers_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
