/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_overrides.c - /zones/{zone}/hostnames/settings: what one hostname has for itself.
 */
#include "control/api/api_body.h"
#include "control/api/api_page.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_setting.h"
#include "control/api/api_zone.h"
#include "control/change/change_override.h"
#include "control/store/store_overrides.h"

static json_t *override_json(const struct store_override *override)
{
    return json_pack("{s:o, s:s, s:o, s:s, s:o, s:o}", "hostname",
                     api_json_text(override->hostname), "setting_id",
                     setting_row(override->setting)->id, "value",
                     api_setting_value_json(override->setting, override->value), "status", "active",
                     "created_at", api_json_time(override->created_at_us), "updated_at",
                     api_json_time(override->modified_at_us));
}

/* The rows of the zone, and which setting the path names. */
static enum err load(struct api_request *request, struct api_reply *reply,
                     struct store_override_list *list, enum setting_id *setting)
{
    struct store_zone zone;
    struct store_conn *conn;
    struct hostname any;
    TRY(api_zone_read(request, &zone));
    if (change_override_parse(request->params[1], zone.name, setting, &any, &reply->problem) !=
        ERR_OK) {
        reply->error = API_ERROR_SETTING_UNKNOWN;
        return ERR_NOT_FOUND;
    }
    TRY(api_reader(request, &conn));
    return store_override_list(conn, &zone.id, zone.plan, &request->arena, list);
}

static enum err override_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {LIMIT_ZONE_OVERRIDES, 100};
    struct store_override_list list;
    enum setting_id setting;
    struct api_page page;
    TRY(api_page_read(request, reply, &rule, &page));
    TRY(load(request, reply, &list, &setting));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++) {
        if (list.rows[i].setting != setting)
            continue;
        uint64_t place = page.total_count++;
        if (place >= page.offset && place - page.offset < page.per_page)
            json_array_append_new(rows, override_json(&list.rows[i]));
    }
    page.count = json_array_size(rows);
    return api_reply_page(reply, rows, &page);
}

static enum err override_details(struct api_request *request, struct api_reply *reply)
{
    struct store_override_list list;
    enum setting_id setting;
    struct hostname name;
    TRY(load(request, reply, &list, &setting));
    TRY(change_override_parse(request->params[1], request->params[2], &setting, &name,
                              &reply->problem));
    for (size_t i = 0; i < list.count; i++)
        if (list.rows[i].setting == setting &&
            span_equal(list.rows[i].hostname, hostname_span(&name)))
            return api_reply_result(reply, override_json(&list.rows[i]));
    return ERR_NOT_FOUND;
}

struct override_spec {
    json_t *value;
};

/* ERR_NOT_FOUND is a zone that is not there, a setting that hostnames cannot have, or a hostname
 * that has no value. */
static enum err settle(struct api_reply *reply, enum err err)
{
    struct span path = span_str(reply->problem.path);
    if (err == ERR_NOT_FOUND && span_equal(path, SPAN("id")))
        reply->error = API_ERROR_SETTING_UNKNOWN;
    if (err == ERR_INVALID && span_equal(path, SPAN("hostname")))
        reply->error = API_ERROR_FIELD;
    if (err == ERR_FORBIDDEN && path.len == 0)
        reply->error = API_ERROR_NOT_ALLOWED;
    return err;
}

static enum err override_put(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_VALUE("value", struct override_spec, value, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct override_spec spec = {0};
    struct id zone_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_body_decode(request, reply, fields, &spec));
    struct change_setting item = {.id = request->params[1], .path = ""};
    api_setting_read(spec.value, &item);
    TRY(api_change_begin(request, reply));
    TRY(settle(reply, change_override_put(request->change, &zone_id, request->params[2], &item,
                                          &reply->problem)));
    TRY(api_change_commit(request, reply));
    return override_details(request, reply);
}

static enum err override_delete(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_change_begin(request, reply));
    TRY(settle(reply, change_override_delete(request->change, &zone_id, request->params[2],
                                             request->params[1], &reply->problem)));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply,
                            json_pack("{s:o, s:o}", "hostname", api_json_text(request->params[2]),
                                      "setting_id", api_json_text(request->params[1])));
}

static const struct api_error_map override_errors[] = {
    {ERR_INVALID, API_ERROR_SETTING_VALUE},
    {ERR_FORBIDDEN, API_ERROR_SETTING_PLAN},
    {ERR_OK, API_ERROR_NONE},
};

#define SETTING "/zones/{zone}/hostnames/settings/{setting}"

const struct api_route api_overrides_routes[] = {
    {API_GET, SETTING, PERMISSION_SETTING_READ, override_list, NULL, false},
    {API_GET, SETTING "/{hostname}", PERMISSION_SETTING_READ, override_details, NULL, false},
    {API_PUT, SETTING "/{hostname}", PERMISSION_SETTING_EDIT, override_put, override_errors, true},
    {API_DELETE, SETTING "/{hostname}", PERMISSION_SETTING_EDIT, override_delete, override_errors,
     false},
    API_ROUTES_END,
};
