/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_client_read.c - requests: in pieces, pipelined, malformed, cut.
 */
#include "tests/unit/dataplane/h1/client_rig.h"

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

static void refused_requests_are_answered_by_the_intake(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason, *answer;
    } rows[] = {
        {"GET / HTTP/1.1\nHost: a\n\n" GET, "head: ", "HTTP/1.1 400 "},
        {POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n" GET, "content-length: more than one",
         "HTTP/1.1 400 "},
        {"HEAD /# HTTP/1.0\r\nHost: a\r\n\r\n" GET, "target: byte 2", "HTTP/1.1 400 "},
        {POST "Expect: x\r\nContent-Length: 5\r\n\r\nhello" GET, "expect: ", "HTTP/1.1 417 "},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct rig rig;
        open_rig(&rig);
        rig.intake.refuse = refuse;
        struct span text = span_str(rows[i].text);
        fake_transport_give(&rig.transport, text, SIZE_MAX);
        assert_true(span_starts_with(rig.exchange->refusal.reason, span_str(rows[i].reason)));
        run(&rig);
        assert_int_equal(rig.begun_count, 1);
        assert_true(span_starts_with(buf_span(&rig.transport.out), span_str(rows[i].answer)));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_by_byte_is_the_same),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(reading_ahead_is_bounded),
        cmocka_unit_test(unparsable_requests_get_a_fixed_answer_and_the_end),
        cmocka_unit_test(refused_requests_are_answered_by_the_intake),
        cmocka_unit_test(a_broken_body_is_never_complete),
        cmocka_unit_test(a_visitor_that_leaves_mid_upload_is_gone),
        cmocka_unit_test(an_unwanted_body_that_has_arrived_keeps_the_connection),
        cmocka_unit_test(an_upload_stops_reading_while_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
