/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_span.c - comparing, splitting and trimming.
 */
#include "common/base/span.h"

#include "tests/unit/common/base/dies.h"

static void equal_compares_length_and_bytes(void **state)
{
    (void)state;
    assert_true(span_equal(SPAN("abc"), SPAN("abc")));
    assert_false(span_equal(SPAN("abc"), SPAN("abd")));
    assert_false(span_equal(SPAN("abc"), SPAN("ab")));
    assert_true(span_equal(SPAN_EMPTY, SPAN("")));
    assert_true(span_equal(span_str(NULL), SPAN_EMPTY));
}

static void nocase_folds_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(span_equal_nocase(SPAN("Content-LENGTH"), SPAN("content-length")));
    assert_false(span_equal_nocase(SPAN("["), SPAN("{")));
    assert_false(span_equal_nocase(SPAN("@"), SPAN("`")));
    assert_false(span_equal_nocase(SPAN("\xc4"), SPAN("\xe4")));
    assert_false(span_equal_nocase(SPAN("ab"), SPAN("a")));
    assert_true(span_equal_nocase(SPAN_EMPTY, SPAN("")));
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(span_starts_with(SPAN("abc"), SPAN("ab")));
    assert_true(span_starts_with(SPAN("abc"), SPAN_EMPTY));
    assert_false(span_starts_with(SPAN("abc"), SPAN("bc")));
    assert_false(span_starts_with(SPAN("ab"), SPAN("abc")));
    assert_true(span_ends_with(SPAN("abc"), SPAN("bc")));
    assert_true(span_ends_with(SPAN_EMPTY, SPAN_EMPTY));
    assert_false(span_ends_with(SPAN("abc"), SPAN("ab")));
    assert_false(span_ends_with(SPAN("bc"), SPAN("abc")));
}

static void find_gives_the_first_place_or_the_length(void **state)
{
    (void)state;
    assert_int_equal(span_find(SPAN("a,b,c"), ','), 1);
    assert_int_equal(span_find(SPAN("abc"), ','), 3);
    assert_int_equal(span_find(SPAN_EMPTY, ','), 0);
    assert_int_equal(span_find(SPAN("a\0b"), 0), 1);
}

static void split_walks_over_all_parts(void **state)
{
    (void)state;
    struct span rest = SPAN("a,,bc,");

    assert_span(span_split(&rest, ','), "a");
    assert_span(span_split(&rest, ','), "");
    assert_span(span_split(&rest, ','), "bc");
    assert_int_equal(rest.len, 0);
    assert_span(span_split(&rest, ','), "");
}

static void split_without_separator_gives_everything(void **state)
{
    (void)state;
    struct span rest = SPAN("abc");
    assert_span(span_split(&rest, ','), "abc");
    assert_int_equal(rest.len, 0);

    rest = SPAN_EMPTY;
    assert_span(span_split(&rest, ','), "");
}

static void trim_drops_blanks_at_both_ends_only(void **state)
{
    (void)state;
    assert_span(span_trim(SPAN(" \t a b\t ")), "a b");
    assert_span(span_trim(SPAN("ab")), "ab");
    assert_span(span_trim(SPAN(" \t ")), "");
    assert_span(span_trim(SPAN("\r\na\n")), "\r\na\n");
    assert_span(span_trim(SPAN_EMPTY), "");
}

static void skip_and_first_cut(void **state)
{
    (void)state;
    assert_span(span_skip(SPAN("abc"), 1), "bc");
    assert_span(span_skip(SPAN("abc"), 3), "");
    assert_span(span_first(SPAN("abc"), 2), "ab");
    assert_span(span_skip(SPAN_EMPTY, 0), "");
}

static void skip_too_far(void *arg)
{
    (void)arg;
    (void)span_skip(SPAN("abc"), 4);
}

static void first_too_long(void *arg)
{
    (void)arg;
    (void)span_first(SPAN("abc"), 4);
}

static void cuts_outside_the_span_abort(void **state)
{
    (void)state;
    assert_true(dies(skip_too_far, NULL));
    assert_true(dies(first_too_long, NULL));
}

static void to_cstr_copies_what_fits(void **state)
{
    (void)state;
    char out[4];
    assert_true(span_to_cstr(SPAN("abc"), out, sizeof(out)));
    assert_string_equal(out, "abc");
    assert_true(span_to_cstr(SPAN_EMPTY, out, sizeof(out)));
    assert_string_equal(out, "");
}

static void to_cstr_refuses_long_text_and_nul(void **state)
{
    (void)state;
    char out[4] = "zzz";
    assert_false(span_to_cstr(SPAN("abcd"), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_false(span_to_cstr(SPAN("a\0b"), out, sizeof(out)));
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_compares_length_and_bytes),
        cmocka_unit_test(nocase_folds_ascii_letters_only),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(find_gives_the_first_place_or_the_length),
        cmocka_unit_test(split_walks_over_all_parts),
        cmocka_unit_test(split_without_separator_gives_everything),
        cmocka_unit_test(trim_drops_blanks_at_both_ends_only),
        cmocka_unit_test(skip_and_first_cut),
        cmocka_unit_test(cuts_outside_the_span_abort),
        cmocka_unit_test(to_cstr_copies_what_fits),
        cmocka_unit_test(to_cstr_refuses_long_text_and_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
