/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_roles.c - /accounts/{account}/roles: what a member can be.
 */
#include "control/api/api_roles.h"

#include "control/api/api_page.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"

/* What clients ask about, as permissions of ours. */
struct grant_row {
    const char *name;
    enum permission read, write;
};

static const struct grant_row grant_rows[] = {
    {"analytics", PERMISSION_ANALYTICS_READ, PERMISSION_PLATFORM},
    {"auditlogs", PERMISSION_AUDIT_READ, PERMISSION_PLATFORM},
    {"billing", PERMISSION_PLATFORM, PERMISSION_PLATFORM},
    {"cache_purge", PERMISSION_SETTING_READ, PERMISSION_SETTING_EDIT},
    {"dns", PERMISSION_RECORD_READ, PERMISSION_RECORD_EDIT},
    {"dns_records", PERMISSION_RECORD_READ, PERMISSION_RECORD_EDIT},
    {"lb", PERMISSION_PLATFORM, PERMISSION_PLATFORM},
    {"logs", PERMISSION_AUDIT_READ, PERMISSION_PLATFORM},
    {"organization", PERMISSION_ACCOUNT_READ, PERMISSION_ACCOUNT_EDIT},
    {"ssl", PERMISSION_CERTIFICATE_READ, PERMISSION_CERTIFICATE_EDIT},
    {"waf", PERMISSION_PLATFORM, PERMISSION_PLATFORM},
    {"zone_settings", PERMISSION_SETTING_READ, PERMISSION_SETTING_EDIT},
    {"zones", PERMISSION_ZONE_READ, PERMISSION_ZONE_EDIT},
};

json_t *api_role_permissions(enum role role)
{
    json_t *out = json_object();
    for (size_t i = 0; i < countof(grant_rows); i++)
        (void)json_object_set_new(out, grant_rows[i].name,
                                  json_pack("{s:b, s:b}", "read",
                                            permission_granted(grant_rows[i].read, role), "write",
                                            permission_granted(grant_rows[i].write, role)));
    return out;
}

json_t *api_role_json(enum role role)
{
    const struct role_row *row = role_row(role);
    return json_pack("{s:s, s:s, s:s, s:o}", "id", row->id, "name", row->title, "description",
                     row->text, "permissions", api_role_permissions(role));
}

enum err api_role_find(struct span id, enum role *out)
{
    for (unsigned role = ROLE_VIEWER; role <= ROLE_OWNER; role++) {
        if (!span_equal(id, span_str(role_row((enum role)role)->id)))
            continue;
        *out = (enum role)role;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static enum err role_list(struct api_request *request, struct api_reply *reply)
{
    static const struct api_page_rule rule = {50, 20};
    struct api_page page;
    TRY(api_page_read(request, reply, &rule, &page));
    json_t *rows = json_array();
    for (unsigned role = ROLE_OWNER; role >= ROLE_VIEWER; role--) {
        uint64_t at = page.total_count++;
        if (at >= page.offset && at < page.offset + page.per_page)
            json_array_append_new(rows, api_role_json((enum role)role));
    }
    page.count = json_array_size(rows);
    return api_reply_page(reply, rows, &page);
}

static enum err role_details(struct api_request *request, struct api_reply *reply)
{
    enum role role;
    TRY(api_role_find(request->params[1], &role));
    return api_reply_result(reply, api_role_json(role));
}

const struct api_route api_roles_routes[] = {
    {API_GET, "/accounts/{account}/roles", PERMISSION_ACCOUNT_READ, role_list, NULL, false},
    {API_GET, "/accounts/{account}/roles/{role}", PERMISSION_ACCOUNT_READ, role_details, NULL,
     false},
    API_ROUTES_END,
};
