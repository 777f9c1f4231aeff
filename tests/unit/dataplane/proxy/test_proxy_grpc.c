/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_proxy_grpc.c - what is gRPC, and how it is told that something failed.
 */
#include "dataplane/proxy/proxy_grpc.h"

#include "tests/unit/common/base/dies.h"

static bool asked(const char *type)
{
    struct arena arena;
    struct head head;
    arena_init(&arena, NULL);
    head_init(&head, &arena);
    if (type)
        assert_int_equal(fields_add(&head.fields, SPAN("content-type"), span_str(type)), ERR_OK);
    bool is = head_is_grpc(&head);
    arena_release(&arena);
    return is;
}

static void grpc_is_known_by_its_content_type(void **state)
{
    (void)state;
    assert_true(asked("application/grpc"));
    assert_true(asked("application/grpc+proto"));
    assert_true(asked("Application/gRPC; charset=utf-8"));
}

static void grpc_web_and_others_are_not_grpc(void **state)
{
    (void)state;
    assert_false(asked(NULL));
    assert_false(asked("application/grpc-web"));
    assert_false(asked("application/grpc-web+proto"));
    assert_false(asked("application/grp"));
    assert_false(asked("text/html"));
}

static void assert_status(enum err err, const char *status)
{
    struct arena arena;
    struct head head;
    arena_init(&arena, NULL);
    head_init(&head, &arena);
    proxy_grpc_answer(&head, err, "why");
    assert_int_equal(head.status, 200);
    assert_int_equal(head.fields.count, 3);
    assert_span(head.fields.items[0].value, "application/grpc");
    assert_span(head.fields.items[1].name, "grpc-status");
    assert_span_bytes(head.fields.items[1].value, span_str(status));
    assert_span(head.fields.items[2].value, "why");
    arena_release(&arena);
}

static void errors_become_grpc_statuses(void **state)
{
    (void)state;
    assert_status(ERR_ORIGIN_H2_MISSING, "14");
    assert_status(ERR_ORIGIN_REFUSED, "14");
    assert_status(ERR_BUSY, "14");
    assert_status(ERR_HOST_UNKNOWN, "12");
    assert_status(ERR_REQUEST_GRPC, "12");
    assert_status(ERR_REQUEST_LOOP, "13");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grpc_is_known_by_its_content_type),
        cmocka_unit_test(grpc_web_and_others_are_not_grpc),
        cmocka_unit_test(errors_become_grpc_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
