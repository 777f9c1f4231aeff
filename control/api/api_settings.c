/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_settings.c - /zones/{zone}/settings: what a zone can be told.
 */
#include "common/base/text.h"
#include "control/api/api_body.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_setting.h"
#include "control/api/api_setting_fixed_table.h"
#include "control/api/api_zone.h"
#include "control/change/change_setting.h"
#include "control/store/store_settings.h"

#define ITEMS_MAX 100
#define ITEM_PATH_BYTES 24

struct fixed_row {
    const char *id, *value; /* JSON text */
};

static const struct fixed_row fixed_rows[] = {
#define X(id, value) {(id), (value)},
    API_SETTING_FIXED_TABLE(X)
#undef X
};

static const struct fixed_row *find_fixed(struct span id)
{
    for (size_t i = 0; i < countof(fixed_rows); i++)
        if (span_equal(id, span_str(fixed_rows[i].id)))
            return &fixed_rows[i];
    return NULL;
}

static json_t *fixed_json(const struct fixed_row *row)
{
    json_t *value = json_loads(row->value, JSON_DECODE_ANY, NULL);
    ASSERT(value != NULL);
    return json_pack("{s:s, s:o, s:b, s:n}", "id", row->id, "value", value, "editable", 0,
                     "modified_on");
}

static json_t *setting_json(enum setting_id id, const struct store_setting *setting)
{
    return json_pack("{s:s, s:o, s:b, s:o}", "id", setting_row(id)->id, "value",
                     api_setting_value_json(id, setting->value), "editable", 1, "modified_on",
                     api_json_time(setting->modified_at_us));
}

static enum err load_settings(struct api_request *request, struct id *zone_id,
                              struct store_setting settings[SETTING_COUNT])
{
    struct store_conn *conn;
    TRY(api_param_id(request, 0, zone_id));
    TRY(api_reader(request, &conn));
    return store_settings_load(conn, &request->actor.scope, zone_id, settings);
}

static enum err unknown_setting(struct api_reply *reply, struct span id)
{
    return api_fail(reply, API_ERROR_SETTING_UNKNOWN, "", "Unrecognized zone setting name: %.*s",
                    id.len > 64 ? 64 : (int)id.len, id.ptr ? (const char *)id.ptr : "");
}

static enum err setting_list(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id;
    struct store_setting settings[SETTING_COUNT];
    TRY(load_settings(request, &zone_id, settings));
    json_t *rows = json_array();
    for (size_t i = 0; i < SETTING_COUNT; i++)
        json_array_append_new(rows, setting_json((enum setting_id)i, &settings[i]));
    for (size_t i = 0; i < countof(fixed_rows); i++)
        json_array_append_new(rows, fixed_json(&fixed_rows[i]));
    return api_reply_result(reply, rows);
}

static enum err setting_details(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id;
    struct store_setting settings[SETTING_COUNT];
    enum setting_id id;
    TRY(load_settings(request, &zone_id, settings));
    const struct fixed_row *fixed = find_fixed(request->params[1]);
    if (fixed)
        return api_reply_result(reply, fixed_json(fixed));
    if (setting_find(request->params[1], &id) != ERR_OK)
        return unknown_setting(reply, request->params[1]);
    return api_reply_result(reply, setting_json(id, &settings[id]));
}

json_t *api_setting_value_json(enum setting_id id, struct setting_value value)
{
    return value.kind == SETTING_NUMBER ? api_json_u64(value.number)
                                        : api_json_text(setting_word(id, value));
}

void api_setting_read(const json_t *value, struct change_setting *item)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        item->kind = SETTING_NUMBER;
        item->number = (uint64_t)json_integer_value(value);
        return;
    }
    item->kind = SETTING_TEXT;
    if (json_is_string(value))
        item->word = span_of(json_string_value(value), json_string_length(value));
}

/* The first of them that no zone has: it may be one that is only answered. */
static void settle_unknown(struct api_reply *reply, const struct change_setting *items,
                           size_t count)
{
    enum setting_id id;
    reply->error = API_ERROR_SETTING_UNKNOWN;
    for (size_t i = 0; i < count; i++) {
        if (setting_find(items[i].id, &id) == ERR_OK)
            continue;
        const struct fixed_row *fixed = find_fixed(items[i].id);
        if (fixed)
            (void)api_fail(reply, API_ERROR_SETTING_PLAN, "",
                           "%s cannot be edited: its value is %s", fixed->id, fixed->value);
        return;
    }
}

/* ERR_NOT_FOUND is either a zone that is not there or a setting that does not exist. */
static enum err set(struct api_request *request, struct api_reply *reply, const struct id *zone_id,
                    const struct change_setting *items, size_t count)
{
    TRY(api_change_begin(request, reply));
    enum err err = change_settings_set(request->change, zone_id, items, count, &reply->problem);
    struct span path = span_str(reply->problem.path);
    if (err == ERR_NOT_FOUND && (span_equal(path, SPAN("id")) || span_ends_with(path, SPAN(".id"))))
        settle_unknown(reply, items, count);
    /* A role that may not edit at all has no member to name. */
    if (err == ERR_FORBIDDEN && path.len == 0)
        reply->error = API_ERROR_NOT_ALLOWED;
    TRY(err);
    return api_change_commit(request, reply);
}

struct setting_spec {
    struct span id;
    json_t *value;
};

static enum err setting_edit(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_VALUE("value", struct setting_spec, value, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct setting_spec spec = {0};
    struct id zone_id;
    struct store_setting settings[SETTING_COUNT];
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_body_decode(request, reply, fields, &spec));
    struct change_setting item = {.id = request->params[1], .path = ""};
    api_setting_read(spec.value, &item);
    TRY(set(request, reply, &zone_id, &item, 1));
    TRY(load_settings(request, &zone_id, settings));
    enum setting_id id;
    TRY(setting_find(item.id, &id));
    return api_reply_changed(reply, setting_json(id, &settings[id]), reply->revision);
}

struct bulk_spec {
    json_t *items;
};

static enum err decode_items(struct api_request *request, struct api_reply *reply,
                             struct change_setting *items, size_t *count_out)
{
    static const struct json_field bulk_fields[] = {
        JSON_VALUE("items", struct bulk_spec, items, JSON_REQUIRED),
        JSON_FIELDS_END,
    };
    static const struct json_field item_fields[] = {
        JSON_TEXT("id", struct setting_spec, id, JSON_REQUIRED, 64),
        JSON_VALUE("value", struct setting_spec, value, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct bulk_spec bulk = {0};
    TRY(api_body_decode(request, reply, bulk_fields, &bulk));
    *count_out = json_array_size(bulk.items);
    if (*count_out < 1 || *count_out > ITEMS_MAX)
        return api_fail(reply, API_ERROR_FIELD, "items", "must be a list of 1 to %d", ITEMS_MAX);
    for (size_t i = 0; i < *count_out; i++) {
        char *path = arena_alloc(&request->arena, ITEM_PATH_BYTES);
        struct setting_spec spec = {0};
        text_format(path, ITEM_PATH_BYTES, "items[%zu]", i);
        TRY(json_decode(json_array_get(bulk.items, i), item_fields, path, &spec, &reply->problem));
        items[i] = (struct change_setting){.id = spec.id, .path = path};
        api_setting_read(spec.value, &items[i]);
        text_format(path, ITEM_PATH_BYTES, "items[%zu].", i);
    }
    return ERR_OK;
}

static enum err setting_edit_bulk(struct api_request *request, struct api_reply *reply)
{
    struct change_setting items[ITEMS_MAX];
    struct store_setting settings[SETTING_COUNT];
    struct id zone_id;
    size_t count;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(decode_items(request, reply, items, &count));
    TRY(set(request, reply, &zone_id, items, count));
    TRY(load_settings(request, &zone_id, settings));
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        enum setting_id id;
        /* The change would have refused an unknown one. */
        ASSERT(setting_find(items[i].id, &id) == ERR_OK);
        json_array_append_new(rows, setting_json(id, &settings[id]));
    }
    return api_reply_changed(reply, rows, reply->revision);
}

static const struct api_error_map edit_errors[] = {
    {ERR_INVALID, API_ERROR_SETTING_VALUE},
    {ERR_FORBIDDEN, API_ERROR_SETTING_PLAN},
    {ERR_OK, API_ERROR_NONE},
};

const struct api_route api_settings_routes[] = {
    {API_GET, "/zones/{zone}/settings", PERMISSION_SETTING_READ, setting_list, NULL, false},
    {API_PATCH, "/zones/{zone}/settings", PERMISSION_SETTING_EDIT, setting_edit_bulk, edit_errors,
     true},
    {API_GET, "/zones/{zone}/settings/{setting}", PERMISSION_SETTING_READ, setting_details, NULL,
     false},
    {API_PATCH, "/zones/{zone}/settings/{setting}", PERMISSION_SETTING_EDIT, setting_edit,
     edit_errors, true},
    API_ROUTES_END,
};
