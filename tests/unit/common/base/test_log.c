/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_log.c - lines, levels, the LOG variable, what is cut.
 */
#include "common/base/log.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "tests/unit/common/base/dies.h"

/* Stderr is a pipe between capture_begin and capture_end. */
struct capture {
    int stderr_fd, read_fd;
    char text[20000];
    size_t len;
};

static void capture_begin(struct capture *capture)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    capture->stderr_fd = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    capture->read_fd = ends[0];
    capture->len = 0;
}

static void capture_end(struct capture *capture)
{
    dup2(capture->stderr_fd, STDERR_FILENO); /* closes the pipe's last write end */
    close(capture->stderr_fd);
    ssize_t got;
    while ((got = read(capture->read_fd, capture->text + capture->len,
                       sizeof(capture->text) - 1 - capture->len)) > 0)
        capture->len += (size_t)got;
    close(capture->read_fd);
    capture->text[capture->len] = '\0';
}

static void open_with(const char *component, const char *log)
{
    if (log)
        setenv("LOG", log, 1);
    else
        unsetenv("LOG");
    log_open(component);
}

static int stop_clock(void **state)
{
    (void)state;
    clock_test_set(0, 1795344067123456);
    return 0;
}

static int release_clock(void **state)
{
    (void)state;
    clock_test_release();
    return 0;
}

/* First of all tests: log_open was not called yet. */
static void logs_before_it_is_opened(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_info("early_event", F_U64("n", 1));
    log_debug("quiet_event", F_U64("n", 2));
    capture_end(&capture);
    assert_string_equal(capture.text, "{\"ts\":\"2026-11-22T10:41:07.123456Z\",\"level\":\"info\","
                                      "\"event\":\"early_event\",\"n\":1}\n");
}

static void a_line_has_its_fields_in_order(void **state)
{
    (void)state;
    struct capture capture;
    open_with("worker-0", NULL);
    capture_begin(&capture);
    log_warn("origin_connect_failed", F_STR("zone", "z\"1"), F_SPAN("host", SPAN("a\nb")),
             F_U64("big", UINT64_MAX), F_I64("low", INT64_MIN), F_I64("minus", -5),
             F_I64("plus", 7), F_BOOL("yes", true), F_BOOL("no", 0), F_ERR(ERR_ORIGIN_TLS));
    capture_end(&capture);
    assert_string_equal(capture.text,
                        "{\"ts\":\"2026-11-22T10:41:07.123456Z\",\"level\":\"warn\","
                        "\"component\":\"worker-0\",\"event\":\"origin_connect_failed\","
                        "\"zone\":\"z\\\"1\",\"host\":\"a\\nb\",\"big\":18446744073709551615,"
                        "\"low\":-9223372036854775808,\"minus\":-5,\"plus\":7,\"yes\":true,"
                        "\"no\":false,\"err\":\"origin_tls\"}\n");
}

static void strangers_bytes_cannot_make_a_second_line(void **state)
{
    (void)state;
    struct capture capture;
    open_with("control", NULL);
    capture_begin(&capture);
    log_error("odd_event", F_SPAN("text", SPAN("\n{\"level\":\"error\"}\xff\0\x1b[2J")));
    capture_end(&capture);

    assert_ptr_equal(strchr(capture.text, '\n'), capture.text + capture.len - 1);
    json_t *line = json_loads(capture.text, JSON_ALLOW_NUL, NULL);
    assert_non_null(line);
    json_decref(line);
}

static void null_text_is_empty_text(void **state)
{
    (void)state;
    struct capture capture;
    open_with("control", NULL);
    capture_begin(&capture);
    log_info("odd_event", F_STR("text", NULL));
    capture_end(&capture);
    assert_non_null(strstr(capture.text, "\"text\":\"\"}"));
}

static void long_text_is_cut(void **state)
{
    (void)state;
    struct capture capture;
    static char text[3000];
    memset(text, 'x', sizeof(text));
    open_with("control", NULL);
    capture_begin(&capture);
    log_info("long_event", F_SPAN("text", span_of(text, sizeof(text))), F_U64("after", 1));
    capture_end(&capture);

    assert_true(capture.len > 1024 && capture.len < 1200);
    assert_non_null(strstr(capture.text, "xxx...\",\"after\":1}\n"));
}

static void a_line_that_is_too_long_stays_valid_json(void **state)
{
    (void)state;
    struct capture capture;
    static char text[1024], controls[1024];
    memset(text, 'x', sizeof(text));
    memset(controls, 1, sizeof(controls)); /* six bytes each when escaped */
    struct span plain = span_of(text, sizeof(text)), wide = span_of(controls, sizeof(controls));
    open_with("control", NULL);

    capture_begin(&capture);
    log_info("long_event", F_SPAN("a", plain), F_SPAN("b", plain), F_SPAN("c", plain),
             F_SPAN("d", plain), F_U64("e", 1));
    log_info("wide_event", F_SPAN("a", wide), F_U64("b", 1));
    capture_end(&capture);

    char *second = strchr(capture.text, '\n') + 1;
    assert_true(second - capture.text <= 4096);
    assert_non_null(strstr(capture.text, "\"truncated\":true}\n{"));
    assert_non_null(strstr(second, "\"event\":\"wide_event\",\"truncated\":true}\n"));
    second[-1] = '\0';
    json_t *line = json_loads(capture.text, 0, NULL);
    assert_non_null(json_object_get(line, "c"));
    assert_null(json_object_get(line, "d"));
    json_decref(line);
}

static void assert_level(const char *component, const char *log, enum log_level level)
{
    open_with(component, log);
    assert_true(log_enabled(level));
    assert_true(level == LOG_DEBUG || !log_enabled((enum log_level)(level - 1)));
}

static void the_variable_sets_the_level(void **state)
{
    (void)state;
    assert_level("control", NULL, LOG_INFO);
    assert_level("control", "", LOG_INFO);
    assert_level("control", "debug", LOG_DEBUG);
    assert_level("control", "warn", LOG_WARN);
    assert_level("control", " error ", LOG_ERROR);
}

static void a_component_may_have_a_level_of_its_own(void **state)
{
    (void)state;
    assert_level("worker-0", "warn,worker-0:debug", LOG_DEBUG);
    assert_level("worker-0", "worker:debug,warn", LOG_DEBUG);
    assert_level("worker-0", "worker-1:debug,error", LOG_ERROR);
    assert_level("worker-0", "work:debug", LOG_INFO);
    assert_level("worker", "worker-0:debug", LOG_INFO);
    assert_level("control", " info , control:error ,", LOG_ERROR);
}

static void an_unknown_level_is_said_and_ignored(void **state)
{
    (void)state;
    static const char *const wrong[] = {"loud", "DEBUG", "control:loud", "control:", ":"};
    for (size_t i = 0; i < countof(wrong); i++) {
        struct capture capture;
        capture_begin(&capture);
        assert_level("control", wrong[i], LOG_INFO);
        capture_end(&capture);
        assert_non_null(strstr(capture.text, "\"event\":\"log_level_unknown\""));
    }
}

static struct log_field count_evaluation(int *count)
{
    ++*count;
    return F_U64("n", 1);
}

static void debug_fields_cost_nothing_when_off(void **state)
{
    (void)state;
    int count = 0;
    open_with("control", NULL);
    log_debug("quiet_event", count_evaluation(&count));
    assert_int_equal(count, 0);
}

static void levels_below_are_silent(void **state)
{
    (void)state;
    struct capture capture;
    open_with("control", "error");
    capture_begin(&capture);
    log_warn("quiet_event", F_U64("n", 1));
    log_error("loud_event", F_U64("n", 1));
    capture_end(&capture);
    assert_null(strstr(capture.text, "quiet_event"));
    assert_non_null(strstr(capture.text, "loud_event"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_before_it_is_opened),
        cmocka_unit_test(a_line_has_its_fields_in_order),
        cmocka_unit_test(strangers_bytes_cannot_make_a_second_line),
        cmocka_unit_test(null_text_is_empty_text),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(a_line_that_is_too_long_stays_valid_json),
        cmocka_unit_test(the_variable_sets_the_level),
        cmocka_unit_test(a_component_may_have_a_level_of_its_own),
        cmocka_unit_test(an_unknown_level_is_said_and_ignored),
        cmocka_unit_test(debug_fields_cost_nothing_when_off),
        cmocka_unit_test(levels_below_are_silent),
    };
    return cmocka_run_group_tests(tests, stop_clock, release_clock);
}
