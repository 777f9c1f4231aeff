/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_document_override.c - settings that one hostname of a zone has for itself.
 */
#include "common/model/zone_document_override.h"

#include <stdlib.h>

#include "common/base/json.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/hostname.h"
#include "common/model/limits.h"

#define PATH_BYTES sizeof(((struct problem *)NULL)->path)

_Static_assert(SETTING_origin_max_http_version < SETTING_OVERRIDES, "a hostname may have its own");
_Static_assert(SETTING_origin_h2_max_streams < SETTING_OVERRIDES, "a hostname may have its own");

static int compare(const void *a, const void *b)
{
    const struct zone_override *left = a, *right = b;
    size_t shorter = left->name.len < right->name.len ? left->name.len : right->name.len;
    int order = shorter > 0 ? memcmp(left->name.ptr, right->name.ptr, shorter) : 0;
    if (order != 0)
        return order;
    return left->name.len < right->name.len ? -1 : left->name.len > right->name.len;
}

/* ---- encode */

static void encode_one(const struct zone_override *override, struct buf *out)
{
    buf_append_str(out, "{\"name\":\"");
    buf_append_json(out, override->name);
    buf_append_byte(out, '"');
    for (size_t i = 0; i < SETTING_OVERRIDES; i++) {
        struct setting_value value = override->values[i];
        if (!override->given[i])
            continue;
        buf_appendf(out, ",\"%s\":", setting_row((enum setting_id)i)->id);
        if (value.kind == SETTING_TEXT)
            buf_appendf(out, "\"%.*s\"", SPAN_ARG(setting_word((enum setting_id)i, value)));
        else
            buf_append_u64(out, value.number);
    }
    buf_append_byte(out, '}');
}

void zone_override_encode(const struct zone_document *document, struct buf *out)
{
    size_t count = document->override_count;
    if (count == 0)
        return;
    struct zone_override *sorted = mem_calloc(count, sizeof(*sorted));
    memcpy(sorted, document->overrides, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare);
    buf_append_str(out, ",\"overrides\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_byte(out, ',');
        encode_one(&sorted[i], out);
    }
    buf_append_byte(out, ']');
    mem_free(&sorted);
}

/* ---- decode */

struct override_members {
    struct span name;
};

/* The plan's rights are control's affair. */
static enum err decode_value(enum setting_id id, const json_t *value, struct zone_override *out,
                             struct problem *problem)
{
    if (value == NULL || json_is_null(value))
        return ERR_OK;
    out->given[id] = true;
    if (json_is_string(value)) {
        struct span word = span_of(json_string_value(value), json_string_length(value));
        return setting_parse_word(id, PLAN_ENTERPRISE, word, &out->values[id], problem);
    }
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    return setting_parse_number(id, PLAN_ENTERPRISE, number < 0 ? UINT64_MAX : (uint64_t)number,
                                &out->values[id], problem);
}

static enum err decode_one(const json_t *object, const char *path, struct zone_document *document,
                           struct zone_override *out, struct problem *problem)
{
    static const struct json_field fields[] = {
        JSON_TEXT("name", struct override_members, name, JSON_REQUIRED, LIMIT_HOSTNAME_BYTES),
        JSON_FIELDS_END,
    };
    struct override_members members = {SPAN_EMPTY};
    TRY(json_decode(object, fields, path, &members, problem));
    out->name = arena_copy(&document->arena, members.name);
    for (size_t i = 0; i < SETTING_OVERRIDES; i++) {
        const char *name = setting_row((enum setting_id)i)->id;
        enum err err =
            decode_value((enum setting_id)i, json_object_get(object, name), out, problem);
        if (err != ERR_OK) {
            if (problem != NULL)
                text_format(problem->path, sizeof(problem->path), "%s.%s", path, name);
            return err;
        }
    }
    return ERR_OK;
}

enum err zone_override_decode(const json_t *array, struct zone_document *out,
                              struct problem *problem)
{
    if (array == NULL || json_is_null(array))
        return ERR_OK;
    if (!json_is_array(array))
        return problem_set(problem, ERR_INVALID, "overrides", "must be an array");
    size_t count = json_array_size(array);
    if (count > LIMIT_ZONE_OVERRIDES)
        return problem_set(problem, ERR_LIMIT, "overrides", "must be at most %d",
                           LIMIT_ZONE_OVERRIDES);
    out->overrides = arena_calloc(&out->arena, count, sizeof(*out->overrides));
    for (size_t i = 0; i < count; i++) {
        char path[PATH_BYTES];
        text_format(path, sizeof(path), "overrides[%zu]", i);
        TRY(decode_one(json_array_get(array, i), path, out, &out->overrides[i], problem));
    }
    out->override_count = count;
    if (count > 0)
        qsort(out->overrides, count, sizeof(*out->overrides), compare);
    return ERR_OK;
}

/* ---- check */

static enum err check_one(const struct zone_document *document, size_t at, struct map *names,
                          struct problem *problem)
{
    const struct zone_override *override = &document->overrides[at];
    struct hostname name;
    char path[PATH_BYTES];
    text_format(path, sizeof(path), "overrides[%zu].name", at);
    if (hostname_parse(override->name, HOSTNAME_WILDCARD, &name, NULL) != ERR_OK ||
        !span_equal(hostname_span(&name), override->name))
        return problem_set(problem, ERR_INVALID, path, "is not a normalised hostname");
    if (!hostname_within(override->name, document->name))
        return problem_set(problem, ERR_INVALID, path, "%.*s is not within the zone",
                           SPAN_ARG(override->name));
    if (map_put(names, override->name, &document->overrides[at]) != NULL)
        return problem_set(problem, ERR_INVALID, path, "%.*s is there twice",
                           SPAN_ARG(override->name));
    return ERR_OK;
}

enum err zone_override_check(const struct zone_document *document, struct problem *problem)
{
    if (document->override_count > LIMIT_ZONE_OVERRIDES)
        return problem_set(problem, ERR_LIMIT, "overrides", "must be at most %d",
                           LIMIT_ZONE_OVERRIDES);
    struct map names;
    enum err err = ERR_OK;
    map_init(&names);
    for (size_t i = 0; err == ERR_OK && i < document->override_count; i++)
        err = check_one(document, i, &names, problem);
    map_release(&names);
    return err;
}

/* ---- use */

static const struct zone_override *find(const struct zone_document *document, struct span name)
{
    const struct zone_override wanted = {.name = name};
    return bsearch(&wanted, document->overrides, document->override_count, sizeof(wanted), compare);
}

uint64_t zone_document_setting_of(const struct zone_document *document, struct span host,
                                  enum setting_id id)
{
    struct hostname wildcard;
    if (document->override_count == 0 || (size_t)id >= SETTING_OVERRIDES)
        return zone_document_setting(document, id);
    const struct zone_override *found = find(document, host);
    if ((found == NULL || !found->given[id]) && hostname_wildcard_of(host, &wildcard))
        found = find(document, hostname_span(&wildcard));
    if (found == NULL || !found->given[id])
        return zone_document_setting(document, id);
    return found->values[id].number;
}
