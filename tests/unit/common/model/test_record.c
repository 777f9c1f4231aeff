/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_record.c - content by type: the canonical form, and what is refused.
 */
#include "common/model/record.h"

#include "tests/unit/common/model/cmocka_all.h"

static const struct address_policy nothing_allowed = {.port_count = 0};

static enum err check(enum record_type type, bool proxied, const char *text, char *out,
                      struct problem *problem)
{
    const struct record_content content = {type, proxied, span_str(text)};
    return record_check_content(&content, &nothing_allowed, out, RECORD_CONTENT_BYTES_MAX + 1,
                                problem);
}

static void types_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"A", "AAAA", "CNAME", "TXT", "MX", "NS", "CAA", "SRV"};
    for (size_t i = 0; i < countof(names); i++) {
        enum record_type type;
        assert_int_equal(record_type_parse(span_str(names[i]), &type), ERR_OK);
        assert_string_equal(record_type_name(type), names[i]);
        assert_int_equal(record_type_proxiable(type), i < 3);
    }
    enum record_type type;
    assert_int_equal(record_type_parse(SPAN("a"), &type), ERR_INVALID);
    assert_int_equal(record_type_parse(SPAN("SOA"), &type), ERR_INVALID);
}

static void good_content_is_written_in_one_form(void **state)
{
    (void)state;
    static const struct {
        enum record_type type;
        const char *text, *canonical;
    } good[] = {
        {RECORD_A, "10.0.0.1", "10.0.0.1"},
        {RECORD_AAAA, "2001:DB8:0:0::1", "2001:db8::1"},
        {RECORD_CNAME, "Origin.Example.NET.", "origin.example.net"},
        {RECORD_CNAME, "localhost", "localhost"},
        {RECORD_NS, "ns1.example.net", "ns1.example.net"},
        {RECORD_MX, "Mail.example.net.", "mail.example.net"},
        {RECORD_TXT, "v=spf1 -all \"x\"", "v=spf1 -all \"x\""},
        {RECORD_CAA, "0  issue letsencrypt.org", "0 issue \"letsencrypt.org\""},
        {RECORD_CAA, "128 iodef \"mailto:a@example.com\"", "128 iodef \"mailto:a@example.com\""},
        {RECORD_CAA, "0 issue \";\"", "0 issue \";\""},
        {RECORD_SRV, "10 5\t443 SIP.example.net.", "10 5 443 sip.example.net"},
        {RECORD_SRV, "0 0 0 .", "0 0 0 ."},
    };
    for (size_t i = 0; i < countof(good); i++) {
        char out[RECORD_CONTENT_BYTES_MAX + 1];
        assert_int_equal(check(good[i].type, false, good[i].text, out, NULL), ERR_OK);
        assert_string_equal(out, good[i].canonical);
    }
}

static void bad_content_is_refused_at_its_path(void **state)
{
    (void)state;
    static const struct {
        enum record_type type;
        const char *text;
    } bad[] = {
        {RECORD_A, ""},
        {RECORD_A, "1.2.3"},
        {RECORD_A, "01.2.3.4"},
        {RECORD_A, "::ffff:1.2.3.4"},
        {RECORD_A, "example.com"},
        {RECORD_AAAA, "1.2.3.4"},
        {RECORD_AAAA, "::ffff:1.2.3.4"},
        {RECORD_AAAA, "fe80::1%eth0"},
        {RECORD_CNAME, "1.2.3.4"},
        {RECORD_CNAME, "*.example.com"},
        {RECORD_CNAME, "a b"},
        {RECORD_NS, ""},
        {RECORD_MX, "10 mail.example.net"},
        {RECORD_TXT, ""},
        {RECORD_TXT, "a\nb"},
        {RECORD_CAA, "issue x"},
        {RECORD_CAA, "256 issue x"},
        {RECORD_CAA, "0 is-sue x"},
        {RECORD_CAA, "0 issue \"a\"b\""},
        {RECORD_SRV, "10 5 sip.example.net"},
        {RECORD_SRV, "10 5 65536 sip.example.net"},
        {RECORD_SRV, "10 5 443 a b"},
        {RECORD_SRV, "10 5 443"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        char out[RECORD_CONTENT_BYTES_MAX + 1];
        struct problem problem;
        assert_int_equal(check(bad[i].type, false, bad[i].text, out, &problem), ERR_INVALID);
        assert_string_equal(problem.path, "content");
    }
}

static void text_has_a_ceiling(void **state)
{
    (void)state;
    char text[RECORD_CONTENT_BYTES_MAX + 2], out[RECORD_CONTENT_BYTES_MAX + 1], small[10];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';

    assert_int_equal(check(RECORD_TXT, false, text, out, NULL), ERR_INVALID);
    text[sizeof(text) - 2] = '\0';
    assert_int_equal(check(RECORD_TXT, false, text, out, NULL), ERR_OK);
    assert_string_equal(out, text);
    const struct record_content content = {RECORD_CAA, false, SPAN("0 issue letsencrypt.org")};
    assert_int_equal(record_check_content(&content, &nothing_allowed, small, sizeof(small), NULL),
                     ERR_INVALID);
}

static void proxied_content_must_be_a_public_origin(void **state)
{
    (void)state;
    char out[RECORD_CONTENT_BYTES_MAX + 1];
    struct problem problem;
    static const char *const inner[] = {
        "localhost", "localhost.",   "a.localhost", "printer.local", "metadata.google.internal",
        "nas.lan",   "nas.home.arpa"};

    assert_int_equal(check(RECORD_A, true, "8.8.8.8", out, NULL), ERR_OK);
    assert_int_equal(check(RECORD_A, true, "10.0.0.1", out, &problem), ERR_ORIGIN_ADDRESS);
    assert_string_equal(problem.path, "content");
    assert_non_null(strstr(problem.text, "private (RFC 1918)"));
    assert_int_equal(check(RECORD_AAAA, true, "::1", out, NULL), ERR_ORIGIN_ADDRESS);
    for (size_t i = 0; i < countof(inner); i++)
        assert_int_equal(check(RECORD_CNAME, true, inner[i], out, NULL), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(RECORD_CNAME, true, "mylocalhost", out, NULL), ERR_OK);
    assert_int_equal(check(RECORD_TXT, true, "x", out, &problem), ERR_INVALID);
    assert_string_equal(problem.path, "proxied");
}

static void an_operator_with_ranges_inside_may_use_names_inside(void **state)
{
    (void)state;
    char out[RECORD_CONTENT_BYTES_MAX + 1];
    struct address_policy policy = {.port_count = 0};
    const struct record_content name = {RECORD_CNAME, true, SPAN("app.internal")};
    const struct record_content address = {RECORD_A, true, SPAN("10.0.0.1")};

    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("10.0.0.0/8")), ERR_OK);
    assert_int_equal(record_check_content(&name, &policy, out, sizeof(out), NULL), ERR_OK);
    assert_int_equal(record_check_content(&address, &policy, out, sizeof(out), NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(good_content_is_written_in_one_form),
        cmocka_unit_test(bad_content_is_refused_at_its_path),
        cmocka_unit_test(text_has_a_ceiling),
        cmocka_unit_test(proxied_content_must_be_a_public_origin),
        cmocka_unit_test(an_operator_with_ranges_inside_may_use_names_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
