/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_override.h - a setting that one hostname of a zone has for itself.
 *
 * Only the settings about HTTP/2 to the origin (zone_document.h, SETTING_OVERRIDES).  A hostname
 * lies within the zone and need not have a record; "*.x" is what lies one label below x.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_OVERRIDE_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_OVERRIDE_H

#include "common/model/hostname.h"
#include "control/change/change_setting.h"

/* The setting by its id, and the hostname in its one form.  ERR_NOT_FOUND: no such setting, or one
 * that hostnames cannot have (1006).  ERR_INVALID with the path "hostname". */
MUST_USE enum err change_override_parse(struct span setting, struct span hostname,
                                        enum setting_id *setting_out, struct hostname *out,
                                        struct problem *problem);

/* The errors of change_settings_set, and ERR_LIMIT past LIMIT_ZONE_OVERRIDES hostnames. */
MUST_USE enum err change_override_put(struct change *change, const struct id *zone_id,
                                      struct span hostname, const struct change_setting *item,
                                      struct problem *problem);
MUST_USE enum err change_override_delete(struct change *change, const struct id *zone_id,
                                         struct span hostname, struct span setting,
                                         struct problem *problem);

#endif
