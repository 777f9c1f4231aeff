/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api_record_data.c - structured records: members to content and back.
 */
#include "control/api/api_record_data.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct example {
    const char *type, *data, *content;
};

/* What goes in comes out. */
static const struct example examples[] = {
    {"CAA", "{\"flags\":0,\"tag\":\"issue\",\"value\":\"ca.example; a=b\"}",
     "0 issue \"ca.example; a=b\""},
    {"SRV", "{\"priority\":1,\"weight\":2,\"port\":5060,\"target\":\"sip.example.net\"}",
     "1 2 5060 sip.example.net"},
    {"SSHFP", "{\"algorithm\":4,\"type\":2,\"fingerprint\":\"abcd\"}", "4 2 abcd"},
    {"TLSA", "{\"usage\":3,\"selector\":1,\"matching_type\":1,\"certificate\":\"ef01\"}",
     "3 1 1 ef01"},
    {"DS", "{\"key_tag\":42,\"algorithm\":13,\"digest_type\":2,\"digest\":\"aa\"}", "42 13 2 aa"},
    {"HTTPS", "{\"priority\":1,\"target\":\".\",\"value\":\"alpn=\\\"h3,h2\\\" port=8443\"}",
     "1 . alpn=\"h3,h2\" port=8443"},
    {"NAPTR",
     "{\"order\":100,\"preference\":10,\"flags\":\"U\",\"service\":\"E2U+sip\",\"regex\":"
     "\"!^.*$!sip:a@b!\",\"replacement\":\".\"}",
     "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:a@b!\" ."},
    {"URI", "{\"weight\":5,\"target\":\"https://example.net/a b\"}",
     "5 \"https://example.net/a b\""},
    {"LOC",
     "{\"lat_degrees\":51,\"lat_minutes\":30,\"lat_seconds\":12.748,\"lat_direction\":\"N\","
     "\"long_degrees\":0,\"long_minutes\":7,\"long_seconds\":39,\"long_direction\":\"W\","
     "\"altitude\":-2.5,\"size\":1,\"precision_horz\":10000,\"precision_vert\":10}",
     "51 30 12.748 N 0 7 39 W -2.5m 1m 10000m 10m"},
};

static enum err decode(const char *type, const char *data, struct arena *arena,
                       struct change_record_spec *spec, struct problem *problem)
{
    json_t *json;
    spec->type = span_str(type);
    spec->type_given = type[0] != '\0';
    assert_int_equal(json_parse(span_str(data), &json, problem), ERR_OK);
    enum err err = api_record_data_decode(json, arena, spec, problem);
    json_decref(json);
    return err;
}

static void members_become_content_and_content_members(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(examples); i++) {
        struct change_record_spec spec = {.type_given = false};
        struct problem problem = {.code = ERR_OK};
        struct store_record record = {.content = span_str(examples[i].content)};
        struct arena arena;
        arena_init(&arena, NULL);
        assert_int_equal(decode(examples[i].type, examples[i].data, &arena, &spec, &problem),
                         ERR_OK);
        assert_true(spec.content_given);
        assert_true(span_equal(spec.content, record.content));
        assert_int_equal(record_type_parse(spec.type, &record.type), ERR_OK);
        json_t *data = api_record_data_json(&record);
        char text[512];
        size_t len = json_dumpb(data, text, sizeof(text), JSON_COMPACT | JSON_REAL_PRECISION(15));
        text[len] = '\0';
        assert_string_equal(text, examples[i].data);
        json_decref(data);
        arena_release(&arena);
    }
}

static void numbers_may_be_text_and_absent_ones_are_0(void **state)
{
    (void)state;
    struct change_record_spec spec = {.priority = 7, .priority_given = true};
    struct problem problem = {.code = ERR_OK};
    struct arena arena;
    arena_init(&arena, NULL);
    assert_int_equal(
        decode("SSHFP", "{\"algorithm\":\"4\",\"fingerprint\":\"ab\"}", &arena, &spec, &problem),
        ERR_OK);
    assert_true(span_equal(spec.content, SPAN("4 0 ab")));
    assert_int_equal(
        decode("SRV", "{\"port\":443,\"target\":\"a.example\"}", &arena, &spec, &problem), ERR_OK);
    assert_true(span_equal(spec.content, SPAN("7 0 443 a.example")));
    arena_release(&arena);
}

static void what_a_member_cannot_be_is_refused_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *type, *data, *path;
    } bad[] = {
        {"SSHFP", "{\"algorithm\":4}", "data.fingerprint"},
        {"SSHFP", "{\"algorithm\":70000,\"fingerprint\":\"ab\"}", "data.algorithm"},
        {"SSHFP", "{\"algorithm\":[],\"fingerprint\":\"ab\"}", "data.algorithm"},
        {"SSHFP", "{\"fingerprint\":\"a b\"}", "data.fingerprint"},
        {"CAA", "{\"tag\":\"issue\",\"value\":\"a\\\"b\"}", "data.value"},
        {"NAPTR", "{\"flags\":\"a\\\\\",\"replacement\":\".\"}", "data.flags"},
        {"HTTPS", "{\"target\":\".\",\"value\":\"a\\nb\"}", "data.value"},
        {"LOC", "{\"lat_direction\":\"N\",\"lat_seconds\":\"1.2.3\"}", "data.lat_seconds"},
        {"", "{\"fingerprint\":\"ab\"}", "type"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct change_record_spec spec = {.type_given = false};
        struct problem problem = {.code = ERR_OK};
        struct arena arena;
        arena_init(&arena, NULL);
        assert_int_equal(decode(bad[i].type, bad[i].data, &arena, &spec, &problem), ERR_INVALID);
        assert_string_equal(problem.path, bad[i].path);
        arena_release(&arena);
    }
}

static void content_of_another_form_and_types_without_members_have_no_data(void **state)
{
    (void)state;
    static const struct {
        enum record_type type;
        const char *content;
    } cases[] = {
        {RECORD_TXT, "4 2 ab"},      {RECORD_SSHFP, "4 2"},
        {RECORD_SSHFP, "4 2 ab cd"}, {RECORD_SSHFP, "four 2 ab"},
        {RECORD_LOC, "51 N 0 W"},    {RECORD_NAPTR, "1 2 \"a"},
        {RECORD_NAPTR, "1 2 \"a\\"}, {RECORD_URI, "10 1 \"https://a\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct store_record record = {.type = cases[i].type, .content = span_str(cases[i].content)};
        assert_null(api_record_data_json(&record));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_become_content_and_content_members),
        cmocka_unit_test(numbers_may_be_text_and_absent_ones_are_0),
        cmocka_unit_test(what_a_member_cannot_be_is_refused_by_its_name),
        cmocka_unit_test(content_of_another_form_and_types_without_members_have_no_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
