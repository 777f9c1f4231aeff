/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_plans.c - plans of a zone, and what clients ask for that is always the same here.
 *
 * Nobody is billed: a price is 0, and a subscription is the zone's plan in another shape.  There is
 * no cache to purge and there are no page rules, and clients that ask are told so in their terms.
 */
#include "common/base/hex.h"
#include "common/base/text.h"
#include "common/model/digest.h"
#include "control/api/api_body.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"
#include "control/change/change_zone.h"

static enum err plan_list(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    json_t *rows = json_array();
    for (unsigned i = 0; i < PLAN_COUNT; i++)
        json_array_append_new(rows, api_plan_json((enum plan)i, zone.plan));
    return api_reply_result(reply, rows);
}

static enum err plan_details(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    enum plan plan;
    TRY(api_zone_read(request, &zone));
    if (plan_parse(api_plan_slug(request->params[1]), &plan) != ERR_OK)
        return ERR_NOT_FOUND;
    return api_reply_result(reply, api_plan_json(plan, zone.plan));
}

static json_t *rate_plan_json(enum plan plan)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:[]}", "id", plan_slug(plan), "public_name",
                     api_plan_name(plan), "currency", "USD", "scope", "zone", "externally_managed",
                     0, "is_contract", plan == PLAN_ENTERPRISE, "sets");
}

static enum err rate_plan_list(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    json_t *rows = json_array();
    for (unsigned i = 0; i < PLAN_COUNT; i++)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:i, s:s, s:[]}", "id",
                                              plan_slug((enum plan)i), "name",
                                              api_plan_name((enum plan)i), "currency", "USD",
                                              "duration", 1, "frequency", "monthly", "components"));
    return api_reply_result(reply, rows);
}

static enum err reply_subscription(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    json_t *json =
        json_pack("{s:o, s:o, s:s, s:i, s:s, s:s, s:o, s:n, s:{s:o, s:o}}", "id",
                  api_json_id(&zone.id), "rate_plan", rate_plan_json(zone.plan), "currency", "USD",
                  "price", 0, "frequency", "monthly", "state", "Paid", "current_period_start",
                  api_json_time(zone.created_at_us), "current_period_end", "zone", "id",
                  api_json_id(&zone.id), "name", api_json_text(zone.name));
    return api_reply_result(reply, json);
}

struct subscription_spec {
    json_t *rate_plan;
};

struct rate_plan_spec {
    struct span id;
};

static enum err subscription_edit(struct api_request *request, struct api_reply *reply)
{
    static const struct json_field fields[] = {
        JSON_VALUE("rate_plan", struct subscription_spec, rate_plan, JSON_REQUIRED),
        JSON_FIELDS_END,
    };
    static const struct json_field plan_fields[] = {
        JSON_TEXT("id", struct rate_plan_spec, id, JSON_REQUIRED, 64),
        JSON_FIELDS_END,
    };
    struct subscription_spec spec = {0};
    struct rate_plan_spec plan = {0};
    struct id zone_id;
    TRY(api_param_id(request, 0, &zone_id));
    TRY(api_body_decode(request, reply, fields, &spec));
    TRY(json_decode(spec.rate_plan, plan_fields, "rate_plan", &plan, &reply->problem));
    const struct change_zone_edit edit = {.plan_given = true, .plan = api_plan_slug(plan.id)};
    TRY(api_change_begin(request, reply));
    TRY(change_zone_edit(request->change, &zone_id, &edit, &reply->problem));
    TRY(api_change_commit(request, reply));
    return reply_subscription(request, reply);
}

static enum err empty_list(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    return api_reply_result(reply, json_array());
}

static enum err cache_purge(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    return api_reply_result(reply, json_pack("{s:o}", "id", api_json_id(&zone.id)));
}

/* Every hostname with an origin has a certificate, the local CA's where no other covers it. */
static enum err universal_ssl(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    return api_reply_result(
        reply, json_pack("{s:b, s:s}", "enabled", 1, "certificate_authority", "trunkline"));
}

/* What the operator says the edges' addresses are, as ranges. */
static enum err ips_details(struct api_request *request, struct api_reply *reply)
{
    json_t *v4 = json_array(), *v6 = json_array();
    struct span rest = request->api->edge_addresses;
    while (rest.len > 0) {
        struct span range = span_split(&rest, ',');
        bool wide = span_find(range, ':') < range.len;
        char text[ADDRESS_TEXT_BYTES + sizeof("/128")];
        bool bare = span_find(range, '/') == range.len;
        text_format(text, sizeof(text), "%.*s%s", SPAN_ARG(range),
                    !bare  ? ""
                    : wide ? "/128"
                           : "/32");
        json_array_append_new(wide ? v6 : v4, json_string(text));
    }
    struct digest digest = digest_of(request->api->edge_addresses);
    char etag[2 * DIGEST_BYTES + 1];
    hex_encode(digest_span(&digest), etag);
    return api_reply_result(
        reply, json_pack("{s:o, s:o, s:s#}", "ipv4_cidrs", v4, "ipv6_cidrs", v6, "etag", etag, 32));
}

#define ZONE "/zones/{zone}"

const struct api_route api_plans_routes[] = {
    {API_GET, "/ips", PERMISSION_PUBLIC, ips_details, NULL, false},
    {API_GET, ZONE "/available_plans", PERMISSION_ZONE_READ, plan_list, NULL, false},
    {API_GET, ZONE "/available_plans/{plan}", PERMISSION_ZONE_READ, plan_details, NULL, false},
    {API_GET, ZONE "/available_rate_plans", PERMISSION_ZONE_READ, rate_plan_list, NULL, false},
    {API_GET, ZONE "/subscription", PERMISSION_ZONE_READ, reply_subscription, NULL, false},
    {API_POST, ZONE "/subscription", PERMISSION_ZONE_EDIT, subscription_edit, NULL, true},
    {API_PUT, ZONE "/subscription", PERMISSION_ZONE_EDIT, subscription_edit, NULL, true},
    {API_GET, ZONE "/pagerules", PERMISSION_ZONE_READ, empty_list, NULL, false},
    {API_POST, ZONE "/purge_cache", PERMISSION_SETTING_EDIT, cache_purge, NULL, true},
    {API_GET, ZONE "/ssl/universal/settings", PERMISSION_CERTIFICATE_READ, universal_ssl, NULL,
     false},
    API_ROUTES_END,
};
