/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_parse.c - what is refused and why, what is not, and that splits change nothing.
 */
#include "tests/unit/common/base/dies.h"

#include "common/base/buf.h"
#include "dataplane/h1/h1_parse.h"
#include "tests/unit/dataplane/h1/heads.h"

struct parsed {
    struct arena arena;
    struct head head;
    struct h1_message message;
    enum err err;
    size_t head_len;
};

/* Feeds what has come, in steps of `step` bytes; then parses. */
static void parse(struct parsed *p, enum h1_kind kind, struct span text, size_t step)
{
    struct h1_scan scan;
    size_t fed = 0;

    *p = (struct parsed){.err = ERR_MORE};
    arena_init(&p->arena, NULL);
    head_init(&p->head, &p->arena);
    p->head.scheme = SPAN("http");
    h1_scan_init(&scan, kind);
    while (p->err == ERR_MORE && fed < text.len) {
        fed = text.len - fed < step ? text.len : fed + step;
        p->err = h1_scan_feed(&scan, span_first(text, fed));
    }
    if (p->err != ERR_OK)
        return;
    p->head_len = scan.head_len;
    struct span raw = span_skip(span_first(text, scan.head_len), scan.start);
    if (kind == H1_REQUEST)
        p->err = h1_parse_request(raw, &p->head, &p->message, NULL);
    else
        p->err = h1_parse_response(raw, SPAN("GET"), &p->head, &p->message, NULL);
}

static void release(struct parsed *p)
{
    arena_release(&p->arena);
}

static const size_t steps[] = {SIZE_MAX, 1, 2, 7};

static void malformed_requests_are_refused(void **state)
{
    (void)state;
    assert_true(countof(bad_requests) >= 120);
    for (size_t i = 0; i < countof(bad_requests); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct parsed p;
            parse(&p, H1_REQUEST, bad_requests[i].text, steps[s]);
            if (p.err != bad_requests[i].err)
                fail_msg("row %zu, step %zu: %s, not %s: %.*s", i, steps[s], err_slug(p.err),
                         err_slug(bad_requests[i].err), SPAN_ARG(bad_requests[i].text));
            release(&p);
        }
    }
}

static void legitimate_requests_are_not(void **state)
{
    (void)state;
    assert_true(countof(good_requests) >= 40);
    for (size_t i = 0; i < countof(good_requests); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct parsed p;
            parse(&p, H1_REQUEST, good_requests[i], steps[s]);
            if (p.err != ERR_OK)
                fail_msg("row %zu, step %zu: %s: %.*s", i, steps[s], err_slug(p.err),
                         SPAN_ARG(good_requests[i]));
            assert_int_equal(p.head_len, good_requests[i].len);
            release(&p);
        }
    }
}

static void malformed_responses_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(bad_responses); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct parsed p;
            parse(&p, H1_RESPONSE, bad_responses[i], steps[s]);
            if (p.err != ERR_ORIGIN_ANSWER && p.err != ERR_REQUEST_SYNTAX)
                fail_msg("row %zu: %s", i, err_slug(p.err));
            release(&p);
        }
    }
}

static void legitimate_responses_are_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(good_responses); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct parsed p;
            parse(&p, H1_RESPONSE, good_responses[i], steps[s]);
            if (p.err != ERR_OK)
                fail_msg("row %zu: %s", i, err_slug(p.err));
            release(&p);
        }
    }
}

static void every_beginning_of_a_good_head_wants_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(good_requests); i++) {
        for (size_t len = 0; len < good_requests[i].len; len++) {
            struct h1_scan scan;
            h1_scan_init(&scan, H1_REQUEST);
            assert_int_equal(h1_scan_feed(&scan, span_first(good_requests[i], len)), ERR_MORE);
        }
    }
}

static void a_request_becomes_a_head(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, H1_REQUEST,
          SPAN("POST /a?b HTTP/1.1\r\nHOST: WWW.Example.com:8443\r\nX-Mixed: CaSe \r\n"
               "Content-Length: 12\r\nExpect: 100-continue\r\nTE: gzip, trailers\r\n"
               "Connection: te, close, x-hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nUpgrade: h2c\r\n"
               "Proxy-Connection: close\r\nCookie: a=1\r\n\r\nbody"),
          SIZE_MAX);

    assert_int_equal(p.err, ERR_OK);
    assert_span(p.head.method, "POST");
    assert_span(p.head.path, "/a?b");
    assert_span(p.head.authority, "www.example.com:8443");
    assert_int_equal(p.head.version, HTTP_1_1);
    assert_int_equal(p.head.content_length, 12);
    assert_true(p.head.expects_continue);
    assert_false(p.head.bodyless);
    assert_false(p.message.keep_alive);
    assert_false(p.message.chunked);
    assert_int_equal(p.head.fields.count, 3);
    assert_span(p.head.fields.items[0].name, "x-mixed");
    assert_span(p.head.fields.items[0].value, "CaSe");
    assert_span(p.head.fields.items[1].name, "te");
    assert_span(p.head.fields.items[1].value, "trailers");
    assert_span(p.head.fields.items[2].name, "cookie");
    release(&p);
}

static void framing_facts_come_beside_the_head(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, H1_REQUEST, SPAN(B "Transfer-Encoding: chunked\r\n\r\n"), SIZE_MAX);
    assert_true(p.message.chunked && p.message.keep_alive && !p.head.bodyless);
    assert_int_equal(p.head.fields.count, 0);
    release(&p);
    parse(&p, H1_REQUEST, SPAN("GET http://a?x HTTP/1.0\r\nHost: A\r\n\r\n"), SIZE_MAX);
    assert_true(!p.message.chunked && !p.message.keep_alive && p.head.bodyless);
    assert_span(p.head.path, "/?x");
    assert_span(p.head.authority, "a");
    release(&p);
    parse(&p, H1_REQUEST,
          SPAN("OPTIONS http://a HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"), SIZE_MAX);
    assert_span(p.head.path, "*");
    assert_true(p.message.keep_alive);
    release(&p);
    parse(&p, H1_RESPONSE, SPAN(R "X: y\r\n\r\n"), SIZE_MAX);
    assert_true(p.message.until_close && p.message.keep_alive);
    release(&p);
    parse(&p, H1_RESPONSE, SPAN("HTTP/1.1 204 x\r\nContent-Length: 7\r\n\r\n"), SIZE_MAX);
    assert_true(p.head.bodyless && !p.message.until_close);
    assert_int_equal(p.head.content_length, HEAD_LENGTH_UNKNOWN);
    release(&p);
    parse(&p, H1_RESPONSE, SPAN("HTTP/1.1 304 x\r\nContent-Length: 7\r\n\r\n"), SIZE_MAX);
    assert_true(p.head.bodyless);
    assert_int_equal(p.head.content_length, 7);
    release(&p);
}

static void fill(struct buf *text, const char *before, size_t len, const char *after)
{
    buf_clear(text);
    buf_append_str(text, before);
    for (size_t i = 0; i < len; i++)
        buf_append_byte(text, 'x');
    buf_append_str(text, after);
}

static enum err err_of(const struct buf *text, size_t step)
{
    struct parsed p;
    parse(&p, H1_REQUEST, buf_span(text), step);
    release(&p);
    return p.err;
}

static void long_targets_are_414(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t step = 5000; step < 200000; step += 97000) {
        fill(&text, "GET /", LIMIT_TARGET_BYTES - 1, " HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(err_of(&text, step), ERR_OK);
        fill(&text, "GET /", LIMIT_TARGET_BYTES, " HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(err_of(&text, step), ERR_REQUEST_TARGET_TOO_LONG);
        fill(&text, "GET /", 200000, "");
        assert_int_equal(err_of(&text, step), ERR_REQUEST_TARGET_TOO_LONG);
    }
    buf_release(&text);
}

static void large_heads_are_431(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t step = 5000; step < 200000; step += 97000) {
        fill(&text, GET "Host: a\r\nx: ", LIMIT_HEAD_BYTES - 100, "\r\n\r\n");
        assert_int_equal(err_of(&text, step), ERR_OK);
        fill(&text, GET "Host: a\r\nx: ", LIMIT_HEAD_BYTES - 40, "\r\n\r\n");
        assert_int_equal(err_of(&text, step), ERR_REQUEST_HEAD_TOO_LARGE);
        fill(&text, GET "Host: a\r\nx: ", 200000, "");
        assert_int_equal(err_of(&text, step), ERR_REQUEST_HEAD_TOO_LARGE);
        fill(&text, GET, 200000, "");
        assert_int_equal(err_of(&text, step), ERR_REQUEST_HEAD_TOO_LARGE);
    }
    buf_release(&text);
}

static void many_fields_are_431_but_crumbs_are_one(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int extra = 0; extra < 2; extra++) {
        buf_clear(&text);
        buf_append_str(&text, GET "Host: a\r\n");
        for (int i = 0; i < LIMIT_FIELDS - 2 + extra; i++)
            buf_append_str(&text, "x: y\r\n");
        for (int i = 0; i < 500; i++)
            buf_append_str(&text, "cookie: a=b\r\n");
        buf_append_str(&text, "\r\n");
        assert_int_equal(err_of(&text, SIZE_MAX), extra ? ERR_REQUEST_HEAD_TOO_LARGE : ERR_OK);
    }
    buf_release(&text);
}

static void a_connection_field_names_only_so_many(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int extra = 0; extra < 2; extra++) {
        buf_clear(&text);
        buf_append_str(&text, GET "Host: a\r\nConnection: close");
        for (int i = 1; i < LIMIT_CONNECTION_NAMES + extra; i++)
            buf_append_str(&text, ",x");
        buf_append_str(&text, "\r\n\r\n");
        assert_int_equal(err_of(&text, SIZE_MAX), extra ? ERR_REQUEST_FIELD : ERR_OK);
    }
    buf_release(&text);
}

static enum err trailers_err(struct span raw, uint32_t *count)
{
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    enum err err = h1_parse_trailers(raw, &fields, NULL);
    *count = fields.count;
    arena_release(&arena);
    return err;
}

static void trailers_pass_but_for_those_that_steer(void **state)
{
    (void)state;
    uint32_t count;
    assert_int_equal(trailers_err(SPAN("Grpc-Status: 0\r\nX: y\r\n"), &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(trailers_err(SPAN_EMPTY, &count), ERR_OK);
    static const char *const bad[] = {"Content-Length: 1\r\n", "transfer-encoding: chunked\r\n",
                                      "Host: a\r\n",           "Authorization: x\r\n",
                                      "Cookie: a\r\n",         "Set-Cookie: a\r\n",
                                      "Connection: close\r\n", "CF-Ray: 1\r\n",
                                      "Content-Type: a\r\n",   "TE: trailers\r\n"};
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(trailers_err(span_str(bad[i]), &count), ERR_REQUEST_FIELD);
    assert_int_equal(trailers_err(SPAN("x : y\r\n"), &count), ERR_REQUEST_FIELD);
    assert_int_equal(trailers_err(SPAN("x\r\n"), &count), ERR_REQUEST_SYNTAX);
    assert_int_equal(trailers_err(SPAN("x: y\n"), &count), ERR_REQUEST_SYNTAX);
    assert_int_equal(trailers_err(SPAN("x: y"), &count), ERR_REQUEST_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(legitimate_requests_are_not),
        cmocka_unit_test(malformed_responses_are_refused),
        cmocka_unit_test(legitimate_responses_are_not),
        cmocka_unit_test(every_beginning_of_a_good_head_wants_more),
        cmocka_unit_test(a_request_becomes_a_head),
        cmocka_unit_test(framing_facts_come_beside_the_head),
        cmocka_unit_test(long_targets_are_414),
        cmocka_unit_test(large_heads_are_431),
        cmocka_unit_test(many_fields_are_431_but_crumbs_are_one),
        cmocka_unit_test(a_connection_field_names_only_so_many),
        cmocka_unit_test(trailers_pass_but_for_those_that_steer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
