/* SPDX-License-Identifier: Apache-2.0 */
/* test_proxy_redirect.c - what goes to HTTPS, and where that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/proxy/proxy_redirect.h"

static void only_a_zone_that_wants_it_redirects_and_not_what_proves_a_name(void **state)
{
    (void)state;
    struct zone_document document = {0};
    assert_false(proxy_redirect_wanted(&document, SPAN("/")));
    document.settings[SETTING_always_use_https].number = SWITCH_ON;
    assert_true(proxy_redirect_wanted(&document, SPAN("/")));
    assert_true(proxy_redirect_wanted(&document, SPAN("*")));
    assert_true(proxy_redirect_wanted(&document, SPAN("/.well-known/acme-challenge")));
    assert_false(proxy_redirect_wanted(&document, SPAN("/.well-known/acme-challenge/x")));
    document.paused = true;
    assert_false(proxy_redirect_wanted(&document, SPAN("/")));
}

static void the_port_is_named_where_the_visitor_named_one(void **state)
{
    (void)state;
    static const struct {
        const char *authority, *path, *url;
        uint16_t port;
    } rows[] = {
        {"a.example", "/x?y=1", "https://a.example/x?y=1", 8443},
        {"a.example:80", "/", "https://a.example/", 8443},
        {"a.example:8081", "/", "https://a.example:8443/", 8443},
        {"a.example:8081", "/", "https://a.example/", 443},
        {"a.example.", "//b", "https://a.example//b", 8443},
        {"a.example", "*", "https://a.example/", 443},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct arena arena;
        struct head asked;
        arena_init(&arena, NULL);
        head_init(&asked, &arena);
        asked.authority = span_str(rows[i].authority);
        asked.path = span_str(rows[i].path);
        struct span url = proxy_redirect_url(&asked, SPAN("a.example"), rows[i].port, &arena);
        assert_true(span_equal(url, span_str(rows[i].url)));
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_zone_that_wants_it_redirects_and_not_what_proves_a_name),
        cmocka_unit_test(the_port_is_named_where_the_visitor_named_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
