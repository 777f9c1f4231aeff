/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_origin_certificates.c - /certificates: what the origin CA signs for origins.
 */
#include "common/base/text.h"
#include "control/api/api_body.h"
#include "control/api/api_page.h"
#include "control/api/api_permit.h"
#include "control/api/api_query.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/change/change_origin_ca.h"
#include "control/store/store_origin_ca.h"

static json_t *hosts_json(struct span names)
{
    json_t *list = json_array();
    while (names.len > 0)
        json_array_append_new(list, api_json_text(span_split(&names, ' ')));
    return list;
}

static json_t *certificate_json(const struct store_origin_certificate *row)
{
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", api_json_id(&row->id),
                             "certificate", api_json_text(row->chain_pem), "csr",
                             api_json_text(row->csr_pem), "hostnames", hosts_json(row->hostnames),
                             "expires_on", api_json_time(row->not_after_s * 1000000),
                             "request_type", api_json_text(row->request_type), "requested_validity",
                             api_json_u64(row->validity_days));
    if (row->revoked_at_us != 0)
        json_object_set_new(json, "revoked_at", api_json_time(row->revoked_at_us));
    return json;
}

static enum err load_row(struct api_request *request, const struct id *id,
                         struct store_origin_certificate *out)
{
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    return store_origin_certificate_get(conn, &request->actor.scope, id, &request->arena, out);
}

static enum err origin_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {50, 20};
    struct store_origin_certificate_query query = {.scope = request->actor.scope};
    struct store_origin_certificate_list list;
    struct api_page page;
    struct span zone;
    struct store_conn *conn;
    if (!api_query_get(request, "zone_id", &zone) || id_parse(zone, &query.zone_id) != ERR_OK)
        return api_fail(reply, API_ERROR_FIELD, "zone_id", "%s", "must be the id of a zone");
    TRY(api_page_read(request, reply, &rule, &page));
    TRY(api_permit_object(request, reply, &(struct access_object){.zone_id = query.zone_id}));
    TRY(api_reader(request, &conn));
    query.page = (struct store_page){.page = page.page, .per_page = page.per_page};
    TRY(store_origin_certificate_list(conn, &query, &request->arena, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(rows, certificate_json(&list.rows[i]));
    page.count = list.count;
    page.total_count = list.total_count;
    return api_reply_page(reply, rows, &page);
}

struct origin_spec {
    struct span csr, request_type;
    json_t *hostnames, *validity;
};

/* Clients send the days as a number, some of them as text. */
static enum err read_days(struct api_reply *reply, const json_t *value, uint64_t *out)
{
    if (value == NULL)
        return ERR_OK;
    struct span text = SPAN_EMPTY;
    if (json_is_string(value))
        text = span_of(json_string_value(value), json_string_length(value));
    if (json_is_integer(value) && json_integer_value(value) > 0)
        *out = (uint64_t)json_integer_value(value);
    else if (text_parse_u64(text, UINT32_MAX, out) != ERR_OK)
        return api_fail(reply, API_ERROR_FIELD, "requested_validity", "%s",
                        "must be a number of days");
    return ERR_OK;
}

static enum err read_spec(struct api_request *request, struct api_reply *reply,
                          struct change_origin_spec *out)
{
    static const struct json_field fields[] = {
        JSON_TEXT("csr", struct origin_spec, csr, JSON_REQUIRED, LIMIT_CERTIFICATE_BYTES),
        JSON_TEXT("request_type", struct origin_spec, request_type, JSON_OPTIONAL, 32),
        JSON_VALUE("hostnames", struct origin_spec, hostnames, JSON_REQUIRED),
        JSON_VALUE("requested_validity", struct origin_spec, validity, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    struct origin_spec spec = {.request_type = SPAN("origin-rsa")};
    TRY(api_body_decode(request, reply, fields, &spec));
    size_t count = json_array_size(spec.hostnames);
    if (count < 1 || count > CHANGE_ORIGIN_NAMES_MAX)
        return api_fail(reply, API_ERROR_FIELD, "hostnames", "must be a list of 1 to %d",
                        CHANGE_ORIGIN_NAMES_MAX);
    struct span *names = arena_calloc(&request->arena, count, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_array_get(spec.hostnames, i);
        if (json_is_string(name))
            names[i] = span_of(json_string_value(name), json_string_length(name));
    }
    *out = (struct change_origin_spec){
        .csr_pem = spec.csr,
        .hostnames = names,
        .hostname_count = count,
        .request_type = spec.request_type,
        .validity_days = CHANGE_ORIGIN_DAYS,
    };
    return read_days(reply, spec.validity, &out->validity_days);
}

static enum err origin_create(struct api_request *request, struct api_reply *reply)
{
    struct change_origin_spec spec;
    struct store_origin_certificate row;
    struct id id;
    TRY(read_spec(request, reply, &spec));
    TRY(api_change_begin(request, reply));
    TRY(change_origin_certificate_create(request->change, &spec, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    TRY(load_row(request, &id, &row));
    return api_reply_result(reply, certificate_json(&row));
}

static enum err origin_details(struct api_request *request, struct api_reply *reply)
{
    struct store_origin_certificate row;
    struct id id;
    TRY(api_param_id(request, 0, &id));
    TRY(load_row(request, &id, &row));
    TRY(api_permit_object(request, reply, &(struct access_object){.account_id = row.account_id}));
    return api_reply_result(reply, certificate_json(&row));
}

static enum err origin_revoke(struct api_request *request, struct api_reply *reply)
{
    struct store_origin_certificate row;
    struct id id;
    TRY(api_param_id(request, 0, &id));
    TRY(api_change_begin(request, reply));
    TRY(change_origin_certificate_revoke(request->change, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    TRY(load_row(request, &id, &row));
    return api_reply_result(reply, json_pack("{s:o, s:o}", "id", api_json_id(&id), "revoked_at",
                                             api_json_time(row.revoked_at_us)));
}

const struct api_route api_origin_certificates_routes[] = {
    {API_GET, "/certificates", PERMISSION_CERTIFICATE_READ, origin_list, NULL, false},
    {API_POST, "/certificates", PERMISSION_CERTIFICATE_EDIT, origin_create, NULL, true},
    {API_GET, "/certificates/{certificate}", PERMISSION_CERTIFICATE_READ, origin_details, NULL,
     false},
    {API_DELETE, "/certificates/{certificate}", PERMISSION_CERTIFICATE_EDIT, origin_revoke, NULL,
     false},
    API_ROUTES_END,
};
