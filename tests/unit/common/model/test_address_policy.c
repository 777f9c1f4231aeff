/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_address_policy.c - the forms of security.md 4.5, and what an operator allows.
 */
#include "common/model/address_policy.h"

#include "common/model/hostname.h"

#include "tests/unit/common/model/cmocka_all.h"

static const struct {
    const char *text, *range;
} refused[] = {
    {"0.0.0.0", "this network"},
    {"0.255.255.255", "this network"},
    {"10.0.0.1", "private (RFC 1918)"},
    {"10.255.255.255", "private (RFC 1918)"},
    {"100.64.0.1", "shared"},
    {"100.127.255.255", "shared"},
    {"127.0.0.1", "loopback"},
    {"127.255.255.254", "loopback"},
    {"169.254.169.254", "link-local"},
    {"172.16.0.1", "private (RFC 1918)"},
    {"172.31.255.255", "private (RFC 1918)"},
    {"192.0.0.8", "protocol"},
    {"192.0.2.1", "documentation"},
    {"192.88.99.1", "6to4 relay"},
    {"192.168.0.1", "private (RFC 1918)"},
    {"198.18.0.1", "benchmarking"},
    {"198.19.255.255", "benchmarking"},
    {"198.51.100.7", "documentation"},
    {"203.0.113.7", "documentation"},
    {"224.0.0.1", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.1", "reserved"},
    {"255.255.255.255", "broadcast"},
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::127.0.0.1", "IPv4-compatible"},
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:7f00:1", "loopback"},
    {"::FFFF:10.1.2.3", "private (RFC 1918)"},
    {"::ffff:169.254.169.254", "link-local"},
    {"::ffff:0:127.0.0.1", "not global"},
    {"64:ff9b::7f00:1", "NAT64"},
    {"64:ff9b::8.8.8.8", "NAT64"},
    {"64:ff9b:1::1", "NAT64"},
    {"100::1", "discard"},
    {"2001::1", "protocol"},
    {"2001:1ff:ffff::1", "protocol"},
    {"2001:db8::1", "documentation"},
    {"2002:7f00:1::1", "6to4"},
    {"2002:808:808::1", "6to4"},
    {"3fff::1", "documentation"},
    {"fc00::1", "private (RFC 4193)"},
    {"fdff::1", "private (RFC 4193)"},
    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},
    {"fec0::1", "site-local"},
    {"ff02::1", "multicast"},
    {"4000::1", "not global"},
    {"5f00::1", "not global"},
    {"1::1", "not global"},
};

static const char *const not_addresses[] = {
    "",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "127.0.0.01",
    "2130706433",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.0.0.1 ",
    " 127.0.0.1",
    "127.0.0.256",
    "127.0.0.-1",
    "[::ffff:127.0.0.1]",
    "[::1]",
    "fe80::1%eth0",
    "::1%lo",
    ":::1",
    "::1::",
    "1:2:3:4:5:6:7:8:9",
    "user@127.0.0.1",
    "127.0.0.1:80",
    "127\xe3\x80\x82"
    "0\xe3\x80\x82"
    "0\xe3\x80\x82"
    "1",
    "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1",
};

static const char *const public_addresses[] = {
    "1.1.1.1",         "8.8.8.8",     "9.255.255.255",  "11.0.0.0",       "100.63.255.255",
    "100.128.0.0",     "126.0.0.1",   "128.0.0.1",      "172.15.255.255", "172.32.0.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",     "223.255.255.255",
    "2606:4700::1111", "2a00::1",     "2001:200::1",    "2003::1",        "3ffe::1",
};

static struct address parse(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(span_str(text), &address), ERR_OK);
    return address;
}

static void each_refused_range_is_refused_by_name(void **state)
{
    (void)state;
    const struct address_policy policy = {.port_count = 0};
    assert_true(countof(refused) >= 40);
    for (size_t i = 0; i < countof(refused); i++) {
        struct problem problem;
        struct address address = parse(refused[i].text);
        assert_int_equal(address_policy_check(&policy, &address, &problem), ERR_ORIGIN_ADDRESS);
        assert_int_equal(problem.code, ERR_ORIGIN_ADDRESS);
        if (strstr(problem.text, refused[i].range) == NULL)
            fail_msg("%s: %s", refused[i].text, problem.text);
    }
}

static void public_addresses_are_allowed(void **state)
{
    (void)state;
    const struct address_policy policy = {.port_count = 0};
    for (size_t i = 0; i < countof(public_addresses); i++) {
        struct problem problem = {.text = ""};
        struct address address = parse(public_addresses[i]);
        if (address_policy_check(&policy, &address, &problem) != ERR_OK)
            fail_msg("%s: %s", public_addresses[i], problem.text);
    }
}

/* Neither an address nor a name: nothing is left that a resolver could read in its own way. */
static void other_spellings_are_no_addresses_and_no_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(not_addresses); i++) {
        struct address address;
        struct hostname name;
        struct span text = span_str(not_addresses[i]);
        assert_int_equal(address_parse(text, &address), ERR_INVALID);
        assert_int_equal(hostname_parse(text, HOSTNAME_EXACT, &name, NULL), ERR_INVALID);
    }
    struct address address;
    assert_int_equal(address_parse(SPAN("8.8.8.8\0"), &address), ERR_INVALID);
}

static void addresses_have_one_text(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"8.8.8.8", "8.8.8.8"},
        {"2606:4700:0:0:0:0:0:1111", "2606:4700::1111"},
        {"2606:4700:0000::ABCD", "2606:4700::abcd"},
        {"::ffff:8.8.8.8", "8.8.8.8"},
    };
    for (size_t i = 0; i < countof(pairs); i++) {
        char text[ADDRESS_TEXT_BYTES];
        struct address address = parse(pairs[i][0]);
        address_format(&address, text);
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(address_is_v4(&address), strchr(pairs[i][1], ':') == NULL);
    }
}

static enum err check(const struct address_policy *policy, const char *text)
{
    struct address address = parse(text);
    return address_policy_check(policy, &address, NULL);
}

static void an_allowed_range_wins_and_ends_where_it_ends(void **state)
{
    (void)state;
    struct address_policy policy = {.port_count = 0};
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("10.1.0.0/16")), ERR_OK);
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("127.0.0.1")), ERR_OK);
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("fd00:1::/33")), ERR_OK);

    assert_int_equal(check(&policy, "10.1.255.255"), ERR_OK);
    assert_int_equal(check(&policy, "::ffff:10.1.0.1"), ERR_OK);
    assert_int_equal(check(&policy, "10.2.0.0"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&policy, "127.0.0.1"), ERR_OK);
    assert_int_equal(check(&policy, "127.0.0.2"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&policy, "::1"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&policy, "fd00:1:7fff::1"), ERR_OK);
    assert_int_equal(check(&policy, "fd00:1:8000::1"), ERR_ORIGIN_ADDRESS);
}

static void a_family_is_allowed_by_its_own_ranges(void **state)
{
    (void)state;
    struct address_policy six = {.port_count = 0}, four = {.port_count = 0};
    assert_int_equal(address_ranges_add(&six.allowed, SPAN("::/0")), ERR_OK);
    assert_int_equal(address_ranges_add(&four.allowed, SPAN("0.0.0.0/0")), ERR_OK);

    assert_int_equal(check(&six, "::1"), ERR_OK);
    assert_int_equal(check(&six, "10.0.0.1"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&four, "10.0.0.1"), ERR_OK);
    assert_int_equal(check(&four, "::1"), ERR_ORIGIN_ADDRESS);
}

static void what_is_no_range_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "/8",           "10.0.0.0/",    "10.0.0.0/33",
                                      "10.0.0.1/8", "10.0.0.0/08x", "10.0.0.0/8/8", "fd00::/129",
                                      "fd00::1/64", "localhost/8",  "10/8",         "10.0.0.0/-1"};
    struct address_policy policy = {.port_count = 0};
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(address_ranges_add(&policy.allowed, span_str(bad[i])), ERR_INVALID);
    assert_int_equal(policy.allowed.count, 0);
}

static void ranges_are_counted(void **state)
{
    (void)state;
    struct address_policy policy = {.port_count = 0};
    for (size_t i = 0; i < ADDRESS_POLICY_RANGES_MAX; i++)
        assert_int_equal(address_ranges_add(&policy.allowed, SPAN("10.0.0.0/8")), ERR_OK);
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("10.0.0.0/8")), ERR_LIMIT);
}

static void an_ipv4_inside_of_ipv6_is_asked_too(void **state)
{
    (void)state;
    struct address_policy policy = {.port_count = 0};
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("64:ff9b::/96")), ERR_OK);
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("2001::/32")), ERR_OK);
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("2002::/16")), ERR_OK);

    assert_int_equal(check(&policy, "64:ff9b::8.8.8.8"), ERR_OK);
    assert_int_equal(check(&policy, "64:ff9b::127.0.0.1"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&policy, "64:ff9b::a9fe:a9fe"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&policy, "2002:808:808::1"), ERR_OK);
    assert_int_equal(check(&policy, "2002:a00:1::1"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&policy, "2001:0:1::f7f7:f7f7"), ERR_OK);
    assert_int_equal(check(&policy, "2001:0:1::f5ff:fffe"), ERR_ORIGIN_ADDRESS);
}

static bool eight_is_ours(const struct address *address)
{
    return address_is_v4(address) && address->bytes[12] == 8;
}

static void own_addresses_are_refused_unless_allowed(void **state)
{
    (void)state;
    struct address_policy policy = {.is_own = eight_is_ours};
    assert_int_equal(address_ranges_add(&policy.own, SPAN("1.1.1.0/24")), ERR_OK);
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("8.8.8.0/24")), ERR_OK);

    assert_int_equal(check(&policy, "1.1.1.1"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&policy, "1.1.2.1"), ERR_OK);
    assert_int_equal(check(&policy, "8.8.4.4"), ERR_ORIGIN_ADDRESS);
    assert_int_equal(check(&policy, "8.8.8.8"), ERR_OK);
    assert_int_equal(check(&policy, "9.9.9.9"), ERR_OK);
}

static enum err dial(const struct address_policy *policy, const char *text, uint16_t port)
{
    struct address address = parse(text);
    return address_policy_check_dial(policy, &address, port, NULL);
}

static void a_loop_to_our_own_port_is_refused_whatever_is_allowed(void **state)
{
    (void)state;
    struct address_policy policy = {
        .is_own = eight_is_ours, .listens = {8443, 8081}, .listen_count = 2};
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("0.0.0.0/0")), ERR_OK);
    assert_int_equal(address_ranges_add(&policy.allowed, SPAN("::/0")), ERR_OK);

    assert_int_equal(dial(&policy, "127.0.0.1", 8443), ERR_ORIGIN_ADDRESS);
    assert_int_equal(dial(&policy, "127.9.9.9", 8081), ERR_ORIGIN_ADDRESS);
    assert_int_equal(dial(&policy, "::1", 8081), ERR_ORIGIN_ADDRESS);
    assert_int_equal(dial(&policy, "8.8.8.8", 8443), ERR_ORIGIN_ADDRESS);
    assert_int_equal(dial(&policy, "8.8.8.8", 8444), ERR_OK);
    assert_int_equal(dial(&policy, "9.9.9.9", 8443), ERR_OK);
}

static enum err port(const struct address_policy *policy, uint16_t number, struct problem *problem)
{
    return address_policy_check_port(policy, number, problem);
}

static void ports_of_databases_caches_mail_and_shells_are_refused_by_name(void **state)
{
    (void)state;
    static const uint16_t bad[] = {1,    22,   25,   465,  587,  1023, 1433,  1521,  2049,
                                   2375, 3306, 3389, 5432, 5900, 6379, 11211, 27017, 0};
    static const uint16_t good[] = {80, 443, 1024, 3000, 8080, 8443, 9443, 65535};
    const struct address_policy policy = {.port_count = 0};
    struct problem problem;
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(port(&policy, bad[i], &problem), ERR_ORIGIN_ADDRESS);
    for (size_t i = 0; i < countof(good); i++)
        assert_int_equal(port(&policy, good[i], &problem), ERR_OK);
    assert_int_equal(port(&policy, 6379, &problem), ERR_ORIGIN_ADDRESS);
    assert_string_equal(problem.text, "port 6379 is not allowed for an origin: Redis");
    assert_int_equal(dial(&policy, "8.8.8.8", 6379), ERR_ORIGIN_ADDRESS);
    assert_int_equal(dial(&policy, "8.8.8.8", 443), ERR_OK);
}

static void an_operators_ports_stand_in_for_the_table(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "0", "80,", ",80", "80-", "-80", "90-80", "65536", "a"};
    struct address_policy policy = {.port_count = 0};
    assert_int_equal(address_policy_set_ports(&policy, SPAN("443,6379,8000-8002")), ERR_OK);
    assert_int_equal(port(&policy, 6379, NULL), ERR_OK);
    assert_int_equal(port(&policy, 8000, NULL), ERR_OK);
    assert_int_equal(port(&policy, 8002, NULL), ERR_OK);
    assert_int_equal(port(&policy, 8003, NULL), ERR_ORIGIN_ADDRESS);
    assert_int_equal(port(&policy, 80, NULL), ERR_ORIGIN_ADDRESS);
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(address_policy_set_ports(&policy, span_str(bad[i])), ERR_INVALID);
    char many[ADDRESS_POLICY_PORTS_MAX * 3 + 3] = "";
    for (size_t i = 0; i <= ADDRESS_POLICY_PORTS_MAX; i++)
        memcpy(many + 3 * i, "80,", 3);
    assert_int_equal(address_policy_set_ports(&policy, span_of(many, sizeof(many) - 1)), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refused_range_is_refused_by_name),
        cmocka_unit_test(public_addresses_are_allowed),
        cmocka_unit_test(other_spellings_are_no_addresses_and_no_names),
        cmocka_unit_test(addresses_have_one_text),
        cmocka_unit_test(an_allowed_range_wins_and_ends_where_it_ends),
        cmocka_unit_test(a_family_is_allowed_by_its_own_ranges),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(ranges_are_counted),
        cmocka_unit_test(an_ipv4_inside_of_ipv6_is_asked_too),
        cmocka_unit_test(own_addresses_are_refused_unless_allowed),
        cmocka_unit_test(a_loop_to_our_own_port_is_refused_whatever_is_allowed),
        cmocka_unit_test(ports_of_databases_caches_mail_and_shells_are_refused_by_name),
        cmocka_unit_test(an_operators_ports_stand_in_for_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
