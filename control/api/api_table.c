/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_table.c - the tables of routes, one for each resource.
 */
#include "control/api/api_routes.h"

const struct api_route *const api_tables[] = {
    api_users_routes,
    api_accounts_routes,
    api_zones_routes,
    api_settings_routes,
    api_overrides_routes,
    api_plans_routes,
    api_record_batch_routes, /* fixed names before an id */
    api_record_text_routes,
    api_tokens_routes,
    api_login_routes,
    api_members_routes,
    api_roles_routes,
    api_accounts_routes,
    api_zones_routes,
    api_settings_routes,
    api_plans_routes,
    api_records_routes,
    api_certificates_routes,
    api_origin_tls_routes,
    api_origin_certificates_routes,
    api_audit_routes,
    api_edges_routes,
    api_origin_events_routes,
    NULL,
};
