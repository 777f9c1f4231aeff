/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_setting.h - settings of a zone, one or several at once.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_SETTING_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_SETTING_H

#include "common/model/setting.h"
#include "control/change/change.h"

#define CHANGE_SETTINGS_MAX 256

struct change_setting {
    struct span id;         /* "origin_max_http_version" */
    const char *path;       /* put before the member in a problem: "" or "items[2]." */
    enum setting_kind kind; /* what the client sent: text or an integer */
    struct span word;
    uint64_t number;
};

/* All or nothing.  ERR_NOT_FOUND with a path that ends in "id": no such setting (1006).
 * ERR_INVALID: not a value of it (1007).  ERR_FORBIDDEN: not in this plan (1135). */
MUST_USE enum err change_settings_set(struct change *change, const struct id *zone_id,
                                      const struct change_setting *items, size_t count,
                                      struct problem *problem);

#endif
