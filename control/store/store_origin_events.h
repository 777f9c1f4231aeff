/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_origin_events.h - what edges decided by themselves about the origins of a zone.
 *
 * Limits: LIMIT_ZONE_ORIGIN_EVENTS of a zone; the oldest go.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_ORIGIN_EVENTS_H
#define TRUNKLINE_CONTROL_STORE_STORE_ORIGIN_EVENTS_H

#include "control/store/store.h"

struct store_origin_event {
    struct id zone_id;
    uint64_t at_s, until_s; /* Unix seconds; until: 0 for none */
    struct span edge, origin, sni, reason;
};

struct store_origin_event_list {
    struct store_origin_event *rows; /* the newest first */
    size_t count;
};

/* ERR_NOT_FOUND when there is no such zone any more. */
MUST_USE enum err store_origin_event_insert(struct store_conn *conn,
                                            const struct store_origin_event *event);
/* Of a zone that the caller may see. */
MUST_USE enum err store_origin_event_list(struct store_conn *conn, const struct id *zone_id,
                                          struct arena *arena, struct store_origin_event_list *out);

#endif
