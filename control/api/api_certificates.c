/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_certificates.c - /zones/{zone}/custom_certificates: what visitors of a zone see.
 *
 * Private keys come in and never go out.  The certificate that the local CA signed for a zone is no
 * custom one and is not shown here.
 */
#include "common/base/text.h"
#include "control/api/api_body.h"
#include "control/api/api_page.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"
#include "control/change/change_certificate.h"
#include "control/store/store_certificates.h"

static json_t *hosts_json(struct span names)
{
    json_t *list = json_array();
    while (names.len > 0)
        json_array_append_new(list, api_json_text(span_split(&names, ' ')));
    return list;
}

static json_t *certificate_json(const struct store_certificate *certificate)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id",
                     api_json_id(&certificate->id), "zone_id", api_json_id(&certificate->zone_id),
                     "hosts", hosts_json(certificate->names), "issuer",
                     api_json_text(certificate->issuer), "signature",
                     api_json_text(certificate->signature), "fingerprint_sha256",
                     api_json_text(certificate->fingerprint), "status", "active", "bundle_method",
                     "force", "priority", api_json_u64(certificate->priority), "uploaded_on",
                     api_json_time(certificate->created_at_us), "modified_on",
                     api_json_time(certificate->created_at_us), "expires_on",
                     api_json_time(certificate->not_after_s * 1000000));
}

static enum err reply_certificate(struct api_request *request, struct api_reply *reply,
                                  const struct id *zone_id, const struct id *id)
{
    struct store_conn *conn;
    struct store_certificate certificate;
    TRY(api_reader(request, &conn));
    TRY(store_certificate_get(conn, &request->actor.scope, zone_id, id, &request->arena,
                              &certificate));
    if (certificate.local || certificate.client)
        return ERR_NOT_FOUND;
    return api_reply_result(reply, certificate_json(&certificate));
}

/* A zone has few certificates: the store gives them all and the page is cut here. */
static enum err certificate_list(struct api_request *request, struct api_reply *reply)
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
        if (list.rows[i].local || list.rows[i].client)
            continue;
        uint64_t place = page.total_count++;
        if (place >= page.offset && place - page.offset < page.per_page)
            json_array_append_new(rows, certificate_json(&list.rows[i]));
    }
    page.count = json_array_size(rows);
    return api_reply_page(reply, rows, &page);
}

static enum err decode_spec(struct api_request *request, struct api_reply *reply,
                            struct change_certificate_spec *out)
{
    static const struct json_field fields[] = {
        JSON_TEXT("certificate", struct change_certificate_spec, chain_pem, JSON_REQUIRED,
                  LIMIT_CERTIFICATE_BYTES),
        JSON_TEXT("private_key", struct change_certificate_spec, key_pem, JSON_REQUIRED,
                  LIMIT_PRIVATE_KEY_BYTES),
        JSON_FIELDS_END,
    };
    *out = (struct change_certificate_spec){0};
    return api_body_decode(request, reply, fields, out);
}

static enum err certificate_create(struct api_request *request, struct api_reply *reply)
{
    struct change_certificate_spec spec;
    struct id zone_id, id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(decode_spec(request, reply, &spec));
    TRY(api_change_begin(request, reply));
    TRY(change_certificate_create(request->change, &zone_id, &spec, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_certificate(request, reply, &zone_id, &id);
}

static enum err certificate_details(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id, id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_param_id(request, 1, &id));
    return reply_certificate(request, reply, &zone_id, &id);
}

/* What clients of the original may also send, how a chain is bundled and where keys lie, has one
 * answer here and is not looked at. */
static enum err certificate_edit(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_TEXT("certificate", struct change_certificate_spec, chain_pem, JSON_OPTIONAL,
                  LIMIT_CERTIFICATE_BYTES),
        JSON_TEXT("private_key", struct change_certificate_spec, key_pem, JSON_OPTIONAL,
                  LIMIT_PRIVATE_KEY_BYTES),
        JSON_FIELDS_END,
    };
    struct change_certificate_spec spec = {0};
    struct id zone_id, id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_param_id(request, 1, &id));
    TRY(api_body_decode(request, reply, fields, &spec));
    if (spec.chain_pem.len == 0 && spec.key_pem.len == 0)
        return reply_certificate(request, reply, &zone_id, &id);
    if (spec.chain_pem.len == 0 || spec.key_pem.len == 0)
        return api_fail(reply, API_ERROR_FIELD,
                        spec.key_pem.len == 0 ? "private_key" : "certificate", "%s",
                        "is required beside the other one");
    TRY(api_change_begin(request, reply));
    TRY(change_certificate_replace(request->change, &zone_id, &id, &spec, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_certificate(request, reply, &zone_id, &id);
}

struct priority_spec {
    struct span id;
    uint64_t priority;
};

static enum err prioritise(struct api_request *request, struct api_reply *reply,
                           const struct id *zone_id, const json_t *list)
{
    static const struct json_field fields[] = {
        JSON_TEXT("id", struct priority_spec, id, JSON_REQUIRED, ID_TEXT_BYTES),
        JSON_U64("priority", struct priority_spec, priority, JSON_REQUIRED, 0, UINT32_MAX),
        JSON_FIELDS_END,
    };
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct priority_spec spec = {SPAN_EMPTY, 0};
        struct id id;
        char path[32];
        text_format(path, sizeof(path), "certificates[%zu]", i);
        TRY(json_decode(json_array_get(list, i), fields, path, &spec, &reply->problem));
        if (id_parse(spec.id, &id) != ERR_OK)
            return ERR_NOT_FOUND;
        TRY(change_certificate_prioritise(request->change, zone_id, &id, spec.priority,
                                          &reply->problem));
    }
    return ERR_OK;
}

struct prioritise_spec {
    json_t *certificates;
};

static enum err certificate_prioritise(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_VALUE("certificates", struct prioritise_spec, certificates, JSON_REQUIRED),
        JSON_FIELDS_END,
    };
    struct prioritise_spec spec = {NULL};
    struct id zone_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_body_decode(request, reply, fields, &spec));
    size_t count = json_array_size(spec.certificates);
    if (count < 1 || count > LIMIT_ZONE_CERTIFICATES)
        return api_fail(reply, API_ERROR_FIELD, "certificates", "must be a list of 1 to %d",
                        LIMIT_ZONE_CERTIFICATES);
    TRY(api_change_begin(request, reply));
    TRY(prioritise(request, reply, &zone_id, spec.certificates));
    TRY(api_change_commit(request, reply));
    return certificate_list(request, reply);
}

static enum err certificate_delete(struct api_request *request, struct api_reply *reply)
{
    struct id zone_id, id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_param_id(request, 1, &id));
    TRY(api_change_begin(request, reply));
    TRY(change_certificate_delete(request->change, &zone_id, &id, &reply->problem));
    TRY(api_change_commit(request, reply));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&id)));
}

const struct api_route api_certificates_routes[] = {
    {API_GET, "/zones/{zone}/custom_certificates", PERMISSION_CERTIFICATE_READ, certificate_list,
     NULL, false},
    {API_POST, "/zones/{zone}/custom_certificates", PERMISSION_CERTIFICATE_EDIT, certificate_create,
     NULL, true},
    {API_PUT, "/zones/{zone}/custom_certificates/prioritize", PERMISSION_CERTIFICATE_EDIT,
     certificate_prioritise, NULL, true},
    {API_GET, "/zones/{zone}/custom_certificates/{certificate}", PERMISSION_CERTIFICATE_READ,
     certificate_details, NULL, false},
    {API_PATCH, "/zones/{zone}/custom_certificates/{certificate}", PERMISSION_CERTIFICATE_EDIT,
     certificate_edit, NULL, true},
    {API_DELETE, "/zones/{zone}/custom_certificates/{certificate}", PERMISSION_CERTIFICATE_EDIT,
     certificate_delete, NULL, false},
    API_ROUTES_END,
};
