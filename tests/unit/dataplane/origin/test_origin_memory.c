/* SPDX-License-Identifier: Apache-2.0 */
/* test_origin_memory.c - what is learned is told once, what is told is believed, within bounds. */
#include "dataplane/origin/origin_memory.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "tests/unit/common/model/cmocka_all.h"

#define WALL_S 1700000000ull
#define NOW_MS 5000ull

static struct origin_memory memory;
static struct origin_knowledge told;
static size_t told_count;

static void note_told(void *owner, const struct origin_knowledge *what)
{
    (void)owner;
    told = *what;
    told_count++;
}

static int set_up(void **state)
{
    (void)state;
    clock_test_set(NOW_MS, WALL_S * 1000000);
    origin_memory_init(&memory);
    memory.learned = note_told;
    told_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    origin_memory_release(&memory);
    clock_test_release();
    return 0;
}

/* The pool is only an address here. */
static struct origin_known *use(const char *key)
{
    return origin_memory_use(&memory, span_str(key), (struct origin_pool *)&memory);
}

static struct origin_knowledge fact(const char *key, enum origin_fact what, uint64_t until_s)
{
    return (struct origin_knowledge){
        .origin = digest_of(span_str(key)), .fact = what, .count = 2, .until_s = until_s};
}

static void the_same_answer_is_told_once_and_another_at_once(void **state)
{
    (void)state;
    struct origin_known *known = use("a");
    origin_memory_negotiated(&memory, known, PROTOCOL_H2, NOW_MS);
    origin_memory_negotiated(&memory, known, PROTOCOL_H2, NOW_MS + 1000);
    assert_int_equal(told_count, 1);
    assert_int_equal(told.fact, ORIGIN_FACT_H2);
    assert_in_range(told.until_s, WALL_S + LIMIT_ORIGIN_PROTOCOL_MS / 1000 * 3 / 4,
                    WALL_S + LIMIT_ORIGIN_PROTOCOL_MS / 1000);

    origin_memory_negotiated(&memory, known, PROTOCOL_H1, NOW_MS + 2000);
    assert_int_equal(told_count, 2);
    assert_int_equal(told.fact, ORIGIN_FACT_H1);
    origin_memory_leave(&memory, known);
}

static void an_answer_that_is_getting_old_is_told_again(void **state)
{
    (void)state;
    struct origin_known *known = use("a");
    origin_memory_negotiated(&memory, known, PROTOCOL_H2, NOW_MS);
    origin_memory_negotiated(&memory, known, PROTOCOL_H2, NOW_MS + LIMIT_ORIGIN_PROTOCOL_MS - 1);
    assert_int_equal(told_count, 2);
    origin_memory_leave(&memory, known);
}

static void what_was_told_before_the_pool_came_is_known_to_it(void **state)
{
    (void)state;
    struct origin_knowledge what = fact("a", ORIGIN_FACT_H1, WALL_S + 60);
    assert_non_null(origin_memory_put(&memory, &what, NOW_MS));

    struct origin_known *known = use("a");
    assert_int_equal(known->protocol, PROTOCOL_H1);
    assert_int_equal(known->protocol_until_ms, NOW_MS + 60000);
    assert_int_equal(told_count, 0);
    origin_memory_leave(&memory, known);
}

static void what_a_pool_knew_is_known_to_the_next(void **state)
{
    (void)state;
    struct origin_known *known = use("a");
    origin_memory_negotiated(&memory, known, PROTOCOL_H1, NOW_MS);
    origin_memory_leave(&memory, known);
    known = use("a");
    assert_int_equal(known->protocol, PROTOCOL_H1);
    origin_memory_leave(&memory, known);
}

static void facts_of_the_past_and_of_a_wrong_clock_are_bounded(void **state)
{
    (void)state;
    struct origin_knowledge what = fact("a", ORIGIN_FACT_H2, WALL_S - 1);
    struct origin_known *known = origin_memory_put(&memory, &what, NOW_MS);
    assert_int_equal(known->protocol_until_ms, NOW_MS);
    what.until_s = WALL_S + 100000000;
    known = origin_memory_put(&memory, &what, NOW_MS);
    assert_int_equal(known->protocol_until_ms, NOW_MS + LIMIT_ORIGIN_PROTOCOL_MS);
    what = fact("a", ORIGIN_FACT_H2_SUSPENDED, UINT64_MAX);
    known = origin_memory_put(&memory, &what, NOW_MS);
    assert_int_equal(origin_known_h1_until_ms(known), NOW_MS + LIMIT_ORIGIN_SUSPENDED_MAX_MS);
}

static void a_suspension_is_told_and_grows_on_the_worker_that_heard_of_it(void **state)
{
    (void)state;
    struct origin_known *known = use("a");
    uint64_t rest_ms = origin_memory_h2_broke(&memory, known, true, NOW_MS);
    assert_in_range(rest_ms, LIMIT_ORIGIN_SUSPENDED_MS * 3 / 4, LIMIT_ORIGIN_SUSPENDED_MS);
    assert_int_equal(told.fact, ORIGIN_FACT_H2_SUSPENDED);
    assert_int_equal(told.count, 1);
    origin_memory_leave(&memory, known);

    struct origin_knowledge what = fact("b", ORIGIN_FACT_H2_SUSPENDED, WALL_S + 60);
    known = origin_memory_put(&memory, &what, NOW_MS);
    assert_int_equal(origin_known_h1_until_ms(known), NOW_MS + 60000);
    rest_ms = origin_memory_h2_broke(&memory, known, false, NOW_MS + 60000);
    assert_in_range(rest_ms, LIMIT_ORIGIN_SUSPENDED_MS * 3, LIMIT_ORIGIN_SUSPENDED_MS * 4);
    assert_int_equal(told.count, 3);
}

static void an_answer_after_the_pause_is_told_as_resumed(void **state)
{
    (void)state;
    struct origin_known *known = use("a");
    uint64_t rest_ms = origin_memory_h2_broke(&memory, known, true, NOW_MS);
    assert_false(origin_memory_h2_worked(&memory, known, NOW_MS + 1));
    assert_true(origin_memory_h2_worked(&memory, known, NOW_MS + rest_ms));
    assert_int_equal(told.fact, ORIGIN_FACT_H2_SUSPENDED);
    assert_int_equal(told.until_s, 0);

    struct origin_knowledge what = told;
    struct origin_known *same = origin_memory_put(&memory, &what, NOW_MS);
    assert_false(same->suspension.open);
    origin_memory_leave(&memory, known);
}

static void http_1_1_required_is_told_once_for_a_while(void **state)
{
    (void)state;
    struct origin_known *known = use("a");
    for (int i = 0; i < 100; i++)
        origin_memory_h1_required(&memory, known, NOW_MS + 10u * (unsigned)i);
    assert_int_equal(told_count, 1);
    assert_int_equal(told.fact, ORIGIN_FACT_H1_REQUIRED);
    origin_memory_leave(&memory, known);
}

static void the_longest_untouched_goes_first_and_what_is_used_stays(void **state)
{
    (void)state;
    struct origin_known *used = use("used");
    char key[32];
    for (unsigned i = 0; i < LIMIT_ORIGIN_POOLS + 10; i++) {
        snprintf(key, sizeof(key), "origin-%u", i);
        struct origin_knowledge what = fact(key, ORIGIN_FACT_H2, WALL_S + 60);
        assert_non_null(origin_memory_put(&memory, &what, NOW_MS));
    }
    assert_int_equal(memory.by_origin.count, LIMIT_ORIGIN_POOLS);
    struct digest first = digest_of(SPAN("origin-0"));
    assert_null(map_get(&memory.by_origin, digest_span(&first)));
    assert_ptr_equal(map_get(&memory.by_origin, digest_span(&used->origin)), used);
    origin_memory_leave(&memory, used);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_same_answer_is_told_once_and_another_at_once),
        CASE(an_answer_that_is_getting_old_is_told_again),
        CASE(what_was_told_before_the_pool_came_is_known_to_it),
        CASE(what_a_pool_knew_is_known_to_the_next),
        CASE(facts_of_the_past_and_of_a_wrong_clock_are_bounded),
        CASE(a_suspension_is_told_and_grows_on_the_worker_that_heard_of_it),
        CASE(an_answer_after_the_pause_is_told_as_resumed),
        CASE(http_1_1_required_is_told_once_for_a_while),
        CASE(the_longest_untouched_goes_first_and_what_is_used_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
