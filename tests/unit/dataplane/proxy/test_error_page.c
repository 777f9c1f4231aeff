/* SPDX-License-Identifier: Apache-2.0 */
/* test_error_page.c - pages for people, objects for programs, lines for the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/json.h"
#include "dataplane/proxy/access_line.h"
#include "dataplane/proxy/access_log.h"
#include "dataplane/proxy/error_page.h"

static struct buf body;

static int set_up(void **state)
{
    (void)state;
    buf_init(&body, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_release(&body);
    return 0;
}

static bool wants_json(const char *accept)
{
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    if (accept)
        assert_int_equal(fields_add(&fields, SPAN("accept"), span_str(accept)), ERR_OK);
    bool json = error_page_wants_json(&fields);
    arena_release(&arena);
    return json;
}

static void json_is_for_those_who_ask_for_it_and_not_for_html(void **state)
{
    (void)state;
    assert_true(wants_json("application/json"));
    assert_true(wants_json("text/plain, Application/JSON;q=0.5"));
    assert_false(wants_json("text/html, application/json"));
    assert_false(wants_json("*/*"));
    assert_false(wants_json("application/jsonp"));
    assert_false(wants_json(NULL));
}

static void every_error_has_a_page_in_both_forms(void **state)
{
    (void)state;
    for (enum err err = ERR_INVALID; err <= ERR_ORIGIN_QUEUE_TIMEOUT; err++) {
        struct error_page page = {.err = err, .ray = SPAN("abc-AMS"), .json = true};
        json_t *json;
        buf_clear(&body);
        error_page_write(&page, &body);
        assert_int_equal(json_parse(buf_span(&body), &json, NULL), ERR_OK);
        assert_int_equal(json_integer_value(json_object_get(json, "status")), err_edge_status(err));
        assert_string_equal(json_string_value(json_object_get(json, "error")), err_slug(err));
        assert_string_equal(json_string_value(json_object_get(json, "ray")), "abc-AMS");
        json_decref(json);

        page.json = false;
        buf_clear(&body);
        error_page_write(&page, &body);
        assert_non_null(strstr(buf_cstr(&body), err_slug(err)));
        assert_false(body.overflowed || body.len > ERROR_PAGE_BYTES_MAX);
    }
}

static void html_escapes_what_is_not_ours(void **state)
{
    (void)state;
    struct error_page page = {.err = ERR_HOST_UNKNOWN, .ray = SPAN("<b>&\"'")};
    error_page_write(&page, &body);
    assert_null(strstr(buf_cstr(&body), "<b>"));
    assert_non_null(strstr(buf_cstr(&body), "&#60;b&#62;&#38;&#34;&#39;"));
}

static struct access_line line(void)
{
    static struct access_clock clock;
    return (struct access_line){.clock = &clock,
                                .ended_at_us = 1000000,
                                .ray = SPAN("abc-AMS"),
                                .zone_id = SPAN("0123456789abcdef0123456789abcdef"),
                                .client = SPAN("203.0.113.7"),
                                .host = SPAN("www.example.com"),
                                .method = SPAN("GET"),
                                .path = SPAN("/x?q=\"\\\x01\xff"),
                                .status = 200,
                                .client_version = HTTP_2,
                                .connected = true,
                                .origin_version = HTTP_1_1,
                                .origin_address = "192.0.2.1",
                                .origin_connection_id = 7,
                                .origin_connection_reused = true,
                                .origin_status = 200,
                                .attempt_count = 2,
                                .request_bytes = 10,
                                .response_bytes = 20,
                                .took_us = 300,
                                .origin_head_us = 200,
                                .worker = 3};
}

static json_t *written(const struct access_line *l)
{
    json_t *json;
    buf_clear(&body);
    access_line_write(l, &body);
    assert_int_equal(body.ptr[body.len - 1], '\n');
    assert_int_equal(json_parse(buf_span(&body), &json, NULL), ERR_OK);
    return json;
}

static void assert_text(const json_t *json, const char *name, const char *value)
{
    assert_string_equal(json_string_value(json_object_get(json, name)), value);
}

static void an_access_line_is_json_with_every_field(void **state)
{
    (void)state;
    struct access_line l = line();
    json_t *json = written(&l);

    assert_int_equal(json_object_size(json), 21);
    assert_text(json, "ts", "1970-01-01T00:00:01.000000Z");
    assert_text(json, "ray", "abc-AMS");
    assert_text(json, "zone", "0123456789abcdef0123456789abcdef");
    assert_text(json, "path", "/x?q=\"\\\x01\xef\xbf\xbd");
    assert_text(json, "client_protocol", "h2");
    assert_text(json, "origin_protocol", "http/1.1");
    assert_text(json, "origin_address", "192.0.2.1");
    assert_true(json_is_true(json_object_get(json, "origin_connection_reused")));
    assert_int_equal(json_integer_value(json_object_get(json, "attempts")), 2);
    assert_true(json_is_null(json_object_get(json, "err")));
    assert_int_equal(json_integer_value(json_object_get(json, "worker")), 3);
    json_decref(json);

    l.ended_at_us = 1999999;
    json = written(&l);
    assert_text(json, "ts", "1970-01-01T00:00:01.999999Z");
    json_decref(json);
    l.ended_at_us = 62000007;
    json = written(&l);
    assert_text(json, "ts", "1970-01-01T00:01:02.000007Z");
    json_decref(json);
}

static void an_access_line_without_an_origin_says_null(void **state)
{
    (void)state;
    struct access_line l = line();
    l.connected = false;
    l.origin_status = 0;
    l.origin_head_us = 0;
    l.zone_id = SPAN_EMPTY;
    l.err = ERR_HOST_UNKNOWN;
    json_t *json = written(&l);

    assert_int_equal(json_object_size(json), 21);
    assert_true(json_is_null(json_object_get(json, "origin_protocol")));
    assert_true(json_is_null(json_object_get(json, "zone")));
    assert_true(json_is_null(json_object_get(json, "origin_status")));
    assert_true(json_is_null(json_object_get(json, "origin_head_us")));
    assert_text(json, "err", "host_unknown");
    json_decref(json);
}

/* ---- the log itself */

static size_t read_all(int fd, char *out, size_t out_bytes)
{
    ssize_t len = read(fd, out, out_bytes);
    assert_true(len >= 0);
    return (size_t)len;
}

static void lines_are_gathered_and_written_by_a_deadline(void **state)
{
    (void)state;
    struct loop loop;
    int fds[2];
    char text[256];
    assert_int_equal(loop_open(&loop), ERR_OK);
    assert_int_equal(pipe(fds), 0);
    struct access_log *log = access_log_open(&loop, fds[1], 5);
    assert_int_equal(access_log_worker(log), 5);

    access_log_write(log, SPAN("one\n"));
    access_log_write(log, SPAN("two\n"));
    loop_run(&loop); /* ends when the deadline has written and nothing is left */

    assert_int_equal(read_all(fds[0], text, sizeof(text)), 8);
    assert_memory_equal(text, "one\ntwo\n", 8);
    access_log_write(log, SPAN("three\n"));
    access_log_close(&log);
    assert_int_equal(read_all(fds[0], text, sizeof(text)), 6);
    loop_close(&loop);
    close(fds[0]);
    close(fds[1]);
}

static void a_full_disk_costs_lines_only(void **state)
{
    (void)state;
    struct loop loop;
    int fds[2];
    assert_int_equal(loop_open(&loop), ERR_OK);
    assert_int_equal(pipe(fds), 0);
    struct access_log *log = access_log_open(&loop, fds[0], 0); /* not for writing */
    access_log_write(log, SPAN("lost\n"));
    access_log_close(&log);
    loop_close(&loop);
    close(fds[0]);
    close(fds[1]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(json_is_for_those_who_ask_for_it_and_not_for_html),
        CASE(every_error_has_a_page_in_both_forms),
        CASE(html_escapes_what_is_not_ours),
        CASE(an_access_line_is_json_with_every_field),
        CASE(an_access_line_without_an_origin_says_null),
        CASE(lines_are_gathered_and_written_by_a_deadline),
        CASE(a_full_disk_costs_lines_only),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
