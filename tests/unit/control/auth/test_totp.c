/* SPDX-License-Identifier: Apache-2.0 */
/* test_totp.c - one-time passwords are those of RFC 6238, and each is good once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/auth/totp.h"

#define SECRET SPAN("12345678901234567890") /* RFC 6238, appendix B */

static void codes_are_those_of_the_rfc(void **state)
{
    static const struct {
        uint64_t at_s;
        const char *code;
    } rows[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    (void)state;
    for (size_t i = 0; i < countof(rows); i++) {
        char code[TOTP_CODE_DIGITS + 1];
        totp_code(SECRET, rows[i].at_s / 30, code);
        assert_string_equal(code, rows[i].code);
    }
}

static void a_code_is_good_in_three_steps_and_once(void **state)
{
    uint64_t step = 0;
    (void)state;
    assert_int_equal(totp_check(SECRET, SPAN("287082"), 59, 0, &step), ERR_OK);
    assert_int_equal(step, 1);
    assert_int_equal(totp_check(SECRET, SPAN("287082"), 89, 0, &step), ERR_OK);
    assert_int_equal(totp_check(SECRET, SPAN("287082"), 59, 1, &step), ERR_UNAUTHENTICATED);
    assert_int_equal(totp_check(SECRET, SPAN("287082"), 121, 0, &step), ERR_UNAUTHENTICATED);
    assert_int_equal(totp_check(SECRET, SPAN("287083"), 59, 0, &step), ERR_UNAUTHENTICATED);
    assert_int_equal(totp_check(SECRET, SPAN("28708"), 59, 0, &step), ERR_UNAUTHENTICATED);
}

static void secrets_are_base32(void **state)
{
    char text[TOTP_SECRET_TEXT_BYTES + 1], code[RECOVERY_CODE_BYTES + 1];
    (void)state;
    totp_text(SECRET, text);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    recovery_code_make(code);
    assert_int_equal(strlen(code), RECOVERY_CODE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_the_rfc),
        cmocka_unit_test(a_code_is_good_in_three_steps_and_once),
        cmocka_unit_test(secrets_are_base32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
