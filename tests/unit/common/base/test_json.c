/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_json.c - parsing with places, decoding with paths.
 */
#include "common/base/json.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "tests/unit/common/base/dies.h"

struct spec {
    struct span name;
    uint64_t ttl;
    bool ttl_given;
    bool proxied, proxied_given;
    struct span note;
    bool note_given;
    json_t *items;
};

static const struct json_field fields[] = {
    JSON_TEXT("name", struct spec, name, JSON_REQUIRED, 8),
    JSON_U64_GIVEN("ttl", struct spec, ttl, ttl_given, 60, 86400),
    JSON_BOOL_GIVEN("proxied", struct spec, proxied, proxied_given),
    JSON_TEXT_GIVEN("note", struct spec, note, note_given, 4),
    JSON_VALUE("items", struct spec, items, JSON_OPTIONAL),
    JSON_FIELDS_END,
};

static json_t *parse(struct span text)
{
    json_t *value;
    struct problem problem;
    assert_int_equal(json_parse(text, &value, &problem), ERR_OK);
    return value;
}

static void assert_parse_problem(struct span text, const char *beginning)
{
    json_t *value = NULL;
    struct problem problem = {0};
    assert_int_equal(json_parse(text, &value, &problem), ERR_INVALID);
    assert_null(value);
    assert_int_equal(problem.code, ERR_INVALID);
    if (strncmp(problem.text, beginning, strlen(beginning)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", problem.text, beginning);
}

static void assert_decode_problem(const char *text, const char *base, const char *path,
                                  const char *what)
{
    struct spec spec = {0};
    struct problem problem = {0};
    json_t *value = parse(span_str(text));
    assert_int_equal(json_decode(value, fields, base, &spec, &problem), ERR_INVALID);
    assert_string_equal(problem.path, path);
    assert_string_equal(problem.text, what);
    assert_int_equal(json_decode(value, fields, base, &spec, NULL), ERR_INVALID);
    json_decref(value);
}

static void parses_objects_and_arrays(void **state)
{
    (void)state;
    json_t *object = parse(SPAN(" {\"a\": [1, \"\\u00fc]}{\"]} \n"));
    assert_string_equal(json_string_value(json_array_get(json_object_get(object, "a"), 1)),
                        "\xc3\xbc]}{");
    json_decref(object);

    json_t *array = parse(SPAN("[]"));
    assert_true(json_is_array(array));
    json_decref(array);
}

static void parse_problems_name_line_and_column(void **state)
{
    (void)state;
    assert_parse_problem(SPAN("{\"a\": }"), "line 1 column 7: ");
    assert_parse_problem(SPAN("{\n  \"a\": 1,\n  \"b\": tru\n}"), "line 3 column 10: ");
    assert_parse_problem(SPAN("[1,\n2"), "line 2 column 1: ");
    assert_parse_problem(SPAN(""), "line 1 column ");
    assert_parse_problem(SPAN_EMPTY, "line 1 column ");
}

static void parse_refuses_what_is_not_json(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "null",          "1",          "\"a\"",          "{} x",
        "{'a':1}",       "[1,]",       "[01]",           "[+1]",
        "[NaN]",         "[1e999]",    "[\"\t\"]",       "[\"\\u0000\"]",
        "[\"\\ud800\"]", "[\"\xff\"]", "[\"\xc0\xaf\"]", "[99999999999999999999]",
        "// x\n[]",
    };
    for (size_t i = 0; i < countof(wrong); i++)
        assert_parse_problem(span_str(wrong[i]), "line 1 column ");
    assert_parse_problem(SPAN("[\0]"), "line 1 column ");
}

static void parse_refuses_duplicate_keys(void **state)
{
    (void)state;
    assert_parse_problem(SPAN("{\"a\":1,\n\"a\":2}"), "line 2 column 3: duplicate object key");
    assert_parse_problem(SPAN("{\"a\":1,\"\\u0061\":2}"), "line 1 column ");
}

static struct span nested(char *out, size_t depth)
{
    memset(out, '[', depth);
    memset(out + depth, ']', depth);
    return span_of(out, 2 * depth);
}

static void depth_is_limited(void **state)
{
    (void)state;
    static char text[400000];
    json_t *value = parse(nested(text, JSON_DEPTH_MAX));
    json_decref(value);

    assert_parse_problem(nested(text, JSON_DEPTH_MAX + 1),
                         "line 1 column 33: nested deeper than 32 levels");
    assert_parse_problem(nested(text, 200000), "line 1 column 33: nested deeper than 32 levels");
}

static void depth_problem_counts_lines_and_characters(void **state)
{
    (void)state;
    char text[200] = "[\"[[[\\\"[[[\",\n\"\xc3\xbc\xc3\xbc\",";
    size_t len = strlen(text);
    memset(text + len, '[', 40);
    assert_parse_problem(span_of(text, len + 40), "line 2 column 37: nested deeper");
}

static void brackets_inside_strings_are_not_depth(void **state)
{
    (void)state;
    char text[200] = "[\"";
    memset(text + 2, '[', 100);
    memcpy(text + 102, "\\\"[\"]", 6);
    json_decref(parse(span_str(text)));
}

static void siblings_are_not_depth(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 10000);
    buf_append_str(&text, "[[{}]");
    for (int i = 0; i < 1000; i++)
        buf_append_str(&text, ",[{}]");
    buf_append_byte(&text, ']');
    json_decref(parse(buf_span(&text)));
    buf_release(&text);
}

static void decodes_every_kind(void **state)
{
    (void)state;
    struct spec spec = {0};
    struct problem problem;
    json_t *value = parse(SPAN("{\"name\":\"www\",\"ttl\":60,\"proxied\":true,\"note\":\"\","
                               "\"items\":[1],\"unknown\":{}}"));

    assert_int_equal(json_decode(value, fields, "", &spec, &problem), ERR_OK);

    assert_span(spec.name, "www");
    assert_int_equal(spec.ttl, 60);
    assert_true(spec.ttl_given);
    assert_true(spec.proxied);
    assert_true(spec.proxied_given);
    assert_span(spec.note, "");
    assert_true(spec.note_given);
    assert_true(json_is_array(spec.items));
    json_decref(value);
}

static void absent_and_null_members_leave_the_default(void **state)
{
    (void)state;
    struct spec spec = {.ttl = 300, .proxied = true};
    json_t *value = parse(SPAN("{\"name\":\"\",\"ttl\":null,\"note\":null,\"items\":null}"));

    assert_int_equal(json_decode(value, fields, "", &spec, NULL), ERR_OK);

    assert_int_equal(spec.ttl, 300);
    assert_false(spec.ttl_given);
    assert_true(spec.proxied);
    assert_false(spec.proxied_given);
    assert_false(spec.note_given);
    assert_null(spec.items);
    json_decref(value);
}

static void given_false_is_given(void **state)
{
    (void)state;
    struct spec spec = {.proxied = true};
    json_t *value = parse(SPAN("{\"name\":\"a\",\"proxied\":false}"));
    assert_int_equal(json_decode(value, fields, "", &spec, NULL), ERR_OK);
    assert_false(spec.proxied);
    assert_true(spec.proxied_given);
    json_decref(value);
}

static void required_members_must_be_there(void **state)
{
    (void)state;
    assert_decode_problem("{}", "", "name", "is required");
    assert_decode_problem("{\"name\":null}", "items[2]", "items[2].name", "is required");
}

static void wrong_kinds_are_named_with_their_path(void **state)
{
    (void)state;
    assert_decode_problem("{\"name\":1}", "items[2]", "items[2].name", "must be a string");
    assert_decode_problem("{\"name\":\"a\",\"proxied\":1}", "", "proxied", "must be true or false");
    assert_decode_problem("{\"name\":\"a\",\"proxied\":\"true\"}", "", "proxied",
                          "must be true or false");
    assert_decode_problem("[]", "items[2]", "items[2]", "must be an object");
    assert_decode_problem("[]", "", "", "must be an object");
}

static void numbers_are_whole_and_in_range(void **state)
{
    (void)state;
    static const char *const wrong[] = {"59",  "86401",  "-60",  "60.0",
                                        "6e1", "\"60\"", "true", "[]"};
    for (size_t i = 0; i < countof(wrong); i++) {
        char text[64];
        snprintf(text, sizeof(text), "{\"name\":\"a\",\"ttl\":%s}", wrong[i]);
        assert_decode_problem(text, "", "ttl", "must be a whole number from 60 to 86400");
    }
}

static void both_ends_of_a_range_belong_to_it(void **state)
{
    (void)state;
    static const uint64_t good[] = {60, 86400};
    for (size_t i = 0; i < countof(good); i++) {
        struct spec spec = {0};
        json_t *value = json_pack("{s:s, s:I}", "name", "a", "ttl", (json_int_t)good[i]);
        assert_int_equal(json_decode(value, fields, "", &spec, NULL), ERR_OK);
        assert_int_equal(spec.ttl, good[i]);
        json_decref(value);
    }
}

static void text_is_limited_in_bytes(void **state)
{
    (void)state;
    struct spec spec = {0};
    json_t *value = parse(SPAN("{\"name\":\"12345678\"}"));
    assert_int_equal(json_decode(value, fields, "", &spec, NULL), ERR_OK);
    json_decref(value);

    assert_decode_problem("{\"name\":\"123456789\"}", "", "name", "must be at most 8 bytes long");
    assert_decode_problem("{\"name\":\"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\"}", "", "name",
                          "must be at most 8 bytes long");
}

static void text_may_have_a_minimum(void **state)
{
    (void)state;
    static const struct json_field short_fields[] = {
        {"name", JSON_FIELD_TEXT, JSON_REQUIRED, offsetof(struct spec, name), SIZE_MAX, 2, 4},
        JSON_FIELDS_END,
    };
    struct spec spec = {0};
    struct problem problem;
    json_t *value = parse(SPAN("{\"name\":\"a\"}"));
    assert_int_equal(json_decode(value, short_fields, "", &spec, &problem), ERR_INVALID);
    assert_string_equal(problem.text, "must be 2 to 4 bytes long");
    json_decref(value);
}

static void long_paths_are_cut_not_overrun(void **state)
{
    (void)state;
    struct spec spec = {0};
    struct problem problem;
    char base[300];
    memset(base, 'p', sizeof(base) - 1);
    base[sizeof(base) - 1] = '\0';
    json_t *value = parse(SPAN("{}"));
    assert_int_equal(json_decode(value, fields, base, &spec, &problem), ERR_INVALID);
    assert_int_equal(strlen(problem.path), sizeof(problem.path) - 1);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_objects_and_arrays),
        cmocka_unit_test(parse_problems_name_line_and_column),
        cmocka_unit_test(parse_refuses_what_is_not_json),
        cmocka_unit_test(parse_refuses_duplicate_keys),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(depth_problem_counts_lines_and_characters),
        cmocka_unit_test(brackets_inside_strings_are_not_depth),
        cmocka_unit_test(siblings_are_not_depth),
        cmocka_unit_test(decodes_every_kind),
        cmocka_unit_test(absent_and_null_members_leave_the_default),
        cmocka_unit_test(given_false_is_given),
        cmocka_unit_test(required_members_must_be_there),
        cmocka_unit_test(wrong_kinds_are_named_with_their_path),
        cmocka_unit_test(numbers_are_whole_and_in_range),
        cmocka_unit_test(both_ends_of_a_range_belong_to_it),
        cmocka_unit_test(text_is_limited_in_bytes),
        cmocka_unit_test(text_may_have_a_minimum),
        cmocka_unit_test(long_paths_are_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
