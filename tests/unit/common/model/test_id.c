/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_id.c - identities are random, and read strictly.
 */
#include "common/model/id.h"

#include "tests/unit/common/model/cmocka_all.h"

static void new_ids_are_32_hex_digits_and_differ(void **state)
{
    (void)state;
    struct id a = id_new(), b = id_new(), parsed;

    assert_int_equal(strlen(a.text), 32);
    assert_int_equal(id_parse(id_span(&a), &parsed), ERR_OK);
    assert_true(id_equal(a, parsed));
    assert_false(id_equal(a, b));
}

static void parse_refuses_what_is_not_an_id(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789abcdef",
        "0123456789abcdef 123456789abcdef",
        "g123456789abcdef0123456789abcdef",
    };
    struct id empty = {.text = ""};
    for (size_t i = 0; i < countof(bad); i++) {
        struct id id;
        assert_int_equal(id_parse(span_str(bad[i]), &id), ERR_INVALID);
        assert_true(id_equal(id, empty));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ids_are_32_hex_digits_and_differ),
        cmocka_unit_test(parse_refuses_what_is_not_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
