/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_use.c - a count for each zone with requests in flight.
 */
#include "dataplane/proxy/zone_use.h"

#include "common/base/mem.h"

struct zone_use {
    struct id zone_id;
    size_t running_count;
};

void zone_uses_init(struct zone_uses *uses)
{
    *uses = (struct zone_uses){0};
    map_init(&uses->by_zone);
}

static void drop_unused(struct zone_uses *uses, struct zone_use *use)
{
    if (!use || use->running_count > 0)
        return;
    (void)map_remove(&uses->by_zone, id_span(&use->zone_id));
    free(use);
}

void zone_uses_release(struct zone_uses *uses)
{
    drop_unused(uses, uses->recent);
    ASSERT(uses->by_zone.count == 0);
    map_release(&uses->by_zone);
}

static struct zone_use *use_of(struct zone_uses *uses, const struct id *zone_id)
{
    if (uses->recent && id_equal(uses->recent->zone_id, *zone_id))
        return uses->recent;
    struct zone_use *use = map_get(&uses->by_zone, id_span(zone_id));
    if (!use) {
        use = mem_new(struct zone_use);
        use->zone_id = *zone_id;
        (void)map_put(&uses->by_zone, id_span(&use->zone_id), use);
    }
    drop_unused(uses, uses->recent);
    uses->recent = use;
    return use;
}

struct zone_use *zone_uses_begin(struct zone_uses *uses, const struct id *zone_id, size_t most)
{
    struct zone_use *use = use_of(uses, zone_id);
    if (use->running_count >= most)
        return NULL;
    use->running_count++;
    return use;
}

void zone_uses_end(struct zone_uses *uses, struct zone_use *use)
{
    use->running_count--;
    if (use != uses->recent)
        drop_unused(uses, use);
}
