/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_document.c - the JSON form of a zone, both ways, and the lookup by host.
 *
 * The bytes are canonical: members in one order, hostnames sorted, absent what is empty or zero,
 * no blanks.  A decoded document keeps its hostnames sorted, so that a lookup is a binary search.
 */
#include "common/model/zone_document.h"

#include <stdlib.h>

#include "common/base/json.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/hostname.h"
#include "common/model/limits.h"
#include "common/model/zone_document_override.h"

#define PATH_BYTES sizeof(((struct problem *)NULL)->path)

static int compare_spans(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* ---- encode */

/* ,"name":"text", or nothing where the text is empty */
static void put_optional_text(struct buf *out, const char *name, struct span text)
{
    if (text.len == 0)
        return;
    buf_appendf(out, ",\"%s\":\"", name);
    buf_append_json(out, text);
    buf_append_byte(out, '"');
}

static void encode_settings(const struct zone_document *document, struct buf *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        enum setting_id id = (enum setting_id)i;
        struct setting_value value = document->settings[i];
        buf_appendf(out, "%s\"%s\":", i > 0 ? "," : "", setting_row(id)->id);
        if (value.kind == SETTING_TEXT)
            buf_appendf(out, "\"%.*s\"", SPAN_ARG(setting_word(id, value)));
        else
            buf_append_u64(out, value.number);
    }
}

static void encode_origin(const struct zone_origin *origin, struct buf *out)
{
    buf_append_str(out, "{\"address\":\"");
    buf_append_json(out, origin->address);
    buf_append_byte(out, '"');
    if (origin->port != 0)
        buf_appendf(out, ",\"port\":%u", origin->port);
    put_optional_text(out, "host_header", origin->host_header);
    put_optional_text(out, "sni", origin->sni);
    buf_append_byte(out, '}');
}

static void encode_hostname(const struct zone_hostname *hostname, struct buf *out)
{
    buf_append_str(out, "{\"name\":\"");
    buf_append_json(out, hostname->name);
    buf_append_str(out, "\",\"origins\":[");
    for (size_t i = 0; i < hostname->origin_count; i++) {
        if (i > 0)
            buf_append_byte(out, ',');
        encode_origin(&hostname->origins[i], out);
    }
    buf_append_str(out, "]}");
}

static int compare_lent_hostnames(const void *a, const void *b)
{
    const struct zone_hostname *const *left = a, *const *right = b;
    return compare_spans((*left)->name, (*right)->name);
}

static void encode_hostnames(const struct zone_document *document, struct buf *out)
{
    size_t count = document->hostname_count;
    const struct zone_hostname **sorted = mem_calloc(count + 1, sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        sorted[i] = &document->hostnames[i];
    qsort(sorted, count, sizeof(*sorted), compare_lent_hostnames);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_byte(out, ',');
        encode_hostname(sorted[i], out);
    }
    mem_free(&sorted);
}

static void encode_ids(const struct id *ids, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        buf_appendf(out, "%s\"%s\"", i > 0 ? "," : "", ids[i].text);
}

void zone_document_encode(const struct zone_document *document, struct buf *out)
{
    buf_appendf(out, "{\"zone_id\":\"%s\",\"account_id\":\"%s\",\"name\":\"",
                document->zone_id.text, document->account_id.text);
    buf_append_json(out, document->name);
    buf_appendf(out, "\",\"plan\":\"%s\",\"paused\":%s,\"settings\":{", plan_slug(document->plan),
                document->paused ? "true" : "false");
    encode_settings(document, out);
    buf_append_str(out, "},\"certificates\":[");
    encode_ids(document->certificates, document->certificate_count, out);
    if (document->client_certificate_count > 0)
        buf_append_str(out, "],\"client_certificates\":[");
    encode_ids(document->client_certificates, document->client_certificate_count, out);
    buf_append_str(out, "],\"hostnames\":[");
    encode_hostnames(document, out);
    buf_append_byte(out, ']');
    zone_override_encode(document, out);
    buf_append_byte(out, '}');
}

/* ---- decode: what json_decode lends from the parsed JSON, before it is copied into the arena */

struct document_members {
    struct span zone_id, account_id, name, plan;
    bool paused;
    json_t *settings, *certificates, *client_certificates, *hostnames, *overrides;
};

struct hostname_members {
    struct span name;
    json_t *origins;
};

struct origin_members {
    struct span address, host_header, sni;
    uint64_t port;
};

static const struct json_field document_fields[] = {
    JSON_TEXT("zone_id", struct document_members, zone_id, JSON_REQUIRED, ID_TEXT_BYTES),
    JSON_TEXT("account_id", struct document_members, account_id, JSON_REQUIRED, ID_TEXT_BYTES),
    JSON_TEXT("name", struct document_members, name, JSON_REQUIRED, LIMIT_HOSTNAME_BYTES),
    JSON_TEXT("plan", struct document_members, plan, JSON_REQUIRED, 32),
    JSON_BOOL("paused", struct document_members, paused, JSON_REQUIRED),
    JSON_VALUE("settings", struct document_members, settings, JSON_REQUIRED),
    JSON_VALUE("certificates", struct document_members, certificates, JSON_REQUIRED),
    JSON_VALUE("client_certificates", struct document_members, client_certificates, JSON_OPTIONAL),
    JSON_VALUE("hostnames", struct document_members, hostnames, JSON_REQUIRED),
    JSON_VALUE("overrides", struct document_members, overrides, JSON_OPTIONAL),
    JSON_FIELDS_END,
};

static const struct json_field hostname_fields[] = {
    JSON_TEXT("name", struct hostname_members, name, JSON_REQUIRED, LIMIT_HOSTNAME_BYTES),
    JSON_VALUE("origins", struct hostname_members, origins, JSON_REQUIRED),
    JSON_FIELDS_END,
};

static const struct json_field origin_fields[] = {
    JSON_TEXT("address", struct origin_members, address, JSON_REQUIRED, LIMIT_HOSTNAME_BYTES),
    JSON_U64("port", struct origin_members, port, JSON_OPTIONAL, 1, UINT16_MAX),
    JSON_TEXT("host_header", struct origin_members, host_header, JSON_OPTIONAL,
              LIMIT_HOSTNAME_BYTES + sizeof(":65535") - 1),
    JSON_TEXT("sni", struct origin_members, sni, JSON_OPTIONAL, LIMIT_HOSTNAME_BYTES),
    JSON_FIELDS_END,
};

static enum err decode_id(struct span text, const char *path, struct id *out,
                          struct problem *problem)
{
    if (id_parse(text, out) != ERR_OK)
        return problem_set(problem, ERR_INVALID, path, "must be 32 lowercase hex digits");
    return ERR_OK;
}

/* The plan's rights are control's affair: here a value must only be one of the setting's. */
static enum err decode_setting(enum setting_id id, const json_t *value, struct setting_value *out,
                               struct problem *problem)
{
    if (json_is_string(value)) {
        struct span word = span_of(json_string_value(value), json_string_length(value));
        return setting_parse_word(id, PLAN_ENTERPRISE, word, out, problem);
    }
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    return setting_parse_number(id, PLAN_ENTERPRISE, number < 0 ? UINT64_MAX : (uint64_t)number,
                                out, problem);
}

static enum err decode_settings(const json_t *object, struct zone_document *out,
                                struct problem *problem)
{
    if (!json_is_object(object))
        return problem_set(problem, ERR_INVALID, "settings", "must be an object");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        enum setting_id id = (enum setting_id)i;
        const char *name = setting_row(id)->id;
        const json_t *value = json_object_get(object, name);
        if (value == NULL || json_is_null(value)) {
            out->settings[i] = setting_default(id, out->plan);
            continue;
        }
        enum err err = decode_setting(id, value, &out->settings[i], problem);
        if (err != ERR_OK) {
            if (problem != NULL)
                text_format(problem->path, sizeof(problem->path), "settings.%s", name);
            return err;
        }
    }
    return ERR_OK;
}

/* An array of at most count_max elements; zone_check says the same of a document that was filled
 * by hand, but here nothing may be allocated before it is known. */
static enum err check_array(const json_t *array, const char *path, size_t count_max,
                            struct problem *problem)
{
    if (!json_is_array(array))
        return problem_set(problem, ERR_INVALID, path, "must be an array");
    if (json_array_size(array) > count_max)
        return problem_set(problem, ERR_LIMIT, path, "must be at most %zu", count_max);
    return ERR_OK;
}

/* A list of certificates by id, under the member `name`. */
struct id_list {
    const char *name;
    size_t count_max;
    struct id *ids;
    size_t count;
};

static enum err decode_ids(const json_t *array, struct arena *arena, struct id_list *list,
                           struct problem *problem)
{
    TRY(check_array(array, list->name, list->count_max, problem));
    list->count = json_array_size(array);
    list->ids = arena_calloc(arena, list->count, sizeof(struct id));
    for (size_t i = 0; i < list->count; i++) {
        const json_t *value = json_array_get(array, i);
        struct span text = SPAN_EMPTY;
        char path[PATH_BYTES];
        text_format(path, sizeof(path), "%s[%zu]", list->name, i);
        if (json_is_string(value))
            text = span_of(json_string_value(value), json_string_length(value));
        TRY(decode_id(text, path, &list->ids[i], problem));
    }
    return ERR_OK;
}

static enum err decode_certificates(const struct document_members *members,
                                    struct zone_document *out, struct problem *problem)
{
    struct id_list shown = {.name = "certificates", .count_max = LIMIT_ZONE_CERTIFICATES};
    struct id_list client = {.name = "client_certificates",
                             .count_max = LIMIT_ZONE_CLIENT_CERTIFICATES};
    TRY(decode_ids(members->certificates, &out->arena, &shown, problem));
    if (members->client_certificates != NULL && !json_is_null(members->client_certificates))
        TRY(decode_ids(members->client_certificates, &out->arena, &client, problem));
    out->certificates = shown.ids;
    out->certificate_count = shown.count;
    out->client_certificates = client.ids;
    out->client_certificate_count = client.count;
    return ERR_OK;
}

static enum err decode_origin(const json_t *object, const char *path, struct arena *arena,
                              struct zone_origin *out, struct problem *problem)
{
    struct origin_members members = {.port = 0};
    TRY(json_decode(object, origin_fields, path, &members, problem));
    out->address = arena_copy(arena, members.address);
    out->host_header = arena_copy(arena, members.host_header);
    out->sni = arena_copy(arena, members.sni);
    out->port = (uint16_t)members.port;
    return ERR_OK;
}

static enum err decode_hostname(const json_t *object, size_t at, struct arena *arena,
                                struct zone_hostname *out, struct problem *problem)
{
    struct hostname_members members = {.origins = NULL};
    char path[PATH_BYTES];
    text_format(path, sizeof(path), "hostnames[%zu]", at);
    TRY(json_decode(object, hostname_fields, path, &members, problem));
    text_format(path, sizeof(path), "hostnames[%zu].origins", at);
    TRY(check_array(members.origins, path, LIMIT_HOSTNAME_ORIGINS, problem));
    out->name = arena_copy(arena, members.name);
    out->origin_count = json_array_size(members.origins);
    out->origins = arena_calloc(arena, out->origin_count, sizeof(struct zone_origin));
    for (size_t i = 0; i < out->origin_count; i++) {
        text_format(path, sizeof(path), "hostnames[%zu].origins[%zu]", at, i);
        TRY(decode_origin(json_array_get(members.origins, i), path, arena, &out->origins[i],
                          problem));
    }
    return ERR_OK;
}

static enum err decode_hostnames(const json_t *array, struct zone_document *out,
                                 struct problem *problem)
{
    TRY(check_array(array, "hostnames", LIMIT_ZONE_HOSTNAMES, problem));
    out->hostname_count = json_array_size(array);
    out->hostnames = arena_calloc(&out->arena, out->hostname_count, sizeof(struct zone_hostname));
    for (size_t i = 0; i < out->hostname_count; i++)
        TRY(decode_hostname(json_array_get(array, i), i, &out->arena, &out->hostnames[i], problem));
    return ERR_OK;
}

static int compare_hostnames(const void *a, const void *b)
{
    const struct zone_hostname *left = a, *right = b;
    return compare_spans(left->name, right->name);
}

static enum err fill(const json_t *root, struct zone_document *out, struct problem *problem)
{
    struct document_members members = {.paused = false};
    TRY(json_decode(root, document_fields, "", &members, problem));
    TRY(decode_id(members.zone_id, "zone_id", &out->zone_id, problem));
    TRY(decode_id(members.account_id, "account_id", &out->account_id, problem));
    if (plan_parse(members.plan, &out->plan) != ERR_OK)
        return problem_set(problem, ERR_INVALID, "plan", "is not a plan");
    out->name = arena_copy(&out->arena, members.name);
    out->paused = members.paused;
    TRY(decode_settings(members.settings, out, problem));
    TRY(decode_certificates(&members, out, problem));
    TRY(decode_hostnames(members.hostnames, out, problem));
    TRY(zone_override_decode(members.overrides, out, problem));
    TRY(zone_check(out, problem));
    if (out->hostname_count > 0)
        qsort(out->hostnames, out->hostname_count, sizeof(*out->hostnames), compare_hostnames);
    return ERR_OK;
}

enum err zone_document_decode(struct span bytes, uint64_t revision, struct zone_document **out,
                              struct problem *problem)
{
    json_t *root = NULL;
    *out = NULL;
    if (bytes.len > LIMIT_DOCUMENT_BYTES)
        return problem_set(problem, ERR_TOO_LARGE, "", "must be at most %d bytes long",
                           LIMIT_DOCUMENT_BYTES);
    TRY(json_parse(bytes, &root, problem));
    struct zone_document *document = mem_new(struct zone_document);
    document->ref_count = 1;
    document->revision = revision;
    arena_init(&document->arena, NULL);
    enum err err = fill(root, document, problem);
    json_decref(root);
    if (err != ERR_OK)
        zone_document_unref(&document);
    *out = document;
    return err;
}

/* ---- use */

struct zone_document *zone_document_ref(struct zone_document *document)
{
    ASSERT(document->ref_count > 0);
    document->ref_count++;
    return document;
}

void zone_document_unref(struct zone_document **slot)
{
    struct zone_document *document = *slot;
    *slot = NULL;
    if (document == NULL)
        return;
    ASSERT(document->ref_count > 0);
    if (--document->ref_count > 0)
        return;
    arena_release(&document->arena);
    mem_free(&document);
}

static const struct zone_hostname *find_name(const struct zone_document *document, struct span name)
{
    const struct zone_hostname wanted = {.name = name};
    if (document->hostname_count == 0)
        return NULL;
    return bsearch(&wanted, document->hostnames, document->hostname_count, sizeof(wanted),
                   compare_hostnames);
}

const struct zone_hostname *zone_document_match(const struct zone_document *document,
                                                struct span host)
{
    struct hostname wildcard;
    const struct zone_hostname *found = find_name(document, host);
    if (found == NULL && hostname_wildcard_of(host, &wildcard))
        found = find_name(document, hostname_span(&wildcard));
    return found;
}

void zone_document_visitor_tls(const struct zone_document *document, struct visitor_tls *out)
{
    bool newest_only = zone_document_setting(document, SETTING_min_tls_version) == MIN_TLS_1_3;
    *out = (struct visitor_tls){
        .zone_id = document->zone_id,
        .tls_1_2 = !newest_only,
        .tls_1_3 = newest_only || zone_document_setting(document, SETTING_tls_1_3) != SWITCH_OFF,
        .h2_offered = zone_document_setting(document, SETTING_http2) == SWITCH_ON,
    };
}
