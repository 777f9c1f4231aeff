/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_cache.h - what one worker remembers of the replica: hot hostnames, absent ones too.
 *
 *      names (by host, least recently used goes first)        zones (by id)
 *        www.example.com  ----.
 *        shop.example.com ----+---> cached_zone {document, what its certificates cover}
 *        nobody.test      ----> absent, as of generation 7
 *
 * A zone is there as long as one of its names is.  Forgetting a zone forgets its names.  An absent
 * name may be claimed by any zone, so every change makes a new generation and an absent name of an
 * older one counts as not known: O(1) for the change, one short read of the replica for each
 * absent name that is asked for again.
 *
 * Ownership: the cache holds one reference to each document.  What find returns is lent until the
 *            next call.
 * Limits:    LIMIT_ZONE_CACHE names, LIMIT_ZONE_CACHE_BYTES of documents.
 */
#ifndef TRUNKLINE_DATAPLANE_ROUTE_ZONE_CACHE_H
#define TRUNKLINE_DATAPLANE_ROUTE_ZONE_CACHE_H

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/model/zone_document.h"

struct cached_zone {
    struct id id;
    struct zone_document *document;
    struct list names;
    struct span *certificate_names; /* as many as the document has certificates; NULL: not read */
    size_t held_bytes;
};

struct cached_name {
    struct list_node recent, of_zone;
    struct cached_zone *zone; /* NULL: absent */
    const struct zone_hostname *hostname;
    uint64_t generation;
    size_t len;
    char text[];
};

struct zone_cache {
    struct map names, zones;
    struct list recent; /* the first is the one used last */
    uint64_t generation;
    size_t held_bytes;
    size_t names_max, bytes_max;
};

void zone_cache_init(struct zone_cache *cache, size_t names_max, size_t bytes_max);
void zone_cache_release(struct zone_cache *cache);

/* NULL: not known, ask the replica. */
const struct cached_name *zone_cache_find(struct zone_cache *cache, struct span host);
/* NULL when no name of this zone is remembered. */
struct cached_zone *zone_cache_zone(const struct zone_cache *cache, const struct id *zone_id);

/* Keeps a reference to document, unless its zone is there already: then that one stays.  hostname
 * belongs to the document that is kept.  May forget others. */
const struct cached_name *zone_cache_put(struct zone_cache *cache, struct span host,
                                         struct zone_document *document);
void zone_cache_put_absent(struct zone_cache *cache, struct span host);
/* Takes names (document->certificate_count spans from mem_alloc, their bytes too). */
void zone_cache_put_certificate_names(struct zone_cache *cache, struct cached_zone *zone,
                                      struct span *names);

/* zone_ids: zone_count times ID_TEXT_BYTES characters.  Absent names are forgotten as well. */
void zone_cache_forget(struct zone_cache *cache, struct span zone_ids, size_t zone_count);
void zone_cache_forget_all(struct zone_cache *cache);

#endif
