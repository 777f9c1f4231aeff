/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_use.h - how much of one worker each zone has in use: its requests in flight.
 *
 * A request in flight is what costs: memory for its heads and for two flows, a place in the queue
 * of an origin, a slot there.  So one number bounds them all, and a zone that has reached it is
 * answered 503 while the others go on.  Queue and connections of one origin have bounds of their
 * own (LIMIT_ORIGIN_WAITING, LIMIT_ORIGIN_CONNS).
 *
 * Ownership: a use lives as long as one of its requests, the most recent one longer.
 * Limits:    LIMIT_ZONE_EXCHANGES; as many zones as have requests in flight.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_ZONE_USE_H
#define TRUNKLINE_DATAPLANE_PROXY_ZONE_USE_H

#include "common/base/map.h"
#include "common/model/id.h"

struct zone_use;

struct zone_uses {
    struct map by_zone;
    struct zone_use *recent; /* the last one that began; kept when it has ended */
    uint64_t told_at_ms;     /* when one at its limit was logged last */
};

void zone_uses_init(struct zone_uses *uses);
/* No request is in flight any more. */
void zone_uses_release(struct zone_uses *uses);

/* One request more; NULL: the zone has as many as it may have. */
struct zone_use *zone_uses_begin(struct zone_uses *uses, const struct id *zone_id, size_t most);
void zone_uses_end(struct zone_uses *uses, struct zone_use *use);

#endif
