/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_cache.c - two maps, one order of use, two ceilings.
 */
#include "dataplane/route/zone_cache.h"

#include "common/base/mem.h"

static struct span name_key(const struct cached_name *name)
{
    return span_of(name->text, name->len);
}

static void free_certificate_names(struct cached_zone *zone)
{
    if (zone->certificate_names == NULL)
        return;
    for (size_t i = 0; i < zone->document->certificate_count; i++) {
        void *bytes = (void *)(uintptr_t)zone->certificate_names[i].ptr;
        mem_free(&bytes);
    }
    mem_free(&zone->certificate_names);
}

static void drop_zone(struct zone_cache *cache, struct cached_zone *zone)
{
    ASSERT(list_empty(&zone->names));
    map_remove(&cache->zones, id_span(&zone->id));
    cache->held_bytes -= zone->held_bytes;
    free_certificate_names(zone);
    zone_document_unref(&zone->document);
    mem_free(&zone);
}

static void drop_name(struct zone_cache *cache, struct cached_name *name)
{
    struct cached_zone *zone = name->zone;
    map_remove(&cache->names, name_key(name));
    list_remove(&cache->recent, &name->recent);
    if (zone != NULL) {
        list_remove(&zone->names, &name->of_zone);
        if (list_empty(&zone->names))
            drop_zone(cache, zone);
    }
    mem_free(&name);
}

static void drop_names_of(struct zone_cache *cache, struct cached_zone *zone)
{
    size_t left = zone->names.count;
    while (left-- > 0) {
        struct list_node *node = list_first(&zone->names);
        drop_name(cache, container_of(node, struct cached_name, of_zone));
    }
}

/* The name used last is never dropped: somebody is about to read it. */
static void keep_within(struct zone_cache *cache)
{
    while (cache->recent.count > 1 &&
           (cache->recent.count > cache->names_max || cache->held_bytes > cache->bytes_max))
        drop_name(cache, container_of(cache->recent.head.prev, struct cached_name, recent));
}

void zone_cache_init(struct zone_cache *cache, size_t names_max, size_t bytes_max)
{
    *cache = (struct zone_cache){.names_max = names_max, .bytes_max = bytes_max};
    map_init(&cache->names);
    map_init(&cache->zones);
    list_init(&cache->recent);
}

void zone_cache_release(struct zone_cache *cache)
{
    zone_cache_forget_all(cache);
    map_release(&cache->names);
    map_release(&cache->zones);
}

const struct cached_name *zone_cache_find(struct zone_cache *cache, struct span host)
{
    struct cached_name *name = map_get(&cache->names, host);
    if (name == NULL)
        return NULL;
    if (name->zone == NULL && name->generation != cache->generation) {
        drop_name(cache, name);
        return NULL;
    }
    list_remove(&cache->recent, &name->recent);
    list_push_front(&cache->recent, &name->recent);
    return name;
}

struct cached_zone *zone_cache_zone(const struct zone_cache *cache, const struct id *zone_id)
{
    return map_get(&cache->zones, id_span(zone_id));
}

static struct cached_name *add_name(struct zone_cache *cache, struct span host)
{
    struct cached_name *old = map_get(&cache->names, host);
    if (old != NULL)
        drop_name(cache, old);
    struct cached_name *name = mem_calloc(1, sizeof(*name) + host.len);
    name->generation = cache->generation;
    name->len = host.len;
    memcpy(name->text, host.ptr, host.len);
    map_put(&cache->names, name_key(name), name);
    list_push_front(&cache->recent, &name->recent);
    return name;
}

static struct cached_zone *add_zone(struct zone_cache *cache, struct zone_document *document)
{
    struct cached_zone *zone = mem_new(struct cached_zone);
    zone->id = document->zone_id;
    zone->document = zone_document_ref(document);
    zone->held_bytes = document->arena.taken_bytes + sizeof(*zone);
    list_init(&zone->names);
    map_put(&cache->zones, id_span(&zone->id), zone);
    cache->held_bytes += zone->held_bytes;
    return zone;
}

const struct cached_name *zone_cache_put(struct zone_cache *cache, struct span host,
                                         struct zone_document *document)
{
    struct cached_name *name = add_name(cache, host);
    struct cached_zone *zone = zone_cache_zone(cache, &document->zone_id);
    if (zone == NULL)
        zone = add_zone(cache, document);
    name->zone = zone;
    name->hostname = zone_document_match(zone->document, host);
    list_push_back(&zone->names, &name->of_zone);
    ASSERT(name->hostname != NULL);
    keep_within(cache);
    return name;
}

void zone_cache_put_absent(struct zone_cache *cache, struct span host)
{
    add_name(cache, host);
    keep_within(cache);
}

void zone_cache_put_certificate_names(struct zone_cache *cache, struct cached_zone *zone,
                                      struct span *names)
{
    ASSERT(zone->certificate_names == NULL);
    zone->certificate_names = names;
    for (size_t i = 0; i < zone->document->certificate_count; i++) {
        zone->held_bytes += names[i].len;
        cache->held_bytes += names[i].len;
    }
}

void zone_cache_forget(struct zone_cache *cache, struct span zone_ids, size_t zone_count)
{
    ASSERT(zone_ids.len == zone_count * ID_TEXT_BYTES);
    cache->generation++;
    for (size_t i = 0; i < zone_count; i++) {
        struct span id = span_first(span_skip(zone_ids, i * ID_TEXT_BYTES), ID_TEXT_BYTES);
        struct cached_zone *zone = map_get(&cache->zones, id);
        if (zone != NULL)
            drop_names_of(cache, zone);
    }
}

void zone_cache_forget_all(struct zone_cache *cache)
{
    cache->generation++;
    LIST_EACH(&cache->recent, node)
    drop_name(cache, container_of(node, struct cached_name, recent));
}
