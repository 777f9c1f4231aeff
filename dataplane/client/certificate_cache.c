/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_cache.c - profiles by certificate id, the least recently used one last.
 */
#include "dataplane/client/certificate_cache.h"

#include "common/base/log.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/model/hostname.h"
#include "common/model/limits.h"

struct entry {
    struct list_node node; /* in cache->used, the most recent first */
    struct id id;
    struct tls_profile *profile;
};

_Static_assert(TLS_SCOPE_BYTES == ID_TEXT_BYTES, "a ticket's scope is a zone");

struct certificate_cache {
    struct certificate_source source;
    size_t profiles_max;
    struct map by_id;
    struct list used;
};

struct certificate_cache *certificate_cache_new(const struct certificate_source *source,
                                                size_t profiles_max)
{
    ASSERT(profiles_max > 0 && profiles_max <= LIMIT_TLS_PROFILES);
    struct certificate_cache *cache = mem_new(struct certificate_cache);
    cache->source = *source;
    cache->profiles_max = profiles_max;
    map_init(&cache->by_id);
    list_init(&cache->used);
    return cache;
}

static void drop_entry(struct certificate_cache *cache, struct entry *entry)
{
    (void)map_remove(&cache->by_id, id_span(&entry->id));
    list_remove(&cache->used, &entry->node);
    tls_profile_unref(&entry->profile);
    free(entry);
}

void certificate_cache_free(struct certificate_cache **slot)
{
    struct certificate_cache *cache = *slot;
    *slot = NULL;
    LIST_EACH(&cache->used, node)
    drop_entry(cache, container_of(node, struct entry, node));
    map_release(&cache->by_id);
    free(cache);
}

static void keep_profile(struct certificate_cache *cache, const struct id *id,
                         struct tls_profile *profile)
{
    struct entry *old = map_get(&cache->by_id, id_span(id));
    if (old)
        drop_entry(cache, old);
    if (cache->used.count >= cache->profiles_max)
        drop_entry(cache, container_of(cache->used.head.prev, struct entry, node));
    struct entry *entry = mem_new(struct entry);
    entry->id = *id;
    entry->profile = profile;
    list_push_front(&cache->used, &entry->node);
    (void)map_put(&cache->by_id, id_span(&entry->id), entry);
}

static void wipe(struct buf *buf)
{
    if (buf->ptr)
        mem_wipe(buf->ptr, buf->cap);
    buf_release(buf);
}

static enum err load_profile(struct certificate_cache *cache, struct span host,
                             struct visitor_tls *wanted, struct tls_profile **out)
{
    struct buf chain, key;
    struct problem problem = {0};
    struct tls_profile *profile = NULL;
    buf_init(&chain, LIMIT_CERTIFICATE_BYTES + 1);
    buf_init(&key, LIMIT_PRIVATE_KEY_BYTES + 1);
    enum err err = cache->source.load(cache->source.owner, host, wanted, &chain, &key);
    if (err == ERR_OK && (chain.overflowed || key.overflowed))
        err = ERR_TOO_LARGE;
    if (err == ERR_OK)
        err = tls_profile_new_client_facing(buf_span(&chain), buf_span(&key), &profile, &problem);
    buf_release(&chain);
    wipe(&key);
    if (err == ERR_OK) {
        keep_profile(cache, &wanted->certificate_id, profile);
        *out = tls_profile_ref(profile);
    } else if (err != ERR_HOST_UNKNOWN) {
        log_warn("certificate_load_failed", F_SPAN("host", host), F_ERR(err),
                 F_STR("text", problem.text));
    }
    return err;
}

static enum err find_profile(struct certificate_cache *cache, struct span host,
                             struct visitor_tls *wanted, struct tls_profile **out)
{
    TRY(cache->source.choose(cache->source.owner, host, wanted));
    struct entry *entry = map_get(&cache->by_id, id_span(&wanted->certificate_id));
    if (!entry)
        return load_profile(cache, host, wanted, out);
    list_remove(&cache->used, &entry->node);
    list_push_front(&cache->used, &entry->node);
    *out = tls_profile_ref(entry->profile);
    return ERR_OK;
}

enum err certificate_cache_select(void *owner, struct span sni, struct tls_terms *out)
{
    struct hostname host;
    struct visitor_tls wanted;
    if (hostname_parse(sni, HOSTNAME_EXACT, &host, NULL) != ERR_OK)
        return ERR_HOST_UNKNOWN;
    TRY(find_profile(owner, hostname_span(&host), &wanted, &out->profile));
    memcpy(out->scope, wanted.zone_id.text, sizeof(out->scope));
    out->tls_1_2 = wanted.tls_1_2;
    out->tls_1_3 = wanted.tls_1_3;
    out->h2_offered = wanted.h2_offered;
    return ERR_OK;
}
