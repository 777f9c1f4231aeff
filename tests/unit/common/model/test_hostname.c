/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostname.c - one written form, and what is not a hostname.
 */
#include "common/model/hostname.h"

#include "tests/unit/common/model/cmocka_all.h"

static void names_are_written_in_one_form(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"example.com", "example.com"},
        {"EXAMPLE.Com", "example.com"},
        {"www.example.com.", "www.example.com"},
        {"localhost.", "localhost"},
        {"_acme-challenge.example.com", "_acme-challenge.example.com"},
        {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
        {"r3---sn.example", "r3---sn.example"},
        {"1.2.3.example", "1.2.3.example"},
        {"0xg", "0xg"},
        {"a1", "a1"},
    };
    for (size_t i = 0; i < countof(pairs); i++) {
        struct hostname name;
        assert_int_equal(hostname_parse(span_str(pairs[i][0]), HOSTNAME_EXACT, &name, NULL),
                         ERR_OK);
        assert_string_equal(name.text, pairs[i][1]);
        assert_int_equal(name.len, strlen(pairs[i][1]));
    }
}

static void bad_names_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"", "empty"},
        {".", "empty"},
        {"a..b", "empty label"},
        {".a", "empty label"},
        {"a..", "empty label"},
        {"-a.example", "hyphen"},
        {"a-.example", "hyphen"},
        {"xn--", "hyphen"},
        {"a b.example", "0x20"},
        {"a\tb.example", "0x09"},
        {"user@example.com", "'@'"},
        {"example.com:80", "':'"},
        {"example.com/path", "'/'"},
        {"[::1]", "'['"},
        {"fe80::1%eth0", "':'"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--"},
        {"example\xe3\x80\x82"
         "com",
         "xn--"},
        {"*.example.com", "star"},
        {"127.0.0.1", "address"},
        {"127.1", "address"},
        {"0x7f.1", "address"},
        {"0x7f000001", "address"},
        {"0177.0.0.1", "address"},
        {"2130706433", "address"},
        {"127.0.0.1.", "address"},
        {"a.0x", "address"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct hostname name;
        struct problem problem = {.code = ERR_OK};
        assert_int_equal(hostname_parse(span_str(bad[i].text), HOSTNAME_EXACT, &name, &problem),
                         ERR_INVALID);
        assert_int_equal(problem.code, ERR_INVALID);
        assert_non_null(strstr(problem.text, bad[i].reason));
        assert_int_equal(name.len, 0);
    }
    struct hostname name;
    assert_int_equal(hostname_parse(SPAN("a\0b"), HOSTNAME_EXACT, &name, NULL), ERR_INVALID);
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    char text[300];
    struct hostname name;
    memset(text, 'a', sizeof(text));

    assert_int_equal(hostname_parse(span_of(text, 63), HOSTNAME_EXACT, &name, NULL), ERR_OK);
    assert_int_equal(hostname_parse(span_of(text, 64), HOSTNAME_EXACT, &name, NULL), ERR_INVALID);
    for (size_t i = 63; i < sizeof(text); i += 64)
        text[i] = '.';
    assert_int_equal(hostname_parse(span_of(text, 253), HOSTNAME_EXACT, &name, NULL), ERR_OK);
    assert_int_equal(name.text[253], '\0');
    assert_int_equal(hostname_parse(span_of(text, 254), HOSTNAME_EXACT, &name, NULL), ERR_INVALID);
    text[253] = '.';
    assert_int_equal(hostname_parse(span_of(text, 254), HOSTNAME_EXACT, &name, NULL), ERR_OK);
}

static void a_wildcard_is_a_star_as_first_label(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "*", "*.", "**.example.com", "*a.example.com", "a.*.com", "*.*.example", "*.1"};
    struct hostname name;

    assert_int_equal(hostname_parse(SPAN("*.Example.com."), HOSTNAME_WILDCARD, &name, NULL),
                     ERR_OK);
    assert_string_equal(name.text, "*.example.com");
    assert_int_equal(hostname_parse(SPAN("example.com"), HOSTNAME_WILDCARD, &name, NULL), ERR_OK);
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(hostname_parse(span_str(bad[i]), HOSTNAME_WILDCARD, &name, NULL),
                         ERR_INVALID);
}

static void within_respects_labels(void **state)
{
    (void)state;
    assert_true(hostname_within(SPAN("example.com"), SPAN("example.com")));
    assert_true(hostname_within(SPAN("a.b.example.com"), SPAN("example.com")));
    assert_true(hostname_within(SPAN("*.example.com"), SPAN("example.com")));
    assert_false(hostname_within(SPAN("badexample.com"), SPAN("example.com")));
    assert_false(hostname_within(SPAN("example.com"), SPAN("www.example.com")));
    assert_false(hostname_within(SPAN("example.org"), SPAN("example.com")));
    assert_false(hostname_within(SPAN("example.com"), SPAN_EMPTY));
}

static void the_wildcard_of_a_name_replaces_one_label(void **state)
{
    (void)state;
    struct hostname out;
    assert_true(hostname_wildcard_of(SPAN("a.b.c"), &out));
    assert_string_equal(out.text, "*.b.c");
    assert_int_equal(out.len, 5);
    assert_true(hostname_wildcard_of(SPAN("long.c"), &out));
    assert_string_equal(out.text, "*.c");
    assert_false(hostname_wildcard_of(SPAN("c"), &out));
    assert_false(hostname_wildcard_of(SPAN(".c"), &out));
    assert_false(hostname_wildcard_of(SPAN("c."), &out));
    assert_false(hostname_wildcard_of(SPAN_EMPTY, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_written_in_one_form),
        cmocka_unit_test(bad_names_are_refused_with_a_reason),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(a_wildcard_is_a_star_as_first_label),
        cmocka_unit_test(within_respects_labels),
        cmocka_unit_test(the_wildcard_of_a_name_replaces_one_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
