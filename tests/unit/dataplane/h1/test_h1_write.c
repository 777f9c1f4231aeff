/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_write.c - every byte of what is written.
 */
#include "tests/unit/common/base/dies.h"

#include "dataplane/h1/h1_write.h"

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

static void add(struct head *head, const char *name, const char *value)
{
    assert_int_equal(fields_add(&head->fields, span_str(name), span_str(value)), ERR_OK);
}

static struct head request(void)
{
    struct head head;
    head_init(&head, &arena);
    head.method = SPAN("POST");
    head.path = SPAN("/p?q");
    head.authority = SPAN("a.example:8443");
    return head;
}

static void host_comes_first_and_cookies_are_one_line(void **state)
{
    (void)state;
    struct head head = request();
    add(&head, "accept", "*/*");
    add(&head, "cookie", "a=1");
    add(&head, "x", "");
    add(&head, "cookie", "b=2; c=3");
    assert_span(h1_write_request(&head, (struct h1_body){H1_BARE, HEAD_LENGTH_UNKNOWN}, &arena),
                "POST /p?q HTTP/1.1\r\nhost: a.example:8443\r\naccept: */*\r\n"
                "cookie: a=1; b=2; c=3\r\nx: \r\n\r\n");
}

static void framing_is_what_the_caller_says(void **state)
{
    (void)state;
    struct head head = request();
    head.content_length = 99; /* not what is written */
#define START "POST /p?q HTTP/1.1\r\nhost: a.example:8443\r\n"
    assert_span(h1_write_request(&head, (struct h1_body){H1_LENGTH, INT64_MAX}, &arena),
                START "content-length: 9223372036854775807\r\n\r\n");
    assert_span(h1_write_request(&head, (struct h1_body){H1_BARE, 0}, &arena),
                START "content-length: 0\r\n\r\n");
    assert_span(h1_write_request(&head, (struct h1_body){H1_CHUNKED, 5}, &arena),
                START "transfer-encoding: chunked\r\n\r\n");
    add(&head, "te", "trailers");
    assert_span(h1_write_request(&head, (struct h1_body){H1_BARE, HEAD_LENGTH_UNKNOWN}, &arena),
                START "te: trailers\r\nconnection: te\r\n\r\n");
}

static void answers_say_whether_the_connection_stays(void **state)
{
    (void)state;
    struct head head;
    head_init(&head, &arena);
    head.status = 522;
    add(&head, "date", "Thu, 01 Jan 1970 00:00:00 GMT");
    struct h1_body body = {H1_LENGTH, 5}, open = {H1_UNTIL_CLOSE, HEAD_LENGTH_UNKNOWN};
#define ANSWER "HTTP/1.1 522 Unknown\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    assert_span(h1_write_response(&head, body, H1_PERSIST_UNSAID, &arena),
                ANSWER "content-length: 5\r\n\r\n");
    assert_span(h1_write_response(&head, body, H1_PERSIST_KEEP_ALIVE, &arena),
                ANSWER "content-length: 5\r\nconnection: keep-alive\r\n\r\n");
    assert_span(h1_write_response(&head, open, H1_PERSIST_CLOSE, &arena),
                ANSWER "connection: close\r\n\r\n");
}

static void chunk_lines_are_hexadecimal(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *text;
    } rows[] = {{1, "1\r\n"},           {15, "f\r\n"},
                {16, "10\r\n"},         {0x1f4, "1f4\r\n"},
                {0xfffff, "fffff\r\n"}, {0, "0\r\n"},
                {65536, "10000\r\n"},   {SIZE_MAX, "ffffffffffffffff\r\n"}};
    for (size_t i = 0; i < countof(rows); i++) {
        char line[H1_CHUNK_LINE_BYTES];
        size_t len = h1_write_chunk_line(rows[i].len, line);
        assert_span_bytes(span_of(line, len), span_str(rows[i].text));
    }
}

static void the_last_chunk_carries_trailers(void **state)
{
    (void)state;
    struct fields fields;
    fields_init(&fields, &arena);
    assert_span(h1_write_last_chunk(NULL, &arena), "0\r\n\r\n");
    assert_span(h1_write_last_chunk(&fields, &arena), "0\r\n\r\n");
    assert_int_equal(fields_add(&fields, SPAN("grpc-status"), SPAN("0")), ERR_OK);
    assert_span(h1_write_last_chunk(&fields, &arena), "0\r\ngrpc-status: 0\r\n\r\n");
}

static void reasons_are_registered_phrases(void **state)
{
    (void)state;
    assert_string_equal(h1_reason(200), "OK");
    assert_string_equal(h1_reason(431), "Request Header Fields Too Large");
    assert_string_equal(h1_reason(599), "Unknown");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, release_arena)
    const struct CMUnitTest tests[] = {
        TEST(host_comes_first_and_cookies_are_one_line), TEST(framing_is_what_the_caller_says),
        TEST(answers_say_whether_the_connection_stays),  TEST(chunk_lines_are_hexadecimal),
        TEST(the_last_chunk_carries_trailers),           TEST(reasons_are_registered_phrases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
