/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_overrides.h - settings that one hostname of a zone has for itself.
 *
 * A value that the zone's plan no longer allows is as if it were not there.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_OVERRIDES_H
#define TRUNKLINE_CONTROL_STORE_STORE_OVERRIDES_H

#include "common/model/setting.h"
#include "control/store/store.h"

struct store_override {
    struct span hostname; /* normalised; may be a wildcard */
    enum setting_id setting;
    struct setting_value value;
    uint64_t created_at_us, modified_at_us;
};

struct store_override_list {
    struct store_override *rows; /* by setting, then by hostname */
    size_t count;
};

/* Of one zone, whose plan is `plan`; at most LIMIT_ZONE_OVERRIDES of each setting. */
MUST_USE enum err store_override_list(struct store_conn *conn, const struct id *zone_id,
                                      enum plan plan, struct arena *arena,
                                      struct store_override_list *out);
/* How many hostnames have a value of their own for any setting. */
MUST_USE enum err store_override_count(struct store_conn *conn, const struct id *zone_id,
                                       uint64_t *out);

/* Makes it or changes its value; created_at_us is written when it is new. */
MUST_USE enum err store_override_put(struct store_conn *conn, const struct id *zone_id,
                                     const struct store_override *override);
/* ERR_NOT_FOUND. */
MUST_USE enum err store_override_delete(struct store_conn *conn, const struct id *zone_id,
                                        enum setting_id setting, struct span hostname);

#endif
