/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_digest.c - SHA-256 as FIPS 180-4 has it, and the chain.
 */
#include "common/model/digest.h"

#include "common/base/hex.h"

#include "tests/unit/common/model/cmocka_all.h"

static void assert_hex(struct digest digest, const char *expected)
{
    char text[2 * DIGEST_BYTES + 1];
    hex_encode(digest_span(&digest), text);
    assert_string_equal(text, expected);
}

static void digests_are_those_of_the_standard(void **state)
{
    (void)state;
    assert_hex(digest_of(SPAN("abc")),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hex(digest_of(SPAN_EMPTY),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_chain_depends_on_both_links_and_their_order(void **state)
{
    (void)state;
    struct digest a = digest_of(SPAN("a")), b = digest_of(SPAN("b"));
    struct digest ab = digest_chain(&a, &b), ba = digest_chain(&b, &a),
                  again = digest_chain(&a, &b);
    uint8_t both[2 * DIGEST_BYTES];
    memcpy(both, a.bytes, DIGEST_BYTES);
    memcpy(both + DIGEST_BYTES, b.bytes, DIGEST_BYTES);
    struct digest flat = digest_of(span_of(both, sizeof(both)));

    assert_true(digest_equal(&ab, &again));
    assert_true(digest_equal(&ab, &flat));
    assert_false(digest_equal(&ab, &ba));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(a_chain_depends_on_both_links_and_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
