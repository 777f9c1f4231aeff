/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_record.c - a DNS record, to JSON and from it.
 */
#include "control/api/api_record.h"

#include "common/base/json.h"
#include "control/api/api_record_data.h"
#include "control/api/api_reply.h"

#define PORT_MAX 65535
#define PRIORITY_MAX 65535
#define RECORD_TEXT(n, member, bytes_max) \
    JSON_TEXT_GIVEN(n, struct change_record_spec, member, member##_given, bytes_max)

static json_t *text_or_null(struct span text)
{
    return text.len ? api_json_text(text) : json_null();
}

json_t *api_record_json(const struct store_zone *zone, const struct store_record *record)
{
    bool proxiable = record_type_proxiable(record->type);
    json_t *json = json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:b, s:o, s:b, s:{}, s:{}, s:o, s:[]}", "id",
        api_json_id(&record->id), "zone_id", api_json_id(&zone->id), "zone_name",
        api_json_text(zone->name), "name", api_json_text(record->name), "type",
        record_type_name(record->type), "content", api_json_text(record->content), "proxiable",
        proxiable, "proxied", record->proxied, "ttl", api_json_u64(record->ttl_s), "locked", 0,
        "meta", "settings", "comment", text_or_null(record->comment), "tags");
    ASSERT(json != NULL);
    json_t *data = api_record_data_json(record);
    if (data)
        json_object_set_new(json, "data", data);
    if (record->priority_given)
        json_object_set_new(json, "priority", api_json_u64(record->priority));
    if (proxiable) {
        json_object_set_new(json, "origin_port",
                            record->origin_port ? api_json_u64(record->origin_port) : json_null());
        json_object_set_new(json, "origin_host_header", text_or_null(record->origin_host_header));
        json_object_set_new(json, "origin_sni", text_or_null(record->origin_sni));
    }
    json_object_set_new(json, "created_on", api_json_time(record->created_at_us));
    json_object_set_new(json, "modified_on", api_json_time(record->modified_at_us));
    return json;
}

/* ---- decode */

enum err api_record_decode(struct api_request *request, struct api_reply *reply, const json_t *json,
                           const char *path, struct change_record_spec *out)
{
    static const struct json_field fields[] = {
        RECORD_TEXT("type", type, 16),
        RECORD_TEXT("name", name, 1024),
        RECORD_TEXT("content", content, RECORD_CONTENT_BYTES_MAX),
        RECORD_TEXT("comment", comment, CHANGE_COMMENT_BYTES_MAX),
        RECORD_TEXT("origin_host_header", origin_host_header, 1024),
        RECORD_TEXT("origin_sni", origin_sni, 1024),
        JSON_U64_GIVEN("ttl", struct change_record_spec, ttl_s, ttl_given, 0, CHANGE_TTL_S_MAX),
        JSON_U64_GIVEN("priority", struct change_record_spec, priority, priority_given, 0,
                       PRIORITY_MAX),
        JSON_U64_GIVEN("origin_port", struct change_record_spec, origin_port, origin_port_given, 0,
                       PORT_MAX),
        JSON_BOOL_GIVEN("proxied", struct change_record_spec, proxied, proxied_given),
        JSON_FIELDS_END,
    };
    *out = (struct change_record_spec){0};
    TRY(json_decode(json, fields, path, out, &reply->problem));
    const json_t *data = json_object_get(json, "data");
    if (json_object_size(data) == 0 || out->content_given)
        return ERR_OK;
    return api_record_data_decode(data, &request->arena, out, &reply->problem);
}

const struct api_error_map api_record_errors[] = {
    {ERR_EXISTS, API_ERROR_RECORD_EXISTS},
    {ERR_CONFLICT, API_ERROR_RECORD_CLASH},
    {ERR_INVALID, API_ERROR_RECORD_INVALID},
    {ERR_ORIGIN_ADDRESS, API_ERROR_RECORD_INVALID},
    {ERR_OK, API_ERROR_NONE},
};
