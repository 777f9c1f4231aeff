/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api_table.c - the server's routes and schema/openapi.yaml say the same, both ways.
 *
 * The file is read by lines, not as YAML: a path is a key of two blanks under `paths:`, a method a
 * key of four.  Run from the repository's root, as `make unit` does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include <cmocka.h>

#include "control/api/api_router.h"

#define ROUTES_MAX 256

struct described {
    char path[128];
    char method[8];
    bool takes_json;
};

struct contract {
    struct described routes[ROUTES_MAX];
    size_t count;
};

/* "    get:" gives "get". */
static bool read_key(const char *line, size_t indent, char *out, size_t out_bytes)
{
    size_t blanks = strspn(line, " ");
    size_t len = strcspn(line + blanks, ":");
    if (blanks != indent || line[blanks + len] != ':')
        return false;
    return span_to_cstr(span_of(line + blanks, len), out, out_bytes);
}

static bool is_method(const char *word)
{
    for (unsigned i = 0; i < API_METHOD_COUNT; i++)
        if (strcasecmp(word, api_method_name((enum api_method)i)) == 0)
            return true;
    return false;
}

static int read_contract(void **state)
{
    struct contract *contract = test_calloc(1, sizeof(*contract));
    FILE *file = fopen("schema/openapi.yaml", "r");
    assert_non_null(file);
    char line[512], key[128], path[128] = "";
    bool within = false;
    while (fgets(line, sizeof(line), file)) {
        if (line[0] != ' ' && line[0] != '\n' && line[0] != '#')
            within = strncmp(line, "paths:", 6) == 0;
        if (within && read_key(line, 2, key, sizeof(key)))
            assert_true(span_to_cstr(span_str(key), path, sizeof(path)));
        struct described *newest = &contract->routes[contract->count];
        if (within && read_key(line, 4, key, sizeof(key)) && is_method(key)) {
            assert_true(contract->count < ROUTES_MAX - 1);
            assert_true(span_to_cstr(span_str(path), newest->path, sizeof(newest->path)));
            assert_true(span_to_cstr(span_str(key), newest->method, sizeof(newest->method)));
            contract->count++;
        }
        if (within && contract->count > 0 && read_key(line, 6, key, sizeof(key)) &&
            strcmp(key, "requestBody") == 0)
            contract->routes[contract->count - 1].takes_json = true;
        if (within && contract->count > 0 && strstr(line, " multipart/form-data:"))
            contract->routes[contract->count - 1].takes_json = false;
    }
    assert_int_equal(fclose(file), 0);
    *state = contract;
    return 0;
}

static int forget_contract(void **state)
{
    test_free(*state);
    return 0;
}

static const struct described *find_described(const struct contract *contract,
                                              const struct api_route *route)
{
    for (size_t i = 0; i < contract->count; i++)
        if (strcmp(contract->routes[i].path, route->pattern) == 0 &&
            strcasecmp(contract->routes[i].method, api_method_name(route->method)) == 0)
            return &contract->routes[i];
    return NULL;
}

static void every_route_is_described(void **state)
{
    const struct contract *contract = *state;
    size_t count = 0;
    for (const struct api_route *const *table = api_tables; *table; table++)
        for (const struct api_route *route = *table; route->pattern; route++) {
            const struct described *described = find_described(contract, route);
            if (!described)
                fail_msg("schema/openapi.yaml lacks %s %s", api_method_name(route->method),
                         route->pattern);
            if (described->takes_json != route->takes_json)
                fail_msg("%s %s: requestBody and takes_json differ", api_method_name(route->method),
                         route->pattern);
            assert_non_null(route->answer);
            if (route->permission == PERMISSION_UNSAID)
                fail_msg("%s %s names no permission", api_method_name(route->method),
                         route->pattern);
            count++;
        }
    assert_true(count > 20);
}

static void everything_described_is_a_route(void **state)
{
    const struct contract *contract = *state;
    assert_true(contract->count > 20);
    for (size_t i = 0; i < contract->count; i++) {
        const struct described *described = &contract->routes[i];
        char method[8] = "";
        for (size_t k = 0; described->method[k]; k++)
            method[k] = (char)(described->method[k] - ('a' - 'A'));
        struct api_match match;
        if (api_router_match(api_tables, span_str(method), span_str(described->path), &match) !=
                API_ERROR_NONE ||
            strcmp(match.route->pattern, described->path) != 0)
            fail_msg("no route for %s %s", method, described->path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described),
        cmocka_unit_test(everything_described_is_a_route),
    };
    return cmocka_run_group_tests(tests, read_contract, forget_contract);
}
