/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_origin.c - equal origins, and only they, share a pool.
 */
#include "common/model/origin.h"

#include "tests/unit/common/model/cmocka_all.h"

static struct origin sample(void)
{
    struct origin origin = {.zone_id = {.text = "0123456789abcdef0123456789abcdef"},
                            .address = SPAN("8.8.8.8"),
                            .sni = SPAN("www.example.com"),
                            .port = 443,
                            .tls = ORIGIN_TLS_VERIFIED,
                            .policy = ORIGIN_PROTOCOL_AUTO};
    return origin;
}

static bool same_key(const struct origin *a, const struct origin *b)
{
    struct buf left, right;
    buf_init(&left, 4096);
    buf_init(&right, 4096);
    origin_encode_key(a, &left);
    origin_encode_key(b, &right);
    bool same = span_equal(buf_span(&left), buf_span(&right));
    buf_release(&left);
    buf_release(&right);
    return same;
}

static void equal_origins_have_equal_keys(void **state)
{
    (void)state;
    struct origin a = sample(), b = sample();
    char copy[] = "8.8.8.8";
    b.address = span_str(copy);
    assert_true(same_key(&a, &b));
}

static void each_field_changes_the_key(void **state)
{
    (void)state;
    struct origin a = sample(), others[7];
    for (size_t i = 0; i < countof(others); i++)
        others[i] = sample();
    others[0].zone_id.text[0] = 'f';
    others[1].address = SPAN("8.8.8.9");
    others[2].sni = SPAN("");
    others[3].port = 444;
    others[4].tls = ORIGIN_TLS_UNVERIFIED;
    others[5].policy = ORIGIN_PROTOCOL_H1;
    others[6].client_certificate.text[0] = 'f';
    for (size_t i = 0; i < countof(others); i++)
        assert_false(same_key(&a, &others[i]));
}

static void texts_that_run_together_stay_apart(void **state)
{
    (void)state;
    struct origin a = sample(), b = sample();
    a.address = SPAN("ab");
    a.sni = SPAN("c");
    b.address = SPAN("a");
    b.sni = SPAN("bc");
    assert_false(same_key(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_origins_have_equal_keys),
        cmocka_unit_test(each_field_changes_the_key),
        cmocka_unit_test(texts_that_run_together_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
