/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_buf.c - growing, the ceiling, JSON escapes.
 */
#include "common/base/buf.h"

#include "tests/unit/common/base/dies.h"

static void takes_no_memory_before_the_first_append(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_null(b.ptr);
    buf_append(&b, SPAN_EMPTY);
    assert_null(b.ptr);
    assert_int_equal(buf_room(&b), 100);
    buf_release(&b);
}

static void appends_grow(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100000);

    for (int i = 0; i < 20000; i++)
        buf_append(&b, SPAN("abcde"));

    assert_int_equal(b.len, 100000);
    assert_false(b.overflowed);
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(b.ptr[i], "abcde"[i % 5]);
    buf_release(&b);
    assert_null(b.ptr);
}

static void kinds_of_appends(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);

    buf_append_str(&b, "n=");
    buf_append_u64(&b, 120);
    buf_append_byte(&b, ';');
    buf_appendf(&b, "%s-%03d", "x", 7);

    assert_string_equal(buf_cstr(&b), "n=120;x-007");
    assert_int_equal(b.len, 11);
    buf_release(&b);
}

static void the_ceiling_is_exact(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);

    buf_append_str(&b, "abcde");
    assert_false(b.overflowed);
    assert_string_equal(buf_cstr(&b), "abcde");
    assert_int_equal(buf_room(&b), 0);

    buf_append_byte(&b, 'f');
    assert_true(b.overflowed);
    assert_string_equal(buf_cstr(&b), "abcde");
    buf_release(&b);
}

static void overflow_appends_nothing_and_sticks(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    buf_append_str(&b, "abc");

    buf_appendf(&b, "%s", "123456");
    assert_true(b.overflowed);
    buf_append_byte(&b, 'x'); /* would fit, and would leave a hole */
    buf_append_u64(&b, 1);
    assert_span(buf_span(&b), "abc");

    buf_clear(&b);
    assert_false(b.overflowed);
    buf_append_str(&b, "12345678");
    assert_span(buf_span(&b), "12345678");
    assert_false(b.overflowed);
    buf_release(&b);
}

static void zero_ceiling_holds_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    assert_string_equal(buf_cstr(&b), "");
    buf_append_byte(&b, 'a');
    assert_true(b.overflowed);
    buf_release(&b);
}

static void reserve_lends_and_added_counts(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);

    uint8_t *place = buf_reserve(&b, 10);
    assert_non_null(place);
    memcpy(place, "abcdef", 6);
    buf_added(&b, 6);
    assert_span(buf_span(&b), "abcdef");

    assert_null(buf_reserve(&b, 5));
    assert_false(b.overflowed);
    assert_non_null(buf_reserve(&b, 4));
    buf_release(&b);
}

static void add_too_much(void *arg)
{
    struct buf *b = arg;
    buf_added(b, 1000);
}

static void consume_too_much(void *arg)
{
    struct buf *b = arg;
    buf_consume(b, 4);
}

static void more_than_there_is_aborts(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    buf_append_str(&b, "abc");
    assert_true(dies(add_too_much, &b));
    assert_true(dies(consume_too_much, &b));
    buf_release(&b);
}

static void consume_moves_the_rest_to_the_front(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 6);
    buf_append_str(&b, "abcdef");

    buf_consume(&b, 2);
    assert_span(buf_span(&b), "cdef");
    assert_int_equal(buf_room(&b), 2);
    buf_consume(&b, 0);
    buf_consume(&b, 4);
    assert_int_equal(b.len, 0);
    buf_release(&b);
}

static void shrink_gives_memory_back_and_keeps_the_ceiling(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 6);
    buf_append_str(&b, "abcdef");

    buf_shrink(&b);
    assert_null(b.ptr);
    assert_int_equal(buf_room(&b), 6);
    buf_append_str(&b, "xyz");
    assert_span(buf_span(&b), "xyz");
    buf_release(&b);
}

static void assert_json(struct span text, const char *expected)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_append_json(&b, text);
    assert_string_equal(buf_cstr(&b), expected);
    buf_release(&b);
}

static void json_escapes_quotes_and_controls(void **state)
{
    (void)state;
    assert_json(SPAN(""), "");
    assert_json(SPAN("plain / text"), "plain / text");
    assert_json(SPAN("\"a\\b\""), "\\\"a\\\\b\\\"");
    assert_json(SPAN("\b\f\n\r\t"), "\\b\\f\\n\\r\\t");
    assert_json(SPAN("a\0b\x1f\x7f"), "a\\u0000b\\u001f\x7f");
}

static void json_keeps_utf8(void **state)
{
    (void)state;
    assert_json(SPAN("gr\xc3\xbc\xc3\x9f"
                     "e"),
                "gr\xc3\xbc\xc3\x9f"
                "e");
    assert_json(SPAN("\xe2\x82\xac \xf0\x9f\x98\x80"), "\xe2\x82\xac \xf0\x9f\x98\x80");
    assert_json(SPAN("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"),
                "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

#define FFFD "\xef\xbf\xbd"

static void json_replaces_what_is_not_utf8(void **state)
{
    (void)state;
    assert_json(SPAN("a\xff"
                     "b"),
                "a" FFFD "b");
    assert_json(SPAN("\x80"), FFFD);
    assert_json(SPAN("\xc3"), FFFD);                            /* cut off */
    assert_json(SPAN("\xe2\x82"), FFFD FFFD);                   /* cut off */
    assert_json(SPAN("\xc3\""), FFFD "\\\"");                   /* swallows no quote */
    assert_json(SPAN("\xc0\xaf"), FFFD FFFD);                   /* overlong */
    assert_json(SPAN("\xe0\x80\xaf"), FFFD FFFD FFFD);          /* overlong */
    assert_json(SPAN("\xf0\x80\x80\xaf"), FFFD FFFD FFFD FFFD); /* overlong */
    assert_json(SPAN("\xed\xa0\x80"), FFFD FFFD FFFD);          /* surrogate */
    assert_json(SPAN("\xf4\x90\x80\x80"), FFFD FFFD FFFD FFFD); /* past U+10FFFF */
    assert_json(SPAN("\xf8\x88\x80\x80\x80"), FFFD FFFD FFFD FFFD FFFD);
}

static void json_keeps_to_the_ceiling(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 3);
    buf_append_json(&b, SPAN("ab\"c"));
    assert_true(b.overflowed);
    assert_span(buf_span(&b), "ab");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_no_memory_before_the_first_append),
        cmocka_unit_test(appends_grow),
        cmocka_unit_test(kinds_of_appends),
        cmocka_unit_test(the_ceiling_is_exact),
        cmocka_unit_test(overflow_appends_nothing_and_sticks),
        cmocka_unit_test(zero_ceiling_holds_nothing),
        cmocka_unit_test(reserve_lends_and_added_counts),
        cmocka_unit_test(more_than_there_is_aborts),
        cmocka_unit_test(consume_moves_the_rest_to_the_front),
        cmocka_unit_test(shrink_gives_memory_back_and_keeps_the_ceiling),
        cmocka_unit_test(json_escapes_quotes_and_controls),
        cmocka_unit_test(json_keeps_utf8),
        cmocka_unit_test(json_replaces_what_is_not_utf8),
        cmocka_unit_test(json_keeps_to_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
