/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hex.c - both ways, and what is refused.
 */
#include "common/base/hex.h"

#include "tests/unit/common/base/dies.h"

static void encodes_lowercase(void **state)
{
    (void)state;
    char out[9];
    hex_encode(SPAN("\x00\x9f\xfa\x10"), out);
    assert_string_equal(out, "009ffa10");
    hex_encode(SPAN_EMPTY, out);
    assert_string_equal(out, "");
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[513];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    hex_encode(span_of(bytes, sizeof(bytes)), text);
    assert_int_equal(hex_decode(span_str(text), back, sizeof(back)), ERR_OK);
    assert_memory_equal(bytes, back, sizeof(bytes));
    assert_int_equal(hex_decode(SPAN_EMPTY, back, 0), ERR_OK);
}

static void decode_refuses_other_lengths(void **state)
{
    (void)state;
    uint8_t out[4];
    assert_int_equal(hex_decode(SPAN("aabb"), out, 1), ERR_INVALID);
    assert_int_equal(hex_decode(SPAN("aabb"), out, 3), ERR_INVALID);
    assert_int_equal(hex_decode(SPAN("aab"), out, 1), ERR_INVALID);
    assert_int_equal(hex_decode(SPAN_EMPTY, out, 1), ERR_INVALID);
}

static void decode_refuses_other_characters(void **state)
{
    (void)state;
    static const char *const wrong[] = {"AA", "0x", "g0", "0g", " 0", "0 ", "-1", "/0", ":0", "`0"};
    uint8_t out[1];
    for (size_t i = 0; i < countof(wrong); i++)
        assert_int_equal(hex_decode(span_str(wrong[i]), out, 1), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_lowercase),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(decode_refuses_other_lengths),
        cmocka_unit_test(decode_refuses_other_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
