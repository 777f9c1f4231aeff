/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_settings.h - what a zone has set; the rest has the default of its plan.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_SETTINGS_H
#define TRUNKLINE_CONTROL_STORE_STORE_SETTINGS_H

#include "common/base/text.h"
#include "common/model/setting.h"
#include "control/store/store.h"

struct store_setting {
    struct setting_value value;
    uint64_t modified_at_us; /* 0: the default, never set */
};

/* All settings of a zone that the scope sees, indexed by enum setting_id; else ERR_NOT_FOUND. */
MUST_USE enum err store_settings_load(struct store_conn *conn, const struct store_scope *scope,
                                      const struct id *zone_id,
                                      struct store_setting out[SETTING_COUNT]);
MUST_USE enum err store_setting_put(struct store_conn *conn, const struct id *zone_id,
                                    enum setting_id id, const struct store_setting *setting);

/* A value as text, and back: ERR_INVALID or ERR_FORBIDDEN when the plan does not have it. */
struct span store_setting_text(enum setting_id id, struct setting_value value,
                               char digits[TEXT_U64_BYTES_MAX]);
MUST_USE enum err store_setting_parse(enum setting_id id, enum plan plan, struct span text,
                                      struct setting_value *out);

#endif
