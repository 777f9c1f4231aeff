/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_websocket.c - keys, and tunnels through both HTTP/1.1 connections.
 */
#include "dataplane/h1/h1_websocket.h"

#include "tests/unit/dataplane/h1/origin_rig.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define SWITCH "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define SWITCHED SWITCH "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define ASKED                                                         \
    "GET /p?q HTTP/1.1\r\nhost: a.example\r\nsec-websocket-key: " KEY \
    "\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"

/* RFC 6455 1.3 */
static void the_key_of_the_rfc_has_the_answer_of_the_rfc(void **state)
{
    (void)state;
    char answer[H1_WEBSOCKET_ACCEPT_BYTES];
    h1_websocket_answer_key(SPAN(KEY), answer);
    assert_memory_equal(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", sizeof(answer));
    h1_websocket_answer_key(SPAN_EMPTY, answer);
    assert_memory_not_equal(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", sizeof(answer));
}

static void a_key_longer_than_any_real_one_is_no_harm(void **state)
{
    (void)state;
    char answer[H1_WEBSOCKET_ACCEPT_BYTES], key[4096];
    memset(key, 'k', sizeof(key));
    h1_websocket_answer_key(span_of(key, sizeof(key)), answer);
    assert_int_equal(answer[sizeof(answer) - 1], '=');
}

static void made_keys_are_base64_and_differ(void **state)
{
    (void)state;
    char first[H1_WEBSOCKET_KEY_BYTES], second[H1_WEBSOCKET_KEY_BYTES];
    h1_websocket_make_key(first);
    h1_websocket_make_key(second);
    assert_memory_not_equal(first, second, sizeof(first));
    assert_memory_equal(first + sizeof(first) - 2, "==", 2);
}

static void ask(struct rig *rig, bool keyed)
{
    struct head *head = request(rig, "GET", UNKNOWN);
    head->tunnelled = true;
    if (keyed)
        assert_int_equal(fields_add(&head->fields, SPAN("sec-websocket-key"), SPAN(KEY)), ERR_OK);
    side_put_head(&rig->client.side, head);
    http_conn_run(rig->conn, rig->exchange);
    run(rig);
}

static void bytes_wait_for_the_101_and_flow_then(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    ask(&rig, true);
    fake_put(&rig.client, SPAN("early"));
    run(&rig);
    assert_out(&rig, ASKED);
    give(&rig, SWITCHED "behind");
    assert_int_equal(side_in_head(&rig.client.side)->status, 101);
    assert_true(side_in_head(&rig.client.side)->tunnelled);
    assert_out(&rig, "early");
    assert_span_bytes(buf_span(&rig.client.got), SPAN("behind"));
    assert_int_equal(rig.draining_count, 1);

    fake_end(&rig.client);
    run(&rig);
    assert_true(rig.transport.end_said && !fake_transport_gone(&rig.transport));
    give(&rig, " more");
    fake_transport_end(&rig.transport);
    run(&rig);
    assert_answer(&rig, 101, "behind more");
    assert_true(rig.transport.closed);
    close_rig(&rig);
}

static void the_origin_may_end_first(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    ask(&rig, true);
    give(&rig, SWITCHED);
    buf_clear(&rig.transport.out);
    fake_transport_end(&rig.transport);
    run(&rig);
    assert_true(side_in_ended(&rig.client.side));
    assert_false(fake_transport_gone(&rig.transport));
    fake_put(&rig.client, SPAN("last words"));
    fake_end(&rig.client);
    run(&rig);
    assert_out(&rig, "last words");
    assert_true(rig.transport.closed);
    assert_answer(&rig, 101, "");
    close_rig(&rig);
}

static void a_tunnel_that_is_cut_looks_cut(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    ask(&rig, true);
    give(&rig, SWITCHED);
    fake_transport_die(&rig.transport, ERR_IO);
    run(&rig);
    assert_string_equal(rig.client.log, "HA");
    close_rig(&rig);

    open_rig(&rig);
    ask(&rig, true);
    give(&rig, SWITCHED);
    side_fail(&rig.client.side, ERR_CLIENT_GONE);
    run(&rig);
    assert_true(rig.transport.aborted);
    close_rig(&rig);
}

static void a_101_that_was_not_asked_for_fails(void **state)
{
    (void)state;
    static const char *const answers[] = {
        SWITCH "\r\n",
        SWITCH "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    };
    for (size_t i = 0; i <= countof(answers); i++) {
        struct rig rig;
        open_rig(&rig);
        if (i < countof(answers))
            ask(&rig, true);
        else
            run_get(&rig, "GET");
        give(&rig, i < countof(answers) ? answers[i] : SWITCHED);
        assert_int_equal(rig.failed_count, 1);
        assert_int_equal(rig.failed_err, ERR_ORIGIN_ANSWER);
        close_rig(&rig);
    }
}

/* The rig's visitor speaks HTTP/2. */
static void an_http2_visitor_has_a_key_made_and_no_200(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    ask(&rig, false);
    assert_non_null(strstr(buf_cstr(&rig.transport.out), "\r\nsec-websocket-key: "));
    give(&rig, SWITCHED);
    assert_int_equal(rig.failed_err, ERR_ORIGIN_ANSWER);
    close_rig(&rig);

    open_rig(&rig);
    ask(&rig, false);
    give(&rig, OK "Content-Length: 0\r\n\r\n");
    assert_int_equal(rig.failed_err, ERR_ORIGIN_ANSWER);
    close_rig(&rig);

    open_rig(&rig);
    ask(&rig, false);
    give(&rig, "HTTP/1.1 403 x\r\nContent-Length: 2\r\n\r\nno");
    assert_int_equal(side_in_head(&rig.client.side)->status, 403);
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_of_the_rfc_has_the_answer_of_the_rfc),
        cmocka_unit_test(a_key_longer_than_any_real_one_is_no_harm),
        cmocka_unit_test(made_keys_are_base64_and_differ),
        cmocka_unit_test(bytes_wait_for_the_101_and_flow_then),
        cmocka_unit_test(the_origin_may_end_first),
        cmocka_unit_test(a_tunnel_that_is_cut_looks_cut),
        cmocka_unit_test(a_101_that_was_not_asked_for_fails),
        cmocka_unit_test(an_http2_visitor_has_a_key_made_and_no_200),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
