/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_zone.c - a zone as JSON.
 */
#include "control/api/api_zone.h"

#include "common/base/text.h"
#include "control/api/api_reply.h"
#include "control/auth/permission.h"

/* The ids are those that infrastructure-as-code tools have written down. */
struct plan_row {
    const char *id, *name, *legacy_id;
};

static const struct plan_row plan_rows[] = {
    [PLAN_FREE] = {"0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "Free Website", "free"},
    [PLAN_PRO] = {"a577b510288e82b26486fd1df47000ec", "Pro Website", "pro"},
    [PLAN_BUSINESS] = {"1ac039f6c29b691475c3d74fe588d1ae", "Business Website", "business"},
    [PLAN_ENTERPRISE] = {"94f3b7b768b0458b56d2cac4fe5ec0f9", "Enterprise Website", "enterprise"},
};

struct span api_plan_slug(struct span text)
{
    for (size_t i = 0; i < countof(plan_rows); i++)
        if (span_equal(text, span_str(plan_rows[i].id)))
            return span_str(plan_rows[i].legacy_id);
    return text;
}

const char *api_plan_name(enum plan plan)
{
    ASSERT(plan < countof(plan_rows));
    return plan_rows[plan].name;
}

json_t *api_plan_json(enum plan plan, enum plan held)
{
    const struct plan_row *row = &plan_rows[plan];
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:b, s:b, s:s, s:b, s:b}", "id", row->id, "name",
                     row->name, "price", 0, "currency", "USD", "frequency", "monthly",
                     "is_subscribed", plan == held, "can_subscribe", 0, "legacy_id", row->legacy_id,
                     "legacy_discount", 0, "externally_managed", 0);
}

static json_t *names_json(struct span names)
{
    json_t *list = json_array();
    while (names.len > 0)
        json_array_append_new(list, api_json_text(span_split(&names, ',')));
    return list;
}

static json_t *permissions_json(void)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < PERMISSION_COUNT; i++) {
        const char *slug = permission_row((enum permission)i)->slug;
        if (slug[0] != '\0' && permission_granted((enum permission)i, ROLE_OWNER))
            json_array_append_new(list, json_string(slug));
    }
    return list;
}

static json_t *meta_json(void)
{
    return json_pack("{s:i, s:i, s:i, s:b, s:b}", "step", 4, "custom_certificate_quota",
                     LIMIT_ZONE_CERTIFICATES, "page_rule_quota", 0, "phishing_detected", 0,
                     "multiple_railguns_allowed", 0);
}

json_t *api_zone_json(const struct store_zone *zone)
{
    json_t *json = json_pack("{s:o, s:o, s:o, s:b, s:o, s:i, s:o, s:n, s:n, s:n}", "id",
                             api_json_id(&zone->id), "name", api_json_text(zone->name), "status",
                             api_json_text(zone->status), "paused", zone->paused, "type",
                             api_json_text(zone->type), "development_mode", 0, "name_servers",
                             names_json(zone->name_servers), "original_name_servers",
                             "original_registrar", "original_dnshost");
    json_t *rest = json_pack(
        "{s:o, s:o, s:o, s:o, s:{s:n, s:s, s:n}, s:{s:o, s:o}, s:o, s:o}", "modified_on",
        api_json_time(zone->modified_at_us), "created_on", api_json_time(zone->created_at_us),
        "activated_on", api_json_time(zone->activated_at_us), "meta", meta_json(), "owner", "id",
        "type", "user", "email", "account", "id", api_json_id(&zone->account_id), "name",
        api_json_text(zone->account_name), "permissions", permissions_json(), "plan",
        api_plan_json(zone->plan, zone->plan));
    ASSERT(json && rest && json_object_update(json, rest) == 0);
    json_decref(rest);
    char name[LIMIT_HOSTNAME_BYTES + sizeof(STORE_ZONE_VERIFY_PREFIX)];
    text_format(name, sizeof(name), STORE_ZONE_VERIFY_PREFIX "%.*s", SPAN_ARG(zone->name));
    json_object_set_new(json, "verification_key", api_json_text(zone->verification_key));
    json_object_set_new(json, "verification_name", json_string(name));
    return json;
}

enum err api_zone_read(struct api_request *request, struct store_zone *out)
{
    struct id id;
    TRY(api_param_id(request, 0, &id));
    struct store_conn *conn;
    TRY(api_reader(request, &conn));
    return store_zone_get(conn, &request->actor.scope, &id, &request->arena, out);
}
