/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_routes.h - the table of routes that each resource exports.
 */
#ifndef TRUNKLINE_CONTROL_API_API_ROUTES_H
#define TRUNKLINE_CONTROL_API_API_ROUTES_H

#include "control/api/api.h"

extern const struct api_route api_users_routes[];
extern const struct api_route api_tokens_routes[];
extern const struct api_route api_login_routes[];
extern const struct api_route api_accounts_routes[];
extern const struct api_route api_members_routes[];
extern const struct api_route api_roles_routes[];
extern const struct api_route api_zones_routes[];
extern const struct api_route api_settings_routes[];
extern const struct api_route api_overrides_routes[];
extern const struct api_route api_plans_routes[];
extern const struct api_route api_record_batch_routes[];
extern const struct api_route api_record_text_routes[];
extern const struct api_route api_records_routes[];
extern const struct api_route api_certificates_routes[];
extern const struct api_route api_origin_tls_routes[];
extern const struct api_route api_origin_certificates_routes[];
extern const struct api_route api_audit_routes[];
extern const struct api_route api_edges_routes[];
extern const struct api_route api_origin_events_routes[];

/* Ends a table. */
#define API_ROUTES_END                                      \
    {                                                       \
        API_GET, NULL, PERMISSION_UNSAID, NULL, NULL, false \
    }

#endif
