/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - JSON text to structs, by a table of fields, with problems that name the place.
 *
 *     struct setting_spec { struct span value; uint64_t ttl; bool ttl_given; };
 *     static const struct json_field fields[] = {
 *         JSON_TEXT("value", struct setting_spec, value, JSON_REQUIRED, 64),
 *         JSON_U64("ttl", struct setting_spec, ttl, JSON_OPTIONAL, 1, 86400),
 *         JSON_FIELDS_END,
 *     };
 *
 * Members that the table does not know are ignored (clients of other versions send them).  A
 * wrong type or range is ERR_INVALID with the path of the member ("items[2].value").  Text is
 * lent by the json_t: the struct lives as long as the value it was decoded from.
 */
#ifndef TRUNKLINE_COMMON_BASE_JSON_H
#define TRUNKLINE_COMMON_BASE_JSON_H

#include <jansson.h>

#include "common/base/err.h"
#include "common/base/span.h"

#define JSON_DEPTH_MAX 32

enum json_kind { JSON_FIELD_TEXT, JSON_FIELD_U64, JSON_FIELD_BOOL, JSON_FIELD_VALUE };
enum json_need { JSON_OPTIONAL, JSON_REQUIRED };

struct json_field {
    const char *name;
    enum json_kind kind;
    enum json_need need;
    size_t offset;       /* of the member: struct span, uint64_t, bool or json_t* (borrowed) */
    size_t given_offset; /* of a bool set to true when the member is there, or SIZE_MAX */
    uint64_t min, max;   /* of the number, or of the text's length in bytes */
};

/* clang-format off */
#define JSON_TEXT(n, type, member, need, max_bytes) \
    {(n), JSON_FIELD_TEXT, (need), offsetof(type, member), SIZE_MAX, 0, (max_bytes)}
#define JSON_U64(n, type, member, need, min, max) \
    {(n), JSON_FIELD_U64, (need), offsetof(type, member), SIZE_MAX, (min), (max)}
#define JSON_BOOL(n, type, member, need) \
    {(n), JSON_FIELD_BOOL, (need), offsetof(type, member), SIZE_MAX, 0, 0}
#define JSON_VALUE(n, type, member, need) \
    {(n), JSON_FIELD_VALUE, (need), offsetof(type, member), SIZE_MAX, 0, 0}
#define JSON_TEXT_GIVEN(n, type, member, given, max_bytes) \
    {(n), JSON_FIELD_TEXT, JSON_OPTIONAL, offsetof(type, member), offsetof(type, given), 0, \
     (max_bytes)}
#define JSON_U64_GIVEN(n, type, member, given, min, max) \
    {(n), JSON_FIELD_U64, JSON_OPTIONAL, offsetof(type, member), offsetof(type, given), (min), \
     (max)}
#define JSON_BOOL_GIVEN(n, type, member, given) \
    {(n), JSON_FIELD_BOOL, JSON_OPTIONAL, offsetof(type, member), offsetof(type, given), 0, 0}
#define JSON_FIELDS_END {NULL, JSON_FIELD_TEXT, JSON_OPTIONAL, 0, SIZE_MAX, 0, 0}
/* clang-format on */

/* Parses an object or an array (UTF-8, no duplicate keys, depth <= JSON_DEPTH_MAX).  On ERR_INVALID
 * the problem's text names line and column.  The caller owns *out (json_decref). */
MUST_USE enum err json_parse(struct span text, json_t **out, struct problem *problem);

/* Fills *out_struct, which the caller zeroed or set to defaults.  `null` counts as absent.  `path`
 * ("" or "items[2]") is put before the member's name in the problem. */
MUST_USE enum err json_decode(const json_t *object, const struct json_field *fields,
                              const char *path, void *out_struct, struct problem *problem);

#endif
