/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_origin.c - the life of an origin's connection.
 */
#include "tests/unit/dataplane/h1/origin_rig.h"

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

static void a_byte_while_idle_closes(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    give(&rig, "H");
    assert_int_equal(rig.closed_count, 1);
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

static void half_a_head_is_no_answer_whichever_way_it_ends(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    run_get(&rig, "GET");
    give(&rig, OK "Content-Le");
    fake_transport_end(&rig.transport);
    run(&rig);
    assert_int_equal(rig.failed_err, ERR_ORIGIN_ANSWER);
    assert_int_equal(rig.closed_count, 1);
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

static void a_zone_s_own_read_timeout_is_waited_for_in_steps(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    run_get(&rig, "GET");
    struct h1_origin *origin = container_of(rig.conn, struct h1_origin, conn);
    origin->side.exchange->origin_terms.read_timeout_ms = 7000;
    h1_origin_expect(origin);
    uint64_t now_ms = loop_now_ms(&rig.loop);
    assert_int_equal(origin->deadline.at_ms - now_ms, 4096);
    deadline_disarm(&rig.loop, &origin->deadline);
    origin->deadline.expired(&origin->deadline);
    assert_true(deadline_armed(&origin->deadline));
    origin->due_at_ms = now_ms; /* the rest has passed */
    deadline_disarm(&rig.loop, &origin->deadline);
    origin->deadline.expired(&origin->deadline);
    run(&rig);
    assert_int_equal(rig.failed_err, ERR_ORIGIN_READ_TIMEOUT);
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
        cmocka_unit_test(a_byte_while_idle_closes),
        cmocka_unit_test(deaths_before_an_answer_say_whether_to_try_again),
        cmocka_unit_test(half_a_head_is_no_answer_whichever_way_it_ends),
        cmocka_unit_test(silence_is_a_read_timeout),
        cmocka_unit_test(a_zone_s_own_read_timeout_is_waited_for_in_steps),
        cmocka_unit_test(a_visitor_that_leaves_closes_the_connection),
        cmocka_unit_test(draining_waits_for_what_runs),
        cmocka_unit_test(connection_close_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
