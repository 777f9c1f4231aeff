/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_zone.h - the zone of a path, and a zone as JSON.
 */
#ifndef TRUNKLINE_CONTROL_API_API_ZONE_H
#define TRUNKLINE_CONTROL_API_API_ZONE_H

#include "control/api/api.h"
#include "control/store/store_zones.h"

/* The zone that the first parameter names, read; ERR_NOT_FOUND for what the caller may not see. */
MUST_USE enum err api_zone_read(struct api_request *request, struct store_zone *out);

/* A new value with every member that clients of the original know. */
json_t *api_zone_json(const struct store_zone *zone);

/* The plan that a client names: its slug, its legacy_id or the id that the original uses for it.
 * The slug, or the text itself when it is none of them. */
struct span api_plan_slug(struct span text);

/* "Pro Website", as the original calls it. */
const char *api_plan_name(enum plan plan);
/* A new value; is_subscribed when it is the plan that is held. */
json_t *api_plan_json(enum plan plan, enum plan held);

#endif
