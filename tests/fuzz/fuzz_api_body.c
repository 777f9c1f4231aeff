/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_api_body.c - JSON bodies of the REST API: what is taken is in range and has one written
 * form; what is not taken says where.
 *
 * The shapes are those of a DNS record and of a list of settings; their values go on to the rooms
 * that judge them.
 */
#include "common/base/json.h"
#include "common/model/record.h"
#include "common/model/setting.h"

#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

#define TTL_MAX 86400
#define TEXT_MAX 4096

struct body {
    struct span type, content, id;
    uint64_t ttl, priority;
    bool proxied, ttl_given, id_given, proxied_given;
    json_t *items, *value;
};

static const struct json_field fields[] = {
    JSON_TEXT("type", struct body, type, JSON_OPTIONAL, 16),
    JSON_TEXT("content", struct body, content, JSON_OPTIONAL, TEXT_MAX),
    JSON_TEXT_GIVEN("id", struct body, id, id_given, 64),
    JSON_U64_GIVEN("ttl", struct body, ttl, ttl_given, 1, TTL_MAX),
    JSON_U64("priority", struct body, priority, JSON_OPTIONAL, 0, UINT64_MAX),
    JSON_BOOL_GIVEN("proxied", struct body, proxied, proxied_given),
    JSON_VALUE("items", struct body, items, JSON_OPTIONAL),
    JSON_VALUE("value", struct body, value, JSON_OPTIONAL),
    JSON_FIELDS_END,
};

static void check_record(const struct body *body)
{
    const struct address_policy policy = {.port_count = 0};
    struct record_content content = {.proxied = body->proxied, .text = body->content};
    char first[RECORD_CONTENT_BYTES_MAX + 1], second[RECORD_CONTENT_BYTES_MAX + 1];

    if (record_type_parse(body->type, &content.type) != ERR_OK)
        return;
    struct problem problem = {.text = ""};
    if (record_check_content(&content, &policy, first, sizeof(first), &problem) != ERR_OK) {
        ASSERT(problem.text[0] != '\0');
        return;
    }
    ASSERT(strlen(first) < sizeof(first));
    content.text = span_str(first);
    ASSERT(record_check_content(&content, &policy, second, sizeof(second), NULL) == ERR_OK);
    ASSERT(strcmp(first, second) == 0);
}

static void check_setting(const struct body *body)
{
    enum setting_id id;
    struct setting_value value, again;

    if (!body->value || setting_find(body->id, &id) != ERR_OK)
        return;
    ASSERT(id < SETTING_COUNT);
    enum plan plan = body->proxied ? PLAN_ENTERPRISE : PLAN_FREE;
    if (json_is_string(body->value)) {
        struct span word = span_of(json_string_value(body->value), json_string_length(body->value));
        if (setting_parse_word(id, plan, word, &value, NULL) != ERR_OK)
            return;
        struct span written = setting_word(id, value);
        ASSERT(setting_parse_word(id, plan, written, &again, NULL) == ERR_OK);
        ASSERT(again.number == value.number);
    } else if (json_is_integer(body->value) && json_integer_value(body->value) >= 0) {
        uint64_t number = (uint64_t)json_integer_value(body->value);
        if (setting_parse_number(id, plan, number, &value, NULL) == ERR_OK)
            ASSERT(number >= setting_row(id)->min && number <= setting_row(id)->max);
    }
}

static bool decode(const json_t *json, const char *path, struct body *out)
{
    struct problem problem = {.text = ""};
    *out = (struct body){.ttl = 1};
    enum err err = json_decode(json, fields, path, out, &problem);
    ASSERT(err == ERR_OK || (err == ERR_INVALID && problem.text[0] != '\0'));
    if (err != ERR_OK)
        return false;
    ASSERT(out->type.len <= 16 && out->content.len <= TEXT_MAX && out->id.len <= 64);
    ASSERT(out->ttl >= 1 && out->ttl <= TTL_MAX);
    ASSERT(out->id_given || out->id.len == 0);
    check_record(out);
    check_setting(out);
    return true;
}

static void check_written(const json_t *json)
{
    struct problem problem;
    json_t *again;
    char *text = json_dumps(json, JSON_COMPACT);
    ASSERT(text && json_parse(span_str(text), &again, &problem) == ERR_OK);
    ASSERT(json_equal(json, again));
    json_decref(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct problem problem = {.text = ""};
    struct body body, item;
    json_t *json;

    if (json_parse(span_of(bytes, len), &json, &problem) != ERR_OK) {
        ASSERT(json == NULL && problem.code == ERR_INVALID && problem.text[0] != '\0');
        return 0;
    }
    ASSERT(json_is_object(json) || json_is_array(json));
    check_written(json);
    if (json_is_object(json) && decode(json, "", &body) && json_is_array(body.items)) {
        for (size_t i = 0; i < json_array_size(body.items) && i < 16; i++)
            if (json_is_object(json_array_get(body.items, i)))
                (void)decode(json_array_get(body.items, i), "items[0]", &item);
    }
    json_decref(json);
    return 0;
}
