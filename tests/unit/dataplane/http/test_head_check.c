/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_head_check.c - the rules as HTTP/2 meets them.  Their HTTP/1.1 tables are in h1/heads.h.
 */
#include "tests/unit/common/base/dies.h"

#include "dataplane/http/head.h"

struct line {
    const char *name, *value;
};

struct sent {
    const char *method, *scheme, *path, *authority;
    struct line lines[4];
    enum err err;
};

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, NULL);
    return 0;
}

static int release_arena(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct head head_of(const struct sent *sent)
{
    struct head head;
    head_init(&head, &arena);
    head.version = HTTP_2;
    head.method = span_str(sent->method);
    head.scheme = span_str(sent->scheme);
    head.path = span_str(sent->path);
    head.authority = span_str(sent->authority);
    for (size_t i = 0; i < countof(sent->lines) && sent->lines[i].name; i++)
        assert_int_equal(
            fields_add(&head.fields, span_str(sent->lines[i].name), span_str(sent->lines[i].value)),
            ERR_OK);
    return head;
}

static const struct sent rows[] = {
    {"GET", "https", "/", "a", {{NULL, NULL}}, ERR_OK},
    {"GET", "http", "/", "A.b:443", {{NULL, NULL}}, ERR_OK},
    {"OPTIONS", "https", "*", "a", {{NULL, NULL}}, ERR_OK},
    {"GET", "https", "/", "", {{"host", "a"}}, ERR_OK},
    {"GET", "https", "/", "a", {{"host", "A"}}, ERR_OK},
    {"GET", "https", "/", "a", {{"te", "trailers"}}, ERR_OK},
    {"POST", "https", "/", "a", {{"content-length", "0"}}, ERR_OK},
    {"GET", "https", "/", "", {{NULL, NULL}}, ERR_REQUEST_HOST},
    {"GET", "https", "/", "a", {{"host", "b"}}, ERR_REQUEST_HOST},
    {"GET", "https", "/", "a", {{"host", "a"}, {"host", "a"}}, ERR_REQUEST_HOST},
    {"GET", "https", "/", "u@a", {{NULL, NULL}}, ERR_REQUEST_HOST},
    {"GET", "https", "/", "a/b", {{NULL, NULL}}, ERR_REQUEST_HOST},
    {"GET", "ftp", "/", "a", {{NULL, NULL}}, ERR_REQUEST_TARGET},
    {"GET", "", "/", "a", {{NULL, NULL}}, ERR_REQUEST_TARGET},
    {"GET", "https", "", "a", {{NULL, NULL}}, ERR_REQUEST_TARGET},
    {"GET", "https", "*", "a", {{NULL, NULL}}, ERR_REQUEST_TARGET},
    {"GET", "https", "x", "a", {{NULL, NULL}}, ERR_REQUEST_TARGET},
    {"GET", "https", "/ HTTP/1.1\r\nx: y", "a", {{NULL, NULL}}, ERR_REQUEST_TARGET},
    {"G T", "https", "/", "a", {{NULL, NULL}}, ERR_REQUEST_SYNTAX},
    {"", "https", "/", "a", {{NULL, NULL}}, ERR_REQUEST_SYNTAX},
    {"GET / HTTP/1.1\r\nx:", "https", "/", "a", {{NULL, NULL}}, ERR_REQUEST_SYNTAX},
    {"CONNECT", "https", "/", "a", {{NULL, NULL}}, ERR_REQUEST_METHOD},
    {"TRACE", "https", "/", "a", {{NULL, NULL}}, ERR_REQUEST_METHOD},
    {"GET", "https", "/", "a", {{"X", "y"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"x\r\ny", "z"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{":x", "z"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"x", "y\r\nz: w"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"x", " y"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"connection", "close"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"x_custom", "y"}}, ERR_OK},
    {"GET", "https", "/", "a", {{"content_type", "y"}}, ERR_OK},
    {"GET", "https", "/", "a", {{"cf_connecting_ip", "y"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"x-forwarded_for", "y"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"content_length", "5"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"transfer_encoding", "chunked"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"transfer-encoding", "chunked"}}, ERR_REQUEST_FIELD},
    {"GET", "https", "/", "a", {{"upgrade", "h2c"}}, ERR_REQUEST_FIELD},
    {"POST",
     "https",
     "/",
     "a",
     {{"content-length", "1"}, {"content-length", "1"}},
     ERR_REQUEST_FRAMING},
    {"POST", "https", "/", "a", {{"content-length", "x"}}, ERR_REQUEST_FRAMING},
    {"POST", "https", "/", "a", {{"expect", "x"}}, ERR_REQUEST_EXPECT},
};

static void http2_heads_are_held_to_the_same_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(rows); i++) {
        struct head head = head_of(&rows[i]);
        enum err err = head_check_request(&head, NULL);
        if (err != rows[i].err)
            fail_msg("row %zu: %s, not %s", i, err_slug(err), err_slug(rows[i].err));
    }
}

static void a_length_without_a_body_is_refused(void **state)
{
    (void)state;
    const struct sent sent = {"POST", "https", "/", "a", {{"content-length", "5"}}, ERR_OK};
    struct head head = head_of(&sent);
    struct problem problem;
    head.bodyless = true; /* END_STREAM on the head */
    assert_int_equal(head_check_request(&head, &problem), ERR_REQUEST_FRAMING);
    assert_string_equal(problem.path, "content-length");
}

static void what_was_understood_is_not_left_in_the_fields(void **state)
{
    (void)state;
    const struct sent sent = {
        "POST",
        "https",
        "/",
        "A:80",
        {{"host", "a:80"}, {"content-length", "5"}, {"expect", "100-Continue"}, {"x", "y"}},
        ERR_OK};
    struct head head = head_of(&sent);
    assert_int_equal(head_check_request(&head, NULL), ERR_OK);
    assert_int_equal(head.fields.count, 1);
    assert_int_equal(head.fields.bytes, 2 + FIELD_OVERHEAD_BYTES);
    assert_true(head.expects_continue);
    assert_int_equal(head.content_length, 5);
    assert_span(head.authority, "a:80");
}

static struct head upgrade_of(const char *method, const char *connection, const char *protocol)
{
    const struct sent sent = {method,
                              "https",
                              "/",
                              "a",
                              {{"host", "a"},
                               {"connection", connection},
                               {"upgrade", protocol},
                               {"sec-websocket-key", "k"}},
                              ERR_OK};
    struct head head = head_of(&sent);
    head.version = HTTP_1_1;
    assert_int_equal(head_check_request(&head, NULL), ERR_OK);
    assert_null(fields_find(&head.fields, FIELD_UPGRADE));
    assert_null(fields_find(&head.fields, FIELD_CONNECTION));
    return head;
}

static void a_whole_handshake_asks_for_a_tunnel(void **state)
{
    (void)state;
    assert_true(upgrade_of("GET", "keep-alive, Upgrade", "WebSocket").tunnelled);
    assert_false(upgrade_of("POST", "Upgrade", "websocket").tunnelled);
    assert_false(upgrade_of("GET", "keep-alive", "websocket").tunnelled);
    assert_false(upgrade_of("GET", "Upgrade", "h2c").tunnelled);
}

static void connection_takes_nothing_away_that_says_where_a_request_has_been(void **state)
{
    (void)state;
    const struct sent sent = {"GET",
                              "https",
                              "/",
                              "a",
                              {{"connection", "cdn-loop, x-forwarded-for, x"},
                               {"cdn-loop", "b"},
                               {"x-forwarded-for", "c"},
                               {"x", "y"}},
                              ERR_OK};
    struct head head = head_of(&sent);
    head.version = HTTP_1_1;
    assert_int_equal(fields_add(&head.fields, SPAN("host"), SPAN("a")), ERR_OK);
    assert_int_equal(head_check_request(&head, NULL), ERR_OK);
    assert_non_null(fields_find(&head.fields, FIELD_CDN_LOOP));
    assert_non_null(fields_find(&head.fields, FIELD_X_FORWARDED_FOR));
    assert_int_equal(head.fields.count, 2);
}

static void an_extended_connect_becomes_a_get(void **state)
{
    (void)state;
    const struct sent sent = {"CONNECT", "https", "/", "a", {{NULL, NULL}}, ERR_OK};
    struct head head = head_of(&sent);
    head.protocol = SPAN("websocket");
    assert_int_equal(head_check_request(&head, NULL), ERR_OK);
    assert_true(head.tunnelled);
    assert_span(head.method, "GET");
    head = head_of(&sent);
    head.protocol = SPAN("connect-udp");
    assert_int_equal(head_check_request(&head, NULL), ERR_REQUEST_METHOD);
    const struct sent sized = {"CONNECT", "https", "/", "a", {{"content-length", "1"}}, ERR_OK};
    head = head_of(&sized);
    head.protocol = SPAN("websocket");
    assert_int_equal(head_check_request(&head, NULL), ERR_REQUEST_FRAMING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, release_arena)
    const struct CMUnitTest tests[] = {
        TEST(http2_heads_are_held_to_the_same_rules),
        TEST(a_length_without_a_body_is_refused),
        TEST(a_whole_handshake_asks_for_a_tunnel),
        TEST(connection_takes_nothing_away_that_says_where_a_request_has_been),
        TEST(an_extended_connect_becomes_a_get),
        TEST(what_was_understood_is_not_left_in_the_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
