/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_roles.h - roles as JSON: what each may, by what it is about.
 */
#ifndef TRUNKLINE_CONTROL_API_API_ROLES_H
#define TRUNKLINE_CONTROL_API_API_ROLES_H

#include "control/api/api.h"

/* {id, name, description, permissions} */
json_t *api_role_json(enum role role);
/* {"zones":{"read":true,"write":false}, ...} */
json_t *api_role_permissions(enum role role);
/* By id; ERR_NOT_FOUND for none that a member can have. */
MUST_USE enum err api_role_find(struct span id, enum role *out);

#endif
