/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api_query.c - the query of a request: values, lists, pages, filters.
 */
#include "control/api/api_query.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "control/api/api_filter.h"

struct asked {
    struct api_request request;
    struct api_reply reply;
};

static struct asked *ask(const char *query)
{
    struct asked *asked = test_calloc(1, sizeof(*asked));
    arena_init(&asked->request.arena, NULL);
    asked->request.query = span_str(query);
    return asked;
}

static void done(struct asked *asked)
{
    arena_release(&asked->request.arena);
    test_free(asked);
}

static void values_are_decoded(void **state)
{
    (void)state;
    struct asked *asked = ask("a=1&name=ex%61mple+x%2b%C3%A9&b");
    struct span value;

    assert_true(api_query_get(&asked->request, "name", &value));
    assert_true(span_equal(value, SPAN("example x+\xc3\xa9")));
    assert_true(api_query_get(&asked->request, "b", &value));
    assert_int_equal(value.len, 0);

    done(asked);
}

static void absent_and_broken_values_are_not_there(void **state)
{
    (void)state;
    static const char *const broken[] = {"",        "names=x",  "name=%",
                                         "name=%4", "name=%zz", "name=%00"};
    for (size_t i = 0; i < countof(broken); i++) {
        struct asked *asked = ask(broken[i]);
        struct span value;
        assert_false(api_query_get(&asked->request, "name", &value));
        done(asked);
    }
}

static void lists_are_repeated_or_separated_by_commas(void **state)
{
    (void)state;
    struct asked *asked = ask("type=full,partial&x=1&type=secondary&type=");
    struct span words[8];

    assert_int_equal(api_query_list(&asked->request, "type", words, countof(words)), 3);
    assert_true(span_equal(words[0], SPAN("full")));
    assert_true(span_equal(words[2], SPAN("secondary")));
    assert_int_equal(api_query_list(&asked->request, "type", words, 2), 2);

    done(asked);
}

static const struct api_page_rule zones_rule = {50, 20};

static void a_page_has_defaults(void **state)
{
    (void)state;
    struct asked *asked = ask("");
    struct api_page page;

    assert_int_equal(api_page_read(&asked->request, &asked->reply, &zones_rule, &page), ERR_OK);

    assert_int_equal(page.page, 1);
    assert_int_equal(page.per_page, 20);
    assert_int_equal(page.offset, 0);
    done(asked);
}

static void a_page_counts_from_one(void **state)
{
    (void)state;
    struct asked *asked = ask("page=3&per_page=50");
    struct api_page page;

    assert_int_equal(api_page_read(&asked->request, &asked->reply, &zones_rule, &page), ERR_OK);

    assert_int_equal(page.offset, 100);
    done(asked);
}

static void what_is_no_page_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[] = {"page=-1", "page=x", "per_page=0", "per_page=-5",
                                      "per_page=all"};
    for (size_t i = 0; i < countof(bad); i++) {
        struct asked *asked = ask(bad[i]);
        struct api_page page;
        assert_int_equal(api_page_read(&asked->request, &asked->reply, &zones_rule, &page),
                         ERR_INVALID);
        assert_int_equal(asked->reply.error, API_ERROR_FIELD);
        assert_int_equal(strncmp(asked->reply.problem.path, bad[i], 4), 0);
        done(asked);
    }
}

static void a_page_has_one_row_to_the_most_and_page_0_is_the_first(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        uint64_t page, per_page;
    } cases[] = {{"per_page=1", 1, 1}, {"per_page=1000&page=2", 2, 50}, {"page=0", 1, 20}};
    for (size_t i = 0; i < countof(cases); i++) {
        struct asked *asked = ask(cases[i].query);
        struct api_page page;
        assert_int_equal(api_page_read(&asked->request, &asked->reply, &zones_rule, &page), ERR_OK);
        assert_int_equal(page.page, cases[i].page);
        assert_int_equal(page.per_page, cases[i].per_page);
        done(asked);
    }
}

static void total_pages_round_up(void **state)
{
    (void)state;
    struct api_page page = {.per_page = 20, .total_count = 0};
    assert_int_equal(api_page_total(&page), 0);
    page.total_count = 20;
    assert_int_equal(api_page_total(&page), 1);
    page.total_count = 21;
    assert_int_equal(api_page_total(&page), 2);
}

static void filters_know_their_prefixes(void **state)
{
    (void)state;
    struct asked *asked = ask("name=contains:shop&other=a.example&not=not_equal:x&empty=");
    struct store_filter filter;

    api_filter_text(&asked->request, "name", &filter);
    assert_int_equal(filter.match, STORE_MATCH_CONTAINS);
    assert_true(span_equal(filter.text, SPAN("shop")));
    api_filter_text(&asked->request, "other", &filter);
    assert_int_equal(filter.match, STORE_MATCH_EQUAL);
    api_filter_text(&asked->request, "not", &filter);
    assert_int_equal(filter.match, STORE_MATCH_NOT_EQUAL);
    assert_true(span_equal(filter.text, SPAN("x")));
    api_filter_text(&asked->request, "empty", &filter);
    assert_int_equal(filter.match, STORE_MATCH_ALL);
    api_filter_text(&asked->request, "absent", &filter);
    assert_int_equal(filter.match, STORE_MATCH_ALL);

    done(asked);
}

static void an_unknown_order_lists_the_known_ones(void **state)
{
    (void)state;
    static const char *const orders[] = {"name", "status", NULL};
    struct asked *asked = ask("order=colour&direction=desc");
    size_t order;

    assert_int_equal(api_filter_word(&asked->request, &asked->reply, "order", orders, &order),
                     ERR_INVALID);
    assert_non_null(strstr(asked->reply.problem.text, "`name`, `status`"));

    done(asked);
}

static void direction_and_match_are_read(void **state)
{
    (void)state;
    struct asked *asked = ask("direction=desc&match=any");
    struct api_page page;
    struct store_page rows;
    bool any;

    assert_int_equal(api_filter_page(&asked->request, &asked->reply, &zones_rule, &page, &rows),
                     ERR_OK);
    assert_true(rows.descending);
    assert_int_equal(api_filter_match(&asked->request, &asked->reply, &any), ERR_OK);
    assert_true(any);

    done(asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_decoded),
        cmocka_unit_test(absent_and_broken_values_are_not_there),
        cmocka_unit_test(lists_are_repeated_or_separated_by_commas),
        cmocka_unit_test(a_page_has_defaults),
        cmocka_unit_test(a_page_counts_from_one),
        cmocka_unit_test(what_is_no_page_is_refused_by_name),
        cmocka_unit_test(a_page_has_one_row_to_the_most_and_page_0_is_the_first),
        cmocka_unit_test(total_pages_round_up),
        cmocka_unit_test(filters_know_their_prefixes),
        cmocka_unit_test(an_unknown_order_lists_the_known_ones),
        cmocka_unit_test(direction_and_match_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
