/* SPDX-License-Identifier: Apache-2.0 */
/* test_token_policy.c - what a token's policies and conditions may say, and how much of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/json.h"
#include "control/change/token_policy.h"

#define GROUP "{\"id\":\"4755a26eedb94da69e1066d98aa820be\"}"
#define ALL "\"com.cloudflare.api.account.*\":\"*\""
#define POLICIES(groups, resources)                                            \
    "[{\"effect\":\"allow\",\"permission_groups\":[" groups "],\"resources\":" \
    "{" resources "}}]"

static json_t *parse(const char *text)
{
    struct problem problem = {.code = ERR_OK};
    json_t *value = NULL;
    assert_int_equal(json_parse(span_str(text), &value, &problem), ERR_OK);
    return value;
}

static enum err read_value(const json_t *list)
{
    struct problem problem = {.code = ERR_OK};
    struct policies policies;
    struct arena arena;
    arena_init(&arena, NULL);
    enum err err = token_policies_read(list, &arena, &policies, &problem);
    arena_release(&arena);
    return err;
}

static enum err read_text(const char *text)
{
    json_t *list = parse(text);
    enum err err = read_value(list);
    json_decref(list);
    return err;
}

static enum err read_condition(const char *text, struct token_networks *out)
{
    struct problem problem = {.code = ERR_OK};
    json_t *condition = parse(text);
    enum err err = token_condition_read(condition, out, &problem);
    json_decref(condition);
    return err;
}

static void what_is_known_is_read(void **state)
{
    (void)state;
    assert_int_equal(read_text(POLICIES(GROUP, ALL)), ERR_OK);
    assert_int_equal(read_text(POLICIES(GROUP, "\"com.cloudflare.api.account."
                                               "0123456789abcdef0123456789abcdef\":{"
                                               "\"com.cloudflare.api.account.zone.*\":\"*\"}")),
                     ERR_OK);
}

static void what_is_not_known_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text("[]"), ERR_INVALID);
    assert_int_equal(read_text("[1]"), ERR_INVALID);
    assert_int_equal(read_text(POLICIES("", ALL)), ERR_INVALID);
    assert_int_equal(read_text(POLICIES("{\"id\":1}", ALL)), ERR_INVALID);
    assert_int_equal(read_text(POLICIES(GROUP, "")), ERR_INVALID);
    assert_int_equal(read_text(POLICIES(GROUP, "\"com.cloudflare.api.account.*\":1")), ERR_INVALID);
}

/* What is kept of a policy is bounded by what is understood of it. */
static void nothing_is_kept_that_is_not_looked_at(void **state)
{
    (void)state;
    assert_int_equal(read_text(POLICIES(GROUP, "\"com.cloudflare.api.account."
                                               "0123456789abcdef0123456789abcdef\":{"
                                               "\"com.cloudflare.api.account.zone.*\":\"long\"}")),
                     ERR_INVALID);
    json_t *list = parse(POLICIES(GROUP, ALL));
    json_t *groups = json_object_get(json_array_get(list, 0), "permission_groups");
    while (json_array_size(groups) < PERMISSION_COUNT)
        json_array_append(groups, json_array_get(groups, 0));
    assert_int_equal(read_value(list), ERR_OK);
    json_array_append(groups, json_array_get(groups, 0));
    assert_int_equal(read_value(list), ERR_LIMIT);
    json_decref(list);
}

static void a_condition_holds_networks(void **state)
{
    struct token_networks networks;
    (void)state;
    assert_int_equal(read_condition("{\"request_ip\":{\"in\":[\"192.0.2.0/24\"]}}", &networks),
                     ERR_OK);
    assert_int_equal(networks.in.count, 1);
    assert_int_equal(read_condition("{\"request_ip\":null,\"request.ip\":{\"not_in\":"
                                    "[\"192.0.2.0/24\"]}}",
                                    &networks),
                     ERR_OK);
    assert_int_equal(networks.not_in.count, 1);
    assert_int_equal(read_condition("{}", &networks), ERR_OK);
}

static void a_condition_that_is_not_understood_is_not_dropped(void **state)
{
    static const char *const texts[] = {
        "[\"192.0.2.0/24\"]",
        "{\"request_ip\":[\"192.0.2.0/24\"]}",
        "{\"request_ip\":\"192.0.2.0/24\"}",
        "{\"request.ip\":[\"192.0.2.0/24\"]}",
        "{\"request_ip\":{\"in\":\"192.0.2.0/24\"}}",
        "{\"request_ip\":{\"in\":[\"192.0.2.0/33\"]}}",
    };
    struct token_networks networks;
    (void)state;
    for (size_t i = 0; i < countof(texts); i++)
        assert_int_equal(read_condition(texts[i], &networks), ERR_INVALID);
}

static void a_token_is_good_from_where_its_condition_says(void **state)
{
    static const struct {
        const char *from;
        bool good;
    } rows[] = {{"192.0.2.1", true}, {"192.0.2.9", false}, {"198.51.100.1", false}, {"", false}};
    const struct span text =
        SPAN("{\"request_ip\":{\"in\":[\"192.0.2.0/24\"],\"not_in\":[\"192.0.2.9\"]}}");
    bool good;
    (void)state;
    for (size_t i = 0; i < countof(rows); i++) {
        assert_int_equal(token_condition_check(text, span_str(rows[i].from), &good), ERR_OK);
        assert_int_equal(good, rows[i].good);
    }
    assert_int_equal(token_condition_check(SPAN_EMPTY, SPAN(""), &good), ERR_OK);
    assert_true(good);
    assert_int_equal(token_condition_check(SPAN("{"), SPAN("192.0.2.1"), &good), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_is_read),
        cmocka_unit_test(what_is_not_known_is_refused),
        cmocka_unit_test(nothing_is_kept_that_is_not_looked_at),
        cmocka_unit_test(a_condition_holds_networks),
        cmocka_unit_test(a_condition_that_is_not_understood_is_not_dropped),
        cmocka_unit_test(a_token_is_good_from_where_its_condition_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
