/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_origin_tls.c - /zones/{zone}/origin_tls_client_auth: what origins of a zone see.
 *
 * `enabled` is the zone's setting tls_client_auth under another name.  Private keys come in and
 * never go out.
 */
#include "control/api/api_body.h"
#include "control/api/api_page.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/change/change_certificate.h"
#include "control/change/change_setting.h"
#include "control/store/store_certificates.h"
#include "control/store/store_settings.h"

static json_t *certificate_json(const struct store_certificate *row)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "id", api_json_id(&row->id), "certificate",
        api_json_text(row->chain_pem), "issuer", api_json_text(row->issuer), "signature",
        api_json_text(row->signature), "serial_number", api_json_text(row->serial),
        "fingerprint_sha256", api_json_text(row->fingerprint), "status", "active", "uploaded_on",
        api_json_time(row->created_at_us), "expires_on", api_json_time(row->not_after_s * 1000000));
}

static enum err reply_certificate(struct api_request *request, struct api_reply *reply,
                                  const struct id *zone_id, const struct id *id)
{
    struct store_conn *conn;
    struct store_certificate row;
    TRY(api_reader(request, &conn));
    TRY(store_certificate_get(conn, &request->actor.scope, zone_id, id, &request->arena, &row));
    if (!row.client)
        return ERR_NOT_FOUND;
    return api_reply_result(reply, certificate_json(&row));
}

static enum err client_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {50, 20};
    struct api_page page;
    struct id zone_id;
    struct store_conn *conn;
    struct store_certificate_list list;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_page_read(request, reply, &rule, &page));
    TRY(api_reader(request, &conn));
    TRY(store_certificate_list(conn, &request->actor.scope, &zone_id, &request->arena, &list));
    json_t *rows = json_array();
    for (size_t i = 0; i < list.count; i++) {
        if (!list.rows[i].client)
            continue;
        uint64_t place = page.total_count++;
        if (place >= page.offset && place - page.offset < page.per_page)
            json_array_append_new(rows, certificate_json(&list.rows[i]));
    }
    page.count = json_array_size(rows);
    return api_reply_page(reply, rows, &page);
}

static enum err client_create(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("certificate", struct change_certificate_spec, chain_pem, JSON_REQUIRED,
                  LIMIT_CERTIFICATE_BYTES),
        JSON_TEXT("private_key", struct change_certificate_spec, key_pem, JSON_REQUIRED,
                  LIMIT_PRIVATE_KEY_BYTES),
        JSON_FIELDS_END,
    };
    struct change_certificate_spec spec = {.client = true};
    struct id zone_id, id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_body_decode(request, reply, fields, &spec));
    TRY(api_change_begin(request, reply));
    TRY(change_certificate_create(request->change, &zone_id, &spec, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_certificate(request, reply, &zone_id, &id);
}

static enum err client_details(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id, id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_param_id(request, 1, &id));
    return reply_certificate(request, reply, &zone_id, &id);
}

static enum err client_delete(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id, id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_param_id(request, 1, &id));
    TRY(api_change_begin(request, reply));
    TRY(change_client_certificate_delete(request->change, &zone_id, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&id)));
}

static enum err reply_enabled(struct api_request *request, struct api_reply *reply,
                              const struct id *zone_id)
{
    struct store_setting settings[SETTING_COUNT];
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    TRY(store_settings_load(conn, &request->actor.scope, zone_id, settings));
    bool enabled = settings[SETTING_tls_client_auth].value.number == SWITCH_ON;
    return api_reply_result(reply, json_pack("{s:b}", "enabled", enabled));
}

static enum err enabled_details(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id;
    TRY(api_param_id(request, 0, &zone_id));
    return reply_enabled(request, reply, &zone_id);
}

struct enabled_spec {
    json_t *enabled;
};

static enum err enabled_edit(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_VALUE("enabled", struct enabled_spec, enabled, JSON_REQUIRED),
        JSON_FIELDS_END,
    };
    struct enabled_spec spec = {0};
    struct id zone_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_body_decode(request, reply, fields, &spec));
    if (!json_is_boolean(spec.enabled))
        return api_fail(reply, API_ERROR_FIELD, "enabled", "%s", "must be true or false");
    const struct change_setting item = {
        .id = SPAN("tls_client_auth"),
        .path = "",
        .kind = SETTING_TEXT,
        .word = json_is_true(spec.enabled) ? SPAN("on") : SPAN("off"),
    };
    TRY(api_change_begin(request, reply));
    TRY(change_settings_set(request->change, &zone_id, &item, 1, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_enabled(request, reply, &zone_id);
}

#define CLIENT_AUTH "/zones/{zone}/origin_tls_client_auth"

/* The settings first: their name is no id. */
const struct api_route api_origin_tls_routes[] = {
    {API_GET, CLIENT_AUTH "/settings", PERMISSION_CERTIFICATE_READ, enabled_details, NULL, false},
    {API_PUT, CLIENT_AUTH "/settings", PERMISSION_CERTIFICATE_EDIT, enabled_edit, NULL, true},
    {API_GET, CLIENT_AUTH, PERMISSION_CERTIFICATE_READ, client_list, NULL, false},
    {API_POST, CLIENT_AUTH, PERMISSION_CERTIFICATE_EDIT, client_create, NULL, true},
    {API_GET, CLIENT_AUTH "/{certificate}", PERMISSION_CERTIFICATE_READ, client_details, NULL,
     false},
    {API_DELETE, CLIENT_AUTH "/{certificate}", PERMISSION_CERTIFICATE_EDIT, client_delete, NULL,
     false},
    API_ROUTES_END,
};
