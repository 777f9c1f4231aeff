/* SPDX-License-Identifier: Apache-2.0 */
/* test_token.c - tokens have one form; passwords and permissions hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/auth/password.h"
#include "control/auth/permission.h"
#include "control/auth/token.h"

static void a_token_is_recognised_and_no_two_are_alike(void **state)
{
    struct token_secret a, b;
    uint8_t da[TOKEN_DIGEST_BYTES], db[TOKEN_DIGEST_BYTES], again[TOKEN_DIGEST_BYTES];
    (void)state;

    token_make(&a);
    token_make(&b);

    assert_int_equal(strlen(a.text), TOKEN_TEXT_BYTES);
    assert_true(strlen(a.text) >= 40);
    assert_memory_equal(a.text, "tl_", 3);
    assert_int_equal(token_digest(span_str(a.text), da), ERR_OK);
    assert_int_equal(token_digest(span_str(a.text), again), ERR_OK);
    assert_int_equal(token_digest(span_str(b.text), db), ERR_OK);
    assert_memory_equal(da, again, sizeof(da));
    assert_memory_not_equal(da, db, sizeof(da));
}

static void every_single_changed_character_is_noticed(void **state)
{
    struct token_secret token;
    uint8_t digest[TOKEN_DIGEST_BYTES];
    (void)state;
    token_make(&token);

    for (size_t i = 0; i < TOKEN_TEXT_BYTES; i++) {
        struct token_secret changed = token;
        changed.text[i] = changed.text[i] == 'A' ? 'B' : 'A';
        assert_int_equal(token_digest(span_str(changed.text), digest), ERR_UNAUTHENTICATED);
    }
}

static void other_texts_are_no_tokens(void **state)
{
    static const char *const texts[] = {"", "tl_", "tl_short",
                                        "0123456789012345678901234567890123456789012345678901",
                                        "tl_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"};
    struct token_secret token;
    uint8_t digest[TOKEN_DIGEST_BYTES];
    (void)state;
    token_make(&token);

    for (size_t i = 0; i < countof(texts); i++)
        assert_int_equal(token_digest(span_str(texts[i]), digest), ERR_UNAUTHENTICATED);
    assert_int_equal(token_digest(span_of(token.text, TOKEN_TEXT_BYTES - 1), digest),
                     ERR_UNAUTHENTICATED);
}

static void a_password_is_verified_and_another_is_not(void **state)
{
    char hash[PASSWORD_HASH_BYTES], other[PASSWORD_HASH_BYTES];
    (void)state;

    assert_int_equal(password_hash(SPAN("correct horse"), hash), ERR_OK);
    assert_int_equal(password_hash(SPAN("correct horse"), other), ERR_OK);

    assert_non_null(strstr(hash, "$argon2id$v=19$m=65536,t=3,p=1$"));
    assert_string_not_equal(hash, other);
    assert_int_equal(password_verify(hash, SPAN("correct horse")), ERR_OK);
    assert_int_equal(password_verify(hash, SPAN("correct horsf")), ERR_UNAUTHENTICATED);
    assert_int_equal(password_verify(hash, SPAN_EMPTY), ERR_UNAUTHENTICATED);
    assert_int_equal(password_verify("no hash", SPAN("correct horse")), ERR_UNAUTHENTICATED);
}

static void permissions_follow_the_table(void **state)
{
    enum role role = ROLE_NONE;
    (void)state;

    assert_int_equal(role_parse(SPAN("owner"), &role), ERR_OK);
    assert_int_equal(role, ROLE_OWNER);
    assert_int_equal(role_parse(SPAN("king"), &role), ERR_INVALID);
    for (unsigned i = 0; i < PERMISSION_COUNT; i++) {
        enum permission_object object = permission_row((enum permission)i)->object;
        assert_int_equal(permission_granted((enum permission)i, ROLE_NONE),
                         object < PERMISSION_OF_ACCOUNT);
        assert_true(permission_granted((enum permission)i, ROLE_OPERATOR));
    }
    assert_true(permission_granted(PERMISSION_SETTING_EDIT, ROLE_OWNER));
    assert_false(permission_granted(PERMISSION_ZONE_PLAN, ROLE_OWNER));
    assert_false(permission_granted(PERMISSION_ACCOUNT_CREATE, ROLE_OWNER));
    assert_string_equal(permission_row(PERMISSION_ZONE_READ)->slug, "#zone:read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_recognised_and_no_two_are_alike),
        cmocka_unit_test(every_single_changed_character_is_noticed),
        cmocka_unit_test(other_texts_are_no_tokens),
        cmocka_unit_test(a_password_is_verified_and_another_is_not),
        cmocka_unit_test(permissions_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
