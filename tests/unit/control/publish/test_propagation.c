/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_propagation.c - who has which revision, who waits, what was refused.
 */
#include "control/publish/propagation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct propagation_edge edge(const char *id, uint64_t revision)
{
    struct propagation_edge e = {.revision = revision, .workers = 2, .workers_applied = 2};
    assert_true(span_to_cstr(span_str(id), e.edge_id, sizeof(e.edge_id)));
    return e;
}

struct waiter {
    struct propagation_wait wait;
    unsigned woken;
};

static void on_wake(struct propagation_wait *wait)
{
    container_of(wait, struct waiter, wait)->woken++;
}

static struct waiter waiter_for(uint64_t revision, uint64_t deadline_ms)
{
    return (struct waiter){
        .wait = {.revision = revision, .deadline_ms = deadline_ms, .wake = on_wake}};
}

static struct propagation_view *read_zone(struct propagation *p, struct id zone, uint64_t document,
                                          uint64_t revision)
{
    struct propagation_view *view = test_malloc(sizeof(*view));
    const struct propagation_question question = {zone, document, revision};
    propagation_read(p, &question, view);
    return view;
}

static bool applied(struct propagation *p, uint64_t revision)
{
    struct propagation_view *view = read_zone(p, (struct id){""}, 0, revision);
    bool result = view->applied;
    test_free(view);
    return result;
}

static void nothing_is_applied_without_an_edge(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();

    assert_false(applied(p, 0));

    propagation_free(&p);
    assert_null(p);
}

static void a_revision_is_applied_when_every_connected_edge_has_it(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct propagation_edge a = edge("a", 4), b = edge("b", 3);

    propagation_edge_connected(p, &a);
    propagation_edge_connected(p, &b);
    assert_true(applied(p, 3));
    assert_false(applied(p, 4));
    b.revision = 4;
    propagation_edge_applied(p, &b);
    assert_true(applied(p, 4));

    propagation_free(&p);
}

static void an_edge_that_left_holds_nobody_back_and_is_still_shown(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct propagation_edge a = edge("a", 4), b = edge("b", 3);
    propagation_edge_connected(p, &a);
    propagation_edge_connected(p, &b);

    propagation_edge_gone(p, "b");

    struct propagation_view *view = read_zone(p, id_new(), 4, 4);
    assert_true(view->applied);
    assert_int_equal(view->edge_count, 2);
    assert_false(view->edges[1].connected);
    test_free(view);
    propagation_edge_gone(p, "a");
    assert_false(applied(p, 4));
    propagation_free(&p);
}

static void a_wait_is_woken_once_when_the_last_edge_has_it(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct propagation_edge a = edge("a", 1), b = edge("b", 1);
    propagation_edge_connected(p, &a);
    propagation_edge_connected(p, &b);
    struct waiter waiter = waiter_for(2, UINT64_MAX);

    assert_true(propagation_wait_start(p, &waiter.wait));
    a.revision = 2;
    propagation_edge_applied(p, &a);
    assert_int_equal(waiter.woken, 0);
    b.revision = 3;
    propagation_edge_applied(p, &b);
    assert_int_equal(waiter.woken, 1);
    b.revision = 4;
    propagation_edge_applied(p, &b);
    assert_int_equal(waiter.woken, 1);

    propagation_free(&p);
}

static void a_wait_for_what_is_there_does_not_start(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct propagation_edge a = edge("a", 2);
    propagation_edge_connected(p, &a);
    struct waiter waiter = waiter_for(2, UINT64_MAX);

    assert_false(propagation_wait_start(p, &waiter.wait));

    assert_int_equal(waiter.woken, 0);
    propagation_free(&p);
}

static void late_waits_and_only_they_expire(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct waiter early = waiter_for(1, 100), late = waiter_for(1, 101);
    assert_true(propagation_wait_start(p, &early.wait));
    assert_true(propagation_wait_start(p, &late.wait));

    propagation_expire(p, 100);

    assert_int_equal(early.woken, 1);
    assert_int_equal(late.woken, 0);
    propagation_expire(p, 101);
    assert_int_equal(late.woken, 1);
    propagation_free(&p);
}

static void stop_wakes_everyone_and_refuses_new_waits(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct waiter first = waiter_for(1, UINT64_MAX), second = waiter_for(1, UINT64_MAX);
    assert_true(propagation_wait_start(p, &first.wait));

    propagation_stop(p);

    assert_int_equal(first.woken, 1);
    assert_false(propagation_wait_start(p, &second.wait));
    propagation_free(&p);
}

static void waits_are_bounded(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct waiter *waiters = test_calloc(LIMIT_API_WAITING + 1, sizeof(*waiters));

    for (size_t i = 0; i < LIMIT_API_WAITING; i++) {
        waiters[i] = waiter_for(1, UINT64_MAX);
        assert_true(propagation_wait_start(p, &waiters[i].wait));
    }
    waiters[LIMIT_API_WAITING] = waiter_for(1, UINT64_MAX);
    assert_false(propagation_wait_start(p, &waiters[LIMIT_API_WAITING].wait));

    propagation_stop(p);
    test_free(waiters);
    propagation_free(&p);
}

static struct propagation_refusal refusal(const char *edge_id, struct id zone, uint64_t revision)
{
    struct propagation_refusal r = {.zone_id = zone, .revision = revision};
    assert_true(span_to_cstr(span_str(edge_id), r.edge_id, sizeof(r.edge_id)));
    assert_true(span_to_cstr(SPAN("hostnames[0].name"), r.path, sizeof(r.path)));
    assert_true(span_to_cstr(SPAN("is not within the zone"), r.text, sizeof(r.text)));
    return r;
}

static void a_refused_document_is_not_applied_until_a_newer_one_comes(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct id zone = id_new(), other = id_new();
    struct propagation_edge a = edge("a", 5);
    propagation_edge_connected(p, &a);
    struct propagation_refusal refused = refusal("a", zone, 5);

    propagation_edge_refused(p, &refused);

    struct propagation_view *view = read_zone(p, zone, 5, 5);
    assert_false(view->applied);
    assert_int_equal(view->refusal_count, 1);
    assert_string_equal(view->refusals[0].path, "hostnames[0].name");
    test_free(view);
    view = read_zone(p, other, 5, 5);
    assert_true(view->applied);
    assert_int_equal(view->refusal_count, 0);
    test_free(view);
    view = read_zone(p, zone, 6, 5);
    assert_int_equal(view->refusal_count, 0);
    test_free(view);
    propagation_free(&p);
}

static void a_full_feed_forgets_what_was_refused(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct id zone = id_new();
    struct propagation_edge a = edge("a", 5);
    propagation_edge_connected(p, &a);
    struct propagation_refusal refused = refusal("a", zone, 5);
    propagation_edge_refused(p, &refused);

    propagation_edge_renewed(p, "a");

    struct propagation_view *view = read_zone(p, zone, 5, 5);
    assert_int_equal(view->refusal_count, 0);
    test_free(view);
    propagation_free(&p);
}

static void refusals_of_one_edge_are_bounded_and_the_oldest_goes(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    struct propagation_edge a = edge("a", 5);
    propagation_edge_connected(p, &a);
    struct id first = id_new(), last = {""};

    struct propagation_refusal refused = refusal("a", first, 5);
    propagation_edge_refused(p, &refused);
    for (size_t i = 0; i < LIMIT_EDGE_REFUSALS; i++) {
        last = id_new();
        refused = refusal("a", last, 5);
        propagation_edge_refused(p, &refused);
    }

    struct propagation_view *view = read_zone(p, first, 5, 5);
    assert_int_equal(view->refusal_count, 0);
    test_free(view);
    view = read_zone(p, last, 5, 5);
    assert_int_equal(view->refusal_count, 1);
    test_free(view);
    propagation_free(&p);
}

static void the_edge_that_left_first_makes_room(void **state)
{
    (void)state;
    struct propagation *p = propagation_new();
    for (unsigned i = 0; i < LIMIT_EDGES; i++) {
        struct propagation_edge e = edge("x", 1);
        (void)snprintf(e.edge_id, sizeof(e.edge_id), "edge-%u", i);
        propagation_edge_connected(p, &e);
    }
    propagation_edge_gone(p, "edge-7");

    struct propagation_edge newcomer = edge("newcomer", 1);
    propagation_edge_connected(p, &newcomer);

    struct propagation_view *view = read_zone(p, id_new(), 1, 1);
    assert_int_equal(view->edge_count, LIMIT_EDGES);
    for (size_t i = 0; i < view->edge_count; i++)
        assert_string_not_equal(view->edges[i].edge_id, "edge-7");
    test_free(view);
    propagation_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_applied_without_an_edge),
        cmocka_unit_test(a_revision_is_applied_when_every_connected_edge_has_it),
        cmocka_unit_test(an_edge_that_left_holds_nobody_back_and_is_still_shown),
        cmocka_unit_test(a_wait_is_woken_once_when_the_last_edge_has_it),
        cmocka_unit_test(a_wait_for_what_is_there_does_not_start),
        cmocka_unit_test(late_waits_and_only_they_expire),
        cmocka_unit_test(stop_wakes_everyone_and_refuses_new_waits),
        cmocka_unit_test(waits_are_bounded),
        cmocka_unit_test(a_refused_document_is_not_applied_until_a_newer_one_comes),
        cmocka_unit_test(a_full_feed_forgets_what_was_refused),
        cmocka_unit_test(refusals_of_one_edge_are_bounded_and_the_oldest_goes),
        cmocka_unit_test(the_edge_that_left_first_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
