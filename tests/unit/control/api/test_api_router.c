/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api_router.c - methods and paths to routes.
 */
#include "control/api/api_router.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static enum err no_answer(struct api_request *request, struct api_reply *reply)
{
    (void)request;
    (void)reply;
    return ERR_OK;
}

static const struct api_route zones[] = {
    {API_GET, "/zones", PERMISSION_CALLER, no_answer, NULL, false},
    {API_POST, "/zones", PERMISSION_CALLER, no_answer, NULL, true},
    {API_GET, "/zones/{zone}", PERMISSION_CALLER, no_answer, NULL, false},
    {API_GET, "/zones/{zone}/fixed", PERMISSION_CALLER, no_answer, NULL, false},
    {API_GET, "/zones/{zone}/{anything}", PERMISSION_CALLER, no_answer, NULL, false},
    {API_GET, NULL, PERMISSION_CALLER, NULL, NULL, false},
};

static const struct api_route users[] = {
    {API_GET, "/user", PERMISSION_CALLER, no_answer, NULL, false},
    {API_GET, NULL, PERMISSION_CALLER, NULL, NULL, false},
};

static const struct api_route *const tables[] = {zones, users, NULL};

static enum api_error match(const char *method, const char *path, struct api_match *out)
{
    return api_router_match(tables, span_str(method), span_str(path), out);
}

static void a_fixed_path_matches_in_any_table(void **state)
{
    (void)state;
    struct api_match found;
    assert_int_equal(match("POST", "/zones", &found), API_ERROR_NONE);
    assert_ptr_equal(found.route, &zones[1]);
    assert_int_equal(match("GET", "/user", &found), API_ERROR_NONE);
    assert_ptr_equal(found.route, &users[0]);
}

static void what_stands_in_the_braces_is_handed_out(void **state)
{
    (void)state;
    struct api_match found;
    assert_int_equal(match("GET", "/zones/abc/def", &found), API_ERROR_NONE);
    assert_ptr_equal(found.route, &zones[4]);
    assert_true(span_equal(found.params[0], SPAN("abc")));
    assert_true(span_equal(found.params[1], SPAN("def")));
}

static void the_first_of_two_that_match_is_taken(void **state)
{
    (void)state;
    struct api_match found;
    assert_int_equal(match("GET", "/zones/abc/fixed", &found), API_ERROR_NONE);
    assert_ptr_equal(found.route, &zones[3]);
}

static void a_slash_at_the_end_means_the_same(void **state)
{
    (void)state;
    struct api_match found;
    assert_int_equal(match("GET", "/zones/", &found), API_ERROR_NONE);
    assert_ptr_equal(found.route, &zones[0]);
}

static void head_is_answered_like_get(void **state)
{
    (void)state;
    struct api_match found;
    assert_int_equal(match("HEAD", "/zones", &found), API_ERROR_NONE);
    assert_ptr_equal(found.route, &zones[0]);
}

static void another_method_is_told_what_is_allowed(void **state)
{
    (void)state;
    struct api_match found;
    assert_int_equal(match("DELETE", "/zones", &found), API_ERROR_METHOD);
    assert_null(found.route);
    assert_int_equal(found.allowed, 1u << API_GET | 1u << API_POST);
    assert_int_equal(match("get", "/zones", &found), API_ERROR_METHOD);
}

static void unknown_paths_match_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {"",          "/",       "/zone",          "/zoness",
                                        "/zones//x", "//zones", "/zones/a/b/c/d", "zones"};
    for (size_t i = 0; i < countof(paths); i++) {
        struct api_match found;
        assert_int_equal(match("GET", paths[i], &found), API_ERROR_NO_ROUTE);
        assert_int_equal(found.allowed, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_path_matches_in_any_table),
        cmocka_unit_test(what_stands_in_the_braces_is_handed_out),
        cmocka_unit_test(the_first_of_two_that_match_is_taken),
        cmocka_unit_test(a_slash_at_the_end_means_the_same),
        cmocka_unit_test(head_is_answered_like_get),
        cmocka_unit_test(another_method_is_told_what_is_allowed),
        cmocka_unit_test(unknown_paths_match_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
