/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_text.c - numbers, durations, times.
 */
#include "common/base/text.h"

#include <time.h>

#include "tests/unit/common/base/dies.h"

static void parses_digits_up_to_the_maximum(void **state)
{
    (void)state;
    uint64_t n = 0;
    assert_int_equal(text_parse_u64(SPAN("0"), 0, &n), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(text_parse_u64(SPAN("007"), 7, &n), ERR_OK);
    assert_int_equal(n, 7);
    assert_int_equal(text_parse_u64(SPAN("100"), 100, &n), ERR_OK);
    assert_int_equal(n, 100);
    assert_int_equal(text_parse_u64(SPAN("18446744073709551615"), UINT64_MAX, &n), ERR_OK);
    assert_true(n == UINT64_MAX);
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",     "-1",  "+1",  " 1",      "1 ",
                                        "0x10", "1.0", "1e3", "\xd9\xa1"};
    uint64_t n = 42;
    for (size_t i = 0; i < countof(wrong); i++)
        assert_int_equal(text_parse_u64(span_str(wrong[i]), UINT64_MAX, &n), ERR_INVALID);
    assert_int_equal(text_parse_u64(SPAN("1\0"), UINT64_MAX, &n), ERR_INVALID);
    assert_int_equal(n, 42);
}

static void refuses_numbers_past_the_maximum(void **state)
{
    (void)state;
    uint64_t n = 42;
    assert_int_equal(text_parse_u64(SPAN("101"), 100, &n), ERR_INVALID);
    assert_int_equal(text_parse_u64(SPAN("1"), 0, &n), ERR_INVALID);
    assert_int_equal(text_parse_u64(SPAN("5"), 4, &n), ERR_INVALID);
    assert_int_equal(text_parse_u64(SPAN("18446744073709551616"), UINT64_MAX, &n), ERR_INVALID);
    assert_int_equal(text_parse_u64(SPAN("99999999999999999999"), UINT64_MAX, &n), ERR_INVALID);
    assert_int_equal(n, 42);
}

static void durations_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {{"500ms", 500},  {"150s", 150000}, {"2m", 120000},
                {"1h", 3600000}, {"7", 7000},      {"0s", 0}};
    for (size_t i = 0; i < countof(rows); i++) {
        uint64_t ms = 1;
        assert_int_equal(text_parse_duration(span_str(rows[i].text), 3600000, &ms), ERR_OK);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void durations_refuse_other_texts(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",   "s",  "ms",   "-1s", "1 s",
                                        "1d", "1S", "1.5s", "1hm", "s1"};
    uint64_t ms = 42;
    for (size_t i = 0; i < countof(wrong); i++)
        assert_int_equal(text_parse_duration(span_str(wrong[i]), UINT64_MAX, &ms), ERR_INVALID);
    assert_int_equal(ms, 42);
}

static void durations_never_overflow(void **state)
{
    (void)state;
    uint64_t ms = 42;
    assert_int_equal(text_parse_duration(SPAN("18446744073709551615h"), UINT64_MAX, &ms),
                     ERR_INVALID);
    assert_int_equal(text_parse_duration(SPAN("5124095576031h"), UINT64_MAX, &ms), ERR_INVALID);
    assert_int_equal(text_parse_duration(SPAN("18446744073709551616ms"), UINT64_MAX, &ms),
                     ERR_INVALID);
    assert_int_equal(text_parse_duration(SPAN("61s"), 60000, &ms), ERR_INVALID);
    assert_int_equal(text_parse_duration(SPAN("60001ms"), 60000, &ms), ERR_INVALID);
    assert_int_equal(text_parse_duration(SPAN("2m"), 119999, &ms), ERR_INVALID);
    assert_int_equal(ms, 42);
    assert_int_equal(text_parse_duration(SPAN("60s"), 60000, &ms), ERR_OK);
    assert_int_equal(ms, 60000);
}

static void tchars_are_those_of_the_rfc(void **state)
{
    (void)state;
    static const char tchars[] = "!#$%&'*+-.^_`|~0123456789"
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (unsigned c = 0; c < 256; c++)
        assert_int_equal(text_is_tchar((uint8_t)c), c != 0 && strchr(tchars, (int)c) != NULL);
}

static void lower_changes_letters_only(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++)
        assert_int_equal(text_lower((uint8_t)c), c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static void formats_numbers(void **state)
{
    (void)state;
    char out[TEXT_U64_BYTES_MAX];
    assert_span(span_of(out, text_format_u64(0, out)), "0");
    assert_span(span_of(out, text_format_u64(1234567890, out)), "1234567890");
    assert_span(span_of(out, text_format_u64(UINT64_MAX, out)), "18446744073709551615");
}

static void formats_times_like_the_libc(void **state)
{
    (void)state;
    char mine[TEXT_TIME_BYTES], theirs[TEXT_TIME_BYTES];
    for (uint64_t s = 0; s < 7258118400; s += 86399 * 3) { /* until 2200 */
        time_t seconds = (time_t)s;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.000042Z", &tm);
        text_format_time(s * 1000000 + 42, mine);
        assert_string_equal(mine, theirs);
    }
}

static void formats_the_corners_of_the_calendar(void **state)
{
    (void)state;
    char out[TEXT_TIME_BYTES];
    text_format_time(0, out);
    assert_string_equal(out, "1970-01-01T00:00:00.000000Z");
    text_format_time(951782400000000, out);
    assert_string_equal(out, "2000-02-29T00:00:00.000000Z");
    text_format_time(4107542399999999, out);
    assert_string_equal(out, "2100-02-28T23:59:59.999999Z");
    text_format_time(4107542400000000, out);
    assert_string_equal(out, "2100-03-01T00:00:00.000000Z");
    text_format_time(UINT64_MAX, out);
    assert_string_equal(out, "9999-12-31T23:59:59.999999Z");
}

static void format_three_bytes(void *arg)
{
    char *out = arg;
    text_format(out, 3, "%s", "abc");
}

static void format_must_fit(void **state)
{
    (void)state;
    char out[4];
    assert_int_equal(text_format(out, sizeof(out), "%s", "abc"), 3);
    assert_string_equal(out, "abc");
    assert_true(dies(format_three_bytes, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_digits_up_to_the_maximum),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(refuses_numbers_past_the_maximum),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(durations_refuse_other_texts),
        cmocka_unit_test(durations_never_overflow),
        cmocka_unit_test(tchars_are_those_of_the_rfc),
        cmocka_unit_test(lower_changes_letters_only),
        cmocka_unit_test(formats_numbers),
        cmocka_unit_test(formats_times_like_the_libc),
        cmocka_unit_test(formats_the_corners_of_the_calendar),
        cmocka_unit_test(format_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
