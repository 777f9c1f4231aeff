/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_err.c - the error table and problems.
 */
#include "common/base/err.h"

#include "tests/unit/common/base/dies.h"

static void every_error_has_a_slug_of_its_own(void **state)
{
    (void)state;
    static const enum err all[] = {
#define X(name, slug, api, edge, retry, fault) ERR_##name,
        ERR_TABLE(X)
#undef X
    };

    for (size_t i = 0; i < countof(all); i++) {
        assert_true(err_slug(all[i])[0] != '\0');
        for (size_t k = i + 1; k < countof(all); k++)
            assert_string_not_equal(err_slug(all[i]), err_slug(all[k]));
    }
}

static void every_status_is_an_http_status(void **state)
{
    (void)state;
#define X(name, slug, api, edge, retry, fault)             \
    assert_in_range(err_api_status(ERR_##name), 200, 599); \
    assert_in_range(err_edge_status(ERR_##name), 200, 599);
    ERR_TABLE(X)
#undef X
}

static void a_row_gives_status_retry_and_fault(void **state)
{
    (void)state;
    assert_string_equal(err_slug(ERR_ORIGIN_REFUSED), "origin_refused");
    assert_int_equal(err_api_status(ERR_ORIGIN_REFUSED), 502);
    assert_int_equal(err_edge_status(ERR_ORIGIN_REFUSED), 521);
    assert_int_equal(err_retry(ERR_ORIGIN_REFUSED), RETRY_ALWAYS);
    assert_int_equal(err_fault(ERR_ORIGIN_REFUSED), FAULT_ORIGIN);
    assert_int_equal(err_retry(ERR_ORIGIN_STALE), RETRY_IDEMPOTENT);
    assert_int_equal(err_retry(ERR_INVALID), RETRY_NEVER);
    assert_int_equal(err_fault(ERR_INTERNAL), FAULT_OURS);
    assert_int_equal(ERR_OK, 0);
}

static void look_up_unknown_error(void *arg)
{
    (void)arg;
    (void)err_slug((enum err)9999);
}

static void an_error_that_is_not_in_the_table_aborts(void **state)
{
    (void)state;
    assert_true(dies(look_up_unknown_error, NULL));
}

static void problem_says_where_and_what(void **state)
{
    (void)state;
    struct problem p;

    assert_int_equal(problem_set(&p, ERR_LIMIT, "ttl", "at least %d", 60), ERR_LIMIT);

    assert_int_equal(p.code, ERR_LIMIT);
    assert_string_equal(p.path, "ttl");
    assert_string_equal(p.text, "at least 60");
}

static void problem_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(problem_set(NULL, ERR_INVALID, "ttl", "%s", "x"), ERR_INVALID);
}

static void problem_without_path_has_an_empty_one(void **state)
{
    (void)state;
    struct problem p;
    assert_int_equal(problem_set(&p, ERR_INVALID, NULL, "x"), ERR_INVALID);
    assert_string_equal(p.path, "");
}

static void long_problem_is_cut_between_characters(void **state)
{
    (void)state;
    struct problem p;
    char umlauts[400];
    for (size_t i = 0; i + 2 < sizeof(umlauts); i += 2)
        memcpy(umlauts + i, "\xc3\xbc", 3);

    assert_int_equal(problem_set(&p, ERR_INVALID, umlauts, "%s", umlauts), ERR_INVALID);

    /* 191 and 95 bytes would fit, which is half a character too many. */
    assert_int_equal(strlen(p.text), 190);
    assert_int_equal(strlen(p.path), 94);
}

static void whole_characters_at_the_cut_stay(void **state)
{
    (void)state;
    struct problem p;
    char euros[400] = "ab";
    for (size_t i = 2; i + 3 < sizeof(euros); i += 3)
        memcpy(euros + i, "\xe2\x82\xac", 4);

    assert_int_equal(problem_set(&p, ERR_INVALID, "", "%s", euros), ERR_INVALID);

    assert_int_equal(strlen(p.text), 191);
    assert_memory_equal(p.text + 188, "\xe2\x82\xac", 3);
}

static enum err step(enum err result, int *steps)
{
    ++*steps;
    return result;
}

static enum err two_steps(enum err first, int *steps)
{
    TRY(step(first, steps));
    TRY(step(ERR_OK, steps));
    return ERR_OK;
}

static void try_stops_at_the_first_failure(void **state)
{
    (void)state;
    int steps = 0;

    assert_int_equal(two_steps(ERR_BUSY, &steps), ERR_BUSY);
    assert_int_equal(steps, 1);

    assert_int_equal(two_steps(ERR_OK, &steps), ERR_OK);
    assert_int_equal(steps, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_slug_of_its_own),
        cmocka_unit_test(every_status_is_an_http_status),
        cmocka_unit_test(a_row_gives_status_retry_and_fault),
        cmocka_unit_test(an_error_that_is_not_in_the_table_aborts),
        cmocka_unit_test(problem_says_where_and_what),
        cmocka_unit_test(problem_may_be_null),
        cmocka_unit_test(problem_without_path_has_an_empty_one),
        cmocka_unit_test(long_problem_is_cut_between_characters),
        cmocka_unit_test(whole_characters_at_the_cut_stay),
        cmocka_unit_test(try_stops_at_the_first_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
