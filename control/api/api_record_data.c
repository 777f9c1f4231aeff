/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_record_data.c - which words of a record's content are which member of its `data`.
 */
#include "control/api/api_record_data.h"

#include "common/base/text.h"
#include "control/api/api_reply.h"

#define DECIMAL_BYTES_MAX 24
#define DECIMAL_DIGITS 15
#define WHOLE_MAX 1e15

enum member_kind {
    NUMBER,  /* 0..65535 */
    DECIMAL, /* "12.748" */
    METRES,  /* a decimal; "10m" in the content */
    WORD,
    QUOTED,
    REST, /* all that is left; may be nothing */
};

struct member {
    enum record_type type;
    const char *name;
    enum member_kind kind;
};

static const struct member members[] = {
    {RECORD_CAA, "flags", NUMBER},          {RECORD_CAA, "tag", WORD},
    {RECORD_CAA, "value", QUOTED},          {RECORD_SRV, "priority", NUMBER},
    {RECORD_SRV, "weight", NUMBER},         {RECORD_SRV, "port", NUMBER},
    {RECORD_SRV, "target", WORD},           {RECORD_HTTPS, "priority", NUMBER},
    {RECORD_HTTPS, "target", WORD},         {RECORD_HTTPS, "value", REST},
    {RECORD_SVCB, "priority", NUMBER},      {RECORD_SVCB, "target", WORD},
    {RECORD_SVCB, "value", REST},           {RECORD_TLSA, "usage", NUMBER},
    {RECORD_TLSA, "selector", NUMBER},      {RECORD_TLSA, "matching_type", NUMBER},
    {RECORD_TLSA, "certificate", WORD},     {RECORD_SMIMEA, "usage", NUMBER},
    {RECORD_SMIMEA, "selector", NUMBER},    {RECORD_SMIMEA, "matching_type", NUMBER},
    {RECORD_SMIMEA, "certificate", WORD},   {RECORD_SSHFP, "algorithm", NUMBER},
    {RECORD_SSHFP, "type", NUMBER},         {RECORD_SSHFP, "fingerprint", WORD},
    {RECORD_DS, "key_tag", NUMBER},         {RECORD_DS, "algorithm", NUMBER},
    {RECORD_DS, "digest_type", NUMBER},     {RECORD_DS, "digest", WORD},
    {RECORD_DNSKEY, "flags", NUMBER},       {RECORD_DNSKEY, "protocol", NUMBER},
    {RECORD_DNSKEY, "algorithm", NUMBER},   {RECORD_DNSKEY, "public_key", WORD},
    {RECORD_CERT, "type", NUMBER},          {RECORD_CERT, "key_tag", NUMBER},
    {RECORD_CERT, "algorithm", NUMBER},     {RECORD_CERT, "certificate", WORD},
    {RECORD_NAPTR, "order", NUMBER},        {RECORD_NAPTR, "preference", NUMBER},
    {RECORD_NAPTR, "flags", QUOTED},        {RECORD_NAPTR, "service", QUOTED},
    {RECORD_NAPTR, "regex", QUOTED},        {RECORD_NAPTR, "replacement", WORD},
    {RECORD_URI, "weight", NUMBER},         {RECORD_URI, "target", QUOTED},
    {RECORD_LOC, "lat_degrees", NUMBER},    {RECORD_LOC, "lat_minutes", NUMBER},
    {RECORD_LOC, "lat_seconds", DECIMAL},   {RECORD_LOC, "lat_direction", WORD},
    {RECORD_LOC, "long_degrees", NUMBER},   {RECORD_LOC, "long_minutes", NUMBER},
    {RECORD_LOC, "long_seconds", DECIMAL},  {RECORD_LOC, "long_direction", WORD},
    {RECORD_LOC, "altitude", METRES},       {RECORD_LOC, "size", METRES},
    {RECORD_LOC, "precision_horz", METRES}, {RECORD_LOC, "precision_vert", METRES},
};

/* An optional sign, digits, and digits behind a point. */
static bool is_decimal(struct span text)
{
    bool digits = false, pointed = false;
    if (text.len > DECIMAL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (text_is_digit(c))
            digits = true;
        else if (c == '.' && !pointed)
            pointed = true;
        else if (c != '-' || i > 0)
            return false;
    }
    return digits;
}

static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return true;
}

/* A quote stands only behind a backslash. */
static bool is_quotable(struct span text)
{
    bool escaped = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' && !escaped)
            return false;
        escaped = text.ptr[i] == '\\' && !escaped;
    }
    return !escaped && is_plain(text);
}

static bool is_word(struct span text)
{
    return text.len > 0 && is_quotable(text) && span_find(text, ' ') == text.len;
}

/* ---- content to data */

/* The next word, or what stands between quotes; false when there is none. */
static bool next_word(struct span *rest, bool quoted, struct span *out)
{
    *rest = span_trim(*rest);
    if (!quoted || rest->len == 0 || rest->ptr[0] != '"') {
        *out = span_split(rest, ' ');
        return out->len > 0;
    }
    size_t end = 1;
    while (end < rest->len && rest->ptr[end] != '"')
        end += rest->ptr[end] == '\\' ? 2 : 1;
    if (end >= rest->len)
        return false;
    *out = span_first(span_skip(*rest, 1), end - 1);
    *rest = span_skip(*rest, end + 1);
    return true;
}

/* 10.00 is the integer 10. */
static json_t *decimal_json(struct span text)
{
    json_t *json = is_decimal(text)
                       ? json_loadb((const char *)text.ptr, text.len, JSON_DECODE_ANY, NULL)
                       : NULL;
    if (!json_is_real(json))
        return json;
    double value = json_real_value(json);
    json_int_t whole = (json_int_t)(value > -WHOLE_MAX && value < WHOLE_MAX ? value : 0);
    if (value < (double)whole || value > (double)whole)
        return json;
    json_decref(json);
    return json_integer(whole);
}

/* NULL when it is not what the member is. */
static json_t *read_member(enum member_kind kind, struct span *rest)
{
    struct span text;
    uint64_t number = 0;
    if (kind == REST) {
        text = span_trim(*rest);
        *rest = SPAN_EMPTY;
        return api_json_text(text);
    }
    if (!next_word(rest, kind == QUOTED, &text))
        return NULL;
    if (kind == NUMBER)
        return text_parse_u64(text, UINT16_MAX, &number) == ERR_OK ? api_json_u64(number) : NULL;
    if (kind == METRES && text.ptr[text.len - 1] == 'm')
        text.len--;
    return kind == DECIMAL || kind == METRES ? decimal_json(text) : api_json_text(text);
}

json_t *api_record_data_json(const struct store_record *record)
{
    struct span rest = record->content;
    json_t *data = NULL;
    for (size_t i = 0; i < countof(members); i++) {
        if (members[i].type != record->type)
            continue;
        json_t *value = read_member(members[i].kind, &rest);
        if (!data)
            data = json_object();
        if (!value || json_object_set_new(data, members[i].name, value) != 0) {
            json_decref(data);
            return NULL;
        }
    }
    if (data && span_trim(rest).len > 0) {
        json_decref(data);
        return NULL;
    }
    return data;
}

/* ---- data to content */

/* Text and numbers as text; false for anything else. */
static bool member_text(const json_t *value, struct arena *arena, struct span *out)
{
    char number[DECIMAL_BYTES_MAX + 1];
    *out = SPAN_EMPTY;
    if (!value || json_is_null(value))
        return true;
    if (json_is_string(value)) {
        *out = span_of(json_string_value(value), json_string_length(value));
        return true;
    }
    if (!json_is_number(value))
        return false;
    size_t len = json_dumpb(value, number, sizeof(number),
                            JSON_ENCODE_ANY | JSON_REAL_PRECISION(DECIMAL_DIGITS));
    if (len > sizeof(number))
        return false;
    *out = arena_copy(arena, span_of(number, len));
    return true;
}

static bool write_member(enum member_kind kind, struct span text, struct buf *out)
{
    uint64_t number;
    bool measured = kind == NUMBER || kind == DECIMAL || kind == METRES;
    if (measured && text.len == 0)
        text = SPAN("0");
    bool valid = kind == NUMBER   ? text_parse_u64(text, UINT16_MAX, &number) == ERR_OK
                 : measured       ? is_decimal(text)
                 : kind == WORD   ? is_word(text)
                 : kind == QUOTED ? is_quotable(text)
                                  : is_plain(text);
    const char *quote = kind == QUOTED ? "\"" : "";
    if (valid)
        buf_appendf(out, "%s%s%.*s%s%s", out->len ? " " : "", quote, SPAN_ARG(text), quote,
                    kind == METRES ? "m" : "");
    return valid;
}

static enum err refuse(const struct member *member, struct problem *problem)
{
    static const char *const wanted[] = {
        [NUMBER] = "a whole number between 0 and 65535",
        [DECIMAL] = "a decimal number",
        [METRES] = "a decimal number",
        [WORD] = "one word",
        [QUOTED] = "text without quotes and control characters",
        [REST] = "text without control characters",
    };
    char path[sizeof("data.precision_horz")];
    text_format(path, sizeof(path), "data.%s", member->name);
    return problem_set(problem, ERR_INVALID, path, "must be %s", wanted[member->kind]);
}

static enum err compose(const json_t *data, struct arena *arena,
                        const struct change_record_spec *spec, struct buf *out,
                        struct problem *problem)
{
    enum record_type type;
    if (record_type_parse(spec->type, &type) != ERR_OK)
        return ERR_OK;
    for (size_t i = 0; i < countof(members); i++) {
        const struct member *member = &members[i];
        const json_t *value = json_object_get(data, member->name);
        struct span text = SPAN_EMPTY;
        if (member->type != type)
            continue;
        if (!member_text(value, arena, &text))
            return refuse(member, problem);
        if (text.len == 0 && spec->priority_given && strcmp(member->name, "priority") == 0) {
            char digits[32];
            text = span_of(digits, text_format(digits, sizeof(digits), "%llu",
                                               (unsigned long long)spec->priority));
            text = arena_copy(arena, text);
        }
        if (!write_member(member->kind, text, out))
            return refuse(member, problem);
    }
    return ERR_OK;
}

enum err api_record_data_decode(const json_t *data, struct arena *arena,
                                struct change_record_spec *spec, struct problem *problem)
{
    struct buf content;
    if (!spec->type_given)
        return problem_set(problem, ERR_INVALID, "type", "is required beside data");
    buf_init(&content, RECORD_CONTENT_BYTES_MAX);
    enum err err = compose(data, arena, spec, &content, problem);
    if (err == ERR_OK && content.overflowed)
        err = problem_set(problem, ERR_INVALID, "data", "is too long");
    if (err == ERR_OK && content.len > 0) {
        spec->content = arena_copy(arena, buf_span(&content));
        spec->content_given = true;
    }
    buf_release(&content);
    return err;
}
