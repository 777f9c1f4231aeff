/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - JSON text to values, and values to structs by a table of fields.
 */
#include "common/base/json.h"

#include <inttypes.h>

#include "common/base/text.h"

/* Where a scan over JSON text stands; columns count characters, not bytes. */
struct scan {
    size_t line, column;
    size_t depth;
    bool quoted, escaped;
};

static void scan_byte(struct scan *scan, uint8_t byte)
{
    if (byte == '\n') {
        scan->line++;
        scan->column = 0;
    } else if ((byte & 0xc0) != 0x80) {
        scan->column++;
    }

    if (scan->quoted) {
        if (byte == '"' && !scan->escaped)
            scan->quoted = false;
        scan->escaped = byte == '\\' && !scan->escaped;
    } else if (byte == '"') {
        scan->quoted = true;
    } else if (byte == '{' || byte == '[') {
        scan->depth++;
    } else if ((byte == '}' || byte == ']') && scan->depth > 0) {
        scan->depth--;
    }
}

/* Before the parser sees the text, because the parser recurses once per level. */
static enum err check_depth(struct span text, struct problem *problem)
{
    struct scan scan = {.line = 1};

    for (size_t i = 0; i < text.len; i++) {
        scan_byte(&scan, text.ptr[i]);
        if (scan.depth > JSON_DEPTH_MAX)
            return problem_set(problem, ERR_INVALID, "",
                               "line %zu column %zu: nested deeper than %d levels", scan.line,
                               scan.column, JSON_DEPTH_MAX);
    }
    return ERR_OK;
}

enum err json_parse(struct span text, json_t **out, struct problem *problem)
{
    json_error_t error;

    *out = NULL;
    TRY(check_depth(text, problem));
    *out = json_loadb(text.len ? (const char *)text.ptr : "", text.len, JSON_REJECT_DUPLICATES,
                      &error);
    if (!*out)
        return problem_set(problem, ERR_INVALID, "", "line %d column %d: %s",
                           error.line > 0 ? error.line : 1, error.column > 0 ? error.column : 0,
                           error.text);
    return ERR_OK;
}

/* Where the decoder stands, for the problem: the object's path and the member. */
struct place {
    const char *path;
    const struct json_field *field;
    struct problem *problem;
};

static enum err refuse(const struct place *place, const char *text)
{
    char path[sizeof(place->problem->path)];
    snprintf(path, sizeof(path), "%s%s%s", place->path, place->path[0] ? "." : "",
             place->field->name);
    return problem_set(place->problem, ERR_INVALID, path, "%s", text);
}

static enum err decode_text(const struct place *place, const json_t *value, struct span *out)
{
    const struct json_field *field = place->field;
    char text[96];

    if (!json_is_string(value))
        return refuse(place, "must be a string");
    size_t len = json_string_length(value);
    if (len < field->min || len > field->max) {
        if (field->min > 0)
            text_format(text, sizeof(text), "must be %" PRIu64 " to %" PRIu64 " bytes long",
                        field->min, field->max);
        else
            text_format(text, sizeof(text), "must be at most %" PRIu64 " bytes long", field->max);
        return refuse(place, text);
    }
    *out = span_of(json_string_value(value), len);
    return ERR_OK;
}

static enum err decode_u64(const struct place *place, const json_t *value, uint64_t *out)
{
    const struct json_field *field = place->field;
    char text[96];

    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (number < 0 || (uint64_t)number < field->min || (uint64_t)number > field->max) {
        text_format(text, sizeof(text), "must be a whole number from %" PRIu64 " to %" PRIu64,
                    field->min, field->max);
        return refuse(place, text);
    }
    *out = (uint64_t)number;
    return ERR_OK;
}

static enum err decode_bool(const struct place *place, const json_t *value, bool *out)
{
    if (!json_is_boolean(value))
        return refuse(place, "must be true or false");
    *out = json_is_true(value);
    return ERR_OK;
}

static enum err decode_value(const struct place *place, json_t *value, void *member)
{
    switch (place->field->kind) {
    case JSON_FIELD_TEXT:
        return decode_text(place, value, member);
    case JSON_FIELD_U64:
        return decode_u64(place, value, member);
    case JSON_FIELD_BOOL:
        return decode_bool(place, value, member);
    case JSON_FIELD_VALUE:
        *(json_t **)member = value;
        return ERR_OK;
    }
    UNREACHABLE();
}

enum err json_decode(const json_t *object, const struct json_field *fields, const char *path,
                     void *out_struct, struct problem *problem)
{
    uint8_t *base = out_struct;

    if (!json_is_object(object))
        return problem_set(problem, ERR_INVALID, path, "must be an object");
    for (const struct json_field *field = fields; field->name; field++) {
        const struct place place = {path, field, problem};
        json_t *value = json_object_get(object, field->name);
        if (!value || json_is_null(value)) {
            if (field->need == JSON_REQUIRED)
                return refuse(&place, "is required");
            continue;
        }
        TRY(decode_value(&place, value, base + field->offset));
        if (field->given_offset != SIZE_MAX)
            *(bool *)(base + field->given_offset) = true;
    }
    return ERR_OK;
}
