/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_head.c - an authority's host, and which methods may be repeated.
 */
#include "tests/unit/common/base/dies.h"

#include "dataplane/http/head.h"

static void only_idempotent_methods_are(void **state)
{
    (void)state;
    assert_true(method_is_idempotent(SPAN("GET")) && method_is_idempotent(SPAN("DELETE")));
    assert_false(method_is_idempotent(SPAN("POST")) || method_is_idempotent(SPAN("PATCH")));
    assert_true(method_is_idempotent(SPAN("HEAD")) && method_is_idempotent(SPAN("OPTIONS")));
    assert_true(method_is_idempotent(SPAN("PUT")) && method_is_idempotent(SPAN("TRACE")));
    assert_false(method_is_idempotent(SPAN("get")) || method_is_idempotent(SPAN_EMPTY));
}

static void a_host_is_the_authority_without_its_port(void **state)
{
    (void)state;
    assert_span(authority_host(SPAN("a:80")), "a");
    assert_span(authority_host(SPAN("a")), "a");
    assert_span(authority_host(SPAN("[::1]:80")), "[::1]");
    assert_span(authority_host(SPAN("[::1]")), "[::1]");
    assert_span(authority_host(SPAN("[::1")), "[::1");
    assert_int_equal(authority_host(SPAN_EMPTY).len, 0);
}

static void a_new_head_knows_no_length(void **state)
{
    (void)state;
    struct arena arena;
    struct head head;
    arena_init(&arena, NULL);
    head_init(&head, &arena);
    assert_int_equal(head.content_length, HEAD_LENGTH_UNKNOWN);
    assert_int_equal(head.fields.count, 0);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_idempotent_methods_are),
        cmocka_unit_test(a_host_is_the_authority_without_its_port),
        cmocka_unit_test(a_new_head_knows_no_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
