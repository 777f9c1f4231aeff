/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_record.c - a DNS record, to JSON and from it.
 */
#include "control/api/api_record.h"

#include "common/base/json.h"
#include "common/base/text.h"
#include "control/api/api_reply.h"

#define PORT_MAX 65535
#define PRIORITY_MAX 65535
#define RECORD_TEXT(n, member, bytes_max) \
    JSON_TEXT_GIVEN(n, struct change_record_spec, member, member##_given, bytes_max)

static json_t *text_or_null(struct span text)
{
    return text.len ? api_json_text(text) : json_null();
}

static json_t *number_of(struct span text)
{
    uint64_t number = 0;
    return text_parse_u64(text, UINT16_MAX, &number) == ERR_OK ? api_json_u64(number) : json_null();
}

/* Content is canonical: words that stand apart by one blank. */
static json_t *data_json(const struct store_record *record)
{
    struct span rest = record->content;
    if (record->type == RECORD_CAA) {
        struct span flags = span_split(&rest, ' '), tag = span_split(&rest, ' ');
        struct span value = rest.len >= 2 ? span_first(span_skip(rest, 1), rest.len - 2) : rest;
        return json_pack("{s:o, s:o, s:o}", "flags", number_of(flags), "tag", api_json_text(tag),
                         "value", api_json_text(value));
    }
    if (record->type == RECORD_SRV) {
        struct span priority = span_split(&rest, ' '), weight = span_split(&rest, ' ');
        struct span port = span_split(&rest, ' ');
        return json_pack("{s:o, s:o, s:o, s:o}", "priority", number_of(priority), "weight",
                         number_of(weight), "port", number_of(port), "target", api_json_text(rest));
    }
    return NULL;
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
    json_t *data = data_json(record);
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

struct data_members {
    struct span tag, value, target;
    uint64_t flags, priority, weight, port;
    bool priority_given;
};

static enum err compose_caa(const struct data_members *data, struct buf *out)
{
    if (data->tag.len == 0)
        return ERR_INVALID;
    buf_appendf(out, "%llu %.*s \"%.*s\"", (unsigned long long)data->flags, SPAN_ARG(data->tag),
                SPAN_ARG(data->value));
    return ERR_OK;
}

static enum err compose_srv(const struct data_members *data, struct buf *out)
{
    if (data->target.len == 0)
        return ERR_INVALID;
    buf_appendf(out, "%llu %llu %llu %.*s", (unsigned long long)data->priority,
                (unsigned long long)data->weight, (unsigned long long)data->port,
                SPAN_ARG(data->target));
    return ERR_OK;
}

/* Members of both types; those of other types are not looked at. */
static enum err decode_data(struct api_request *request, struct api_reply *reply,
                            const json_t *json, struct change_record_spec *out)
{
    static const struct json_field fields[] = {
        JSON_TEXT("tag", struct data_members, tag, JSON_OPTIONAL, 255),
        JSON_TEXT("value", struct data_members, value, JSON_OPTIONAL, RECORD_CONTENT_BYTES_MAX),
        JSON_TEXT("target", struct data_members, target, JSON_OPTIONAL, 1024),
        JSON_U64("flags", struct data_members, flags, JSON_OPTIONAL, 0, 255),
        JSON_U64_GIVEN("priority", struct data_members, priority, priority_given, 0, PRIORITY_MAX),
        JSON_U64("weight", struct data_members, weight, JSON_OPTIONAL, 0, UINT16_MAX),
        JSON_U64("port", struct data_members, port, JSON_OPTIONAL, 0, UINT16_MAX),
        JSON_FIELDS_END,
    };
    struct data_members data = {.flags = 0};
    bool caa = span_equal(out->type, SPAN("CAA"));
    if (!caa && !span_equal(out->type, SPAN("SRV")))
        return ERR_OK;
    TRY(json_decode(json, fields, "data", &data, &reply->problem));
    if (!data.priority_given)
        data.priority = out->priority;
    struct buf content;
    buf_init(&content, 2 * RECORD_CONTENT_BYTES_MAX);
    enum err err = caa ? compose_caa(&data, &content) : compose_srv(&data, &content);
    if (err == ERR_OK) {
        out->content = arena_copy(&request->arena, buf_span(&content));
        out->content_given = true;
    }
    buf_release(&content);
    return err == ERR_OK ? ERR_OK
                         : problem_set(&reply->problem, err, "data", "must have a %s",
                                       caa ? "tag and a value" : "target");
}

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
    return json_is_object(data) && !out->content_given ? decode_data(request, reply, data, out)
                                                       : ERR_OK;
}

const struct api_error_map api_record_errors[] = {
    {ERR_EXISTS, API_ERROR_RECORD_EXISTS},
    {ERR_CONFLICT, API_ERROR_RECORD_CLASH},
    {ERR_INVALID, API_ERROR_RECORD_INVALID},
    {ERR_ORIGIN_ADDRESS, API_ERROR_RECORD_INVALID},
    {ERR_OK, API_ERROR_NONE},
};
