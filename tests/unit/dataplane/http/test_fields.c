/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fields.c - known names, limits, lists, and what a name and a value may contain.
 */
#include "tests/unit/common/base/dies.h"

#include "dataplane/http/fields.h"

static void every_name_of_the_table_is_known(void **state)
{
    (void)state;
    for (enum field_id id = FIELD_OTHER + 1; id < FIELD_ID_COUNT; id++) {
        struct span text = field_text(id);
        if (field_id_of(text) != id)
            fail_msg("%.*s", SPAN_ARG(text));
        assert_true(field_name_valid(text));
        uint8_t other[64];
        memcpy(other, text.ptr, text.len);
        other[text.len - 1] ^= 1;
        assert_int_equal(field_id_of(span_of(other, text.len)), FIELD_OTHER);
        assert_int_equal(field_id_of(span_first(text, text.len - 1)), FIELD_OTHER);
    }
    assert_int_equal(field_id_of(SPAN("Host")), FIELD_OTHER);
    assert_int_equal(field_id_of(SPAN_EMPTY), FIELD_OTHER);
    assert_int_equal(field_flags(FIELD_OTHER), 0);
    assert_int_equal(field_flags(FIELD_CONNECTION), FIELD_HOP | FIELD_NOTRAIL);
}

static void fields_stay_in_order_and_are_found(void **state)
{
    (void)state;
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(fields_add(&fields, SPAN("set-cookie"), SPAN("a")), ERR_OK);
        assert_int_equal(fields_add(&fields, SPAN("x"), SPAN("b")), ERR_OK);
    }
    assert_int_equal(fields.count, 60);
    assert_int_equal(fields.bytes, 30 * (11 + 2) + 60 * FIELD_OVERHEAD_BYTES);
    assert_int_equal(fields_count(&fields, FIELD_SET_COOKIE), 30);
    assert_ptr_equal(fields_find(&fields, FIELD_SET_COOKIE), &fields.items[0]);
    assert_null(fields_find(&fields, FIELD_DATE));
    assert_span(fields.items[59].name, "x");
    arena_release(&arena);
}

static void lists_are_searched_over_all_lines(void **state)
{
    (void)state;
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    assert_int_equal(fields_add(&fields, SPAN("connection"), SPAN("te, keep-alive")), ERR_OK);
    assert_int_equal(fields_add(&fields, SPAN("te"), SPAN("close")), ERR_OK);
    assert_false(fields_list_has(&fields, FIELD_CONNECTION, SPAN("close")));
    assert_int_equal(fields_add(&fields, SPAN("connection"), SPAN(",, CLOSE ,x")), ERR_OK);
    assert_true(fields_list_has(&fields, FIELD_CONNECTION, SPAN("close")));
    assert_true(fields_list_has(&fields, FIELD_CONNECTION, SPAN("keep-alive")));
    assert_false(fields_list_has(&fields, FIELD_CONNECTION, SPAN("clos")));
    arena_release(&arena);
}

static void names_are_tokens_in_lower_case(void **state)
{
    (void)state;
    assert_true(field_name_valid(SPAN("!#$%&'*+-.^_`|~0az9")));
    static const char bad[] = " \t\"(),/:;<=>?@[\\]{}AZ\x7f\x80\xff\x01\r\n";
    for (size_t i = 0; i < sizeof(bad); i++) { /* the NUL as well */
        const char name[] = {'x', bad[i]};
        assert_false(field_name_valid(span_of(name, 2)));
    }
    assert_false(field_name_valid(SPAN_EMPTY));
}

static void values_have_no_controls_anywhere(void **state)
{
    (void)state;
    uint8_t value[40];
    for (size_t len = 1; len <= sizeof(value); len++) {
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                memset(value, 'x', len);
                value[at] = (uint8_t)c;
                bool blank = c == ' ' || c == '\t';
                bool expected = blank ? at > 0 && at + 1 < len : c > 0x20 && c != 0x7f;
                if (field_value_valid(span_of(value, len)) != expected)
                    fail_msg("byte %d at %zu of %zu", c, at, len);
            }
        }
    }
    assert_true(field_value_valid(SPAN_EMPTY));
    assert_true(field_value_valid(SPAN("a\t\t\t\t\t\t\t\tb")));
    assert_false(field_value_valid(SPAN("a\t\t\t\t\t\t\t\t\x01")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_of_the_table_is_known),
        cmocka_unit_test(fields_stay_in_order_and_are_found),
        cmocka_unit_test(lists_are_searched_over_all_lines),
        cmocka_unit_test(names_are_tokens_in_lower_case),
        cmocka_unit_test(values_have_no_controls_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
