/* SPDX-License-Identifier: Apache-2.0 */
/* test_proxy_visitor.c - the rightmost address that is none of ours. */
#include "dataplane/proxy/proxy_visitor.h"

#include "tests/unit/common/base/dies.h"

static void assert_visitor(const char *first, const char *second, const char *wanted)
{
    struct arena arena;
    struct fields fields;
    struct address_ranges proxies = {0};
    assert_int_equal(address_ranges_add(&proxies, SPAN("10.0.0.0/8")), ERR_OK);
    assert_int_equal(address_ranges_add(&proxies, SPAN("fd00::/8")), ERR_OK);
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    assert_int_equal(fields_add(&fields, SPAN("accept"), SPAN("192.0.2.99")), ERR_OK);
    if (first)
        assert_int_equal(fields_add(&fields, SPAN("x-forwarded-for"), span_str(first)), ERR_OK);
    if (second)
        assert_int_equal(fields_add(&fields, SPAN("x-forwarded-for"), span_str(second)), ERR_OK);
    struct span got = proxy_visitor_address(&fields, &proxies, SPAN("10.0.0.1"), &arena);
    assert_span_bytes(got, span_str(wanted));
    arena_release(&arena);
}

static void the_rightmost_stranger_is_the_visitor(void **state)
{
    (void)state;
    assert_visitor("203.0.113.7", NULL, "203.0.113.7");
    assert_visitor("192.0.2.1, 203.0.113.7", NULL, "203.0.113.7");
    assert_visitor("192.0.2.1,203.0.113.7 , 10.9.9.9,fd00::1", NULL, "203.0.113.7");
    assert_visitor("192.0.2.1", "203.0.113.7", "203.0.113.7");
    assert_visitor("203.0.113.7", "10.0.0.2", "203.0.113.7");
    assert_visitor("2001:db8::7", NULL, "2001:db8::7");
}

static void ports_are_no_part_of_an_address(void **state)
{
    (void)state;
    assert_visitor("203.0.113.7:51000", NULL, "203.0.113.7");
    assert_visitor("[2001:DB8::7]:51000", NULL, "2001:db8::7");
    assert_visitor("[2001:db8::7]", NULL, "2001:db8::7");
}

static void without_a_stranger_it_is_the_farthest_of_ours(void **state)
{
    (void)state;
    assert_visitor(NULL, NULL, "10.0.0.1");
    assert_visitor("", NULL, "10.0.0.1");
    assert_visitor("10.0.0.3, 10.0.0.2", NULL, "10.0.0.3");
}

static void what_is_no_address_is_not_looked_behind(void **state)
{
    (void)state;
    assert_visitor("203.0.113.7, unknown", NULL, "10.0.0.1");
    assert_visitor("203.0.113.7, , 10.0.0.2", NULL, "10.0.0.2");
    assert_visitor("203.0.113.7, <script>, 10.0.0.2", NULL, "10.0.0.2");
}

static void assert_secure(const char *first, const char *second, bool secure, bool wanted)
{
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    if (first)
        assert_int_equal(fields_add(&fields, SPAN("x-forwarded-proto"), span_str(first)), ERR_OK);
    if (second)
        assert_int_equal(fields_add(&fields, SPAN("x-forwarded-proto"), span_str(second)), ERR_OK);
    assert_int_equal(proxy_visitor_secure(&fields, secure), wanted);
    arena_release(&arena);
}

static void the_last_one_to_say_how_the_visitor_came_is_the_trusted_proxy(void **state)
{
    (void)state;
    assert_secure("https", NULL, false, true);
    assert_secure("HTTPS ", NULL, false, true);
    assert_secure("http", NULL, true, false);
    assert_secure("https, http", NULL, false, false);
    assert_secure("https", "http", true, false);
    assert_secure("http", "https", false, true);
}

static void who_says_nothing_of_it_comes_as_he_comes_to_us(void **state)
{
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        assert_secure(NULL, NULL, secure, secure);
        assert_secure("", NULL, secure, secure);
        assert_secure("wss", NULL, secure, secure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_to_say_how_the_visitor_came_is_the_trusted_proxy),
        cmocka_unit_test(who_says_nothing_of_it_comes_as_he_comes_to_us),
        cmocka_unit_test(the_rightmost_stranger_is_the_visitor),
        cmocka_unit_test(ports_are_no_part_of_an_address),
        cmocka_unit_test(without_a_stranger_it_is_the_farthest_of_ours),
        cmocka_unit_test(what_is_no_address_is_not_looked_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
