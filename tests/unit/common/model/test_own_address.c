/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_own_address.c - what is this host's, on whatever host the tests run.
 */
#include "common/model/own_address.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "tests/unit/common/model/cmocka_all.h"

static bool is_own(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(span_str(text), &address), ERR_OK);
    return own_address_is(&address);
}

static void loopback_is_ours(void **state)
{
    (void)state;
    assert_true(is_own("127.0.0.1"));
}

static void addresses_of_others_are_not(void **state)
{
    (void)state;
    assert_false(is_own("8.8.8.8"));
    assert_false(is_own("192.0.2.1"));
    assert_false(is_own("2606:4700::1111"));
}

static void each_interface_address_is_ours(void **state)
{
    (void)state;
    struct ifaddrs *all = NULL;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
        struct address address = {.bytes = {[10] = 0xff, [11] = 0xff}};
        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(address.bytes + 12,
               &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr, 4);
        assert_true(own_address_is(&address));
    }
    freeifaddrs(all);
}

static void who_cannot_ask_is_told_yes(void **state)
{
    struct rlimit limit, none;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool own = is_own("192.0.2.1");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_ours),
        cmocka_unit_test(addresses_of_others_are_not),
        cmocka_unit_test(each_interface_address_is_ours),
        cmocka_unit_test(who_cannot_ask_is_told_yes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
