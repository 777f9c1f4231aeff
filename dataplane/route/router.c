/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router.c - a question goes to the cache, then to the replica, and the answer stays in the cache.
 */
#include "dataplane/route/router.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/hostname.h"
#include "common/model/seal.h"
#include "dataplane/route/replica_reader.h"
#include "dataplane/route/zone_cache.h"

/* A name and a line end for each of CERTIFICATE_NAMES_MAX. */
#define NAMES_BYTES_MAX ((LIMIT_HOSTNAME_BYTES + 1) * 256)

struct router {
    char *replica_path;
    struct replica_reader *reader; /* NULL while there is no replica */
    struct seal_key edge_key;
    struct zone_cache cache;
};

enum err router_open(const struct router_options *options, struct router **out,
                     struct problem *problem)
{
    struct router *router = mem_new(struct router);
    zone_cache_init(&router->cache, LIMIT_ZONE_CACHE, LIMIT_ZONE_CACHE_BYTES);
    router->replica_path = strdup(options->replica_path);
    ASSERT(router->replica_path != NULL);
    router->edge_key = *options->edge_key;
    enum err err = replica_reader_open(options->replica_path, &router->reader, problem);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        router_close(&router);
        return err;
    }
    *out = router;
    return ERR_OK;
}

void router_close(struct router **router)
{
    if (*router == NULL)
        return;
    zone_cache_release(&(*router)->cache);
    replica_reader_close(&(*router)->reader);
    seal_key_wipe(&(*router)->edge_key);
    mem_free(&(*router)->replica_path);
    mem_free(router);
}

/* ERR_HOST_UNKNOWN also while a change is on its way: the names are newer or older than the
 * document that was read.  The supervisor's word comes behind it and forgets the answer. */
static enum err read_zone(struct router *router, struct span host, const struct cached_name **out)
{
    struct id zone_id;
    struct zone_document *document = NULL;
    if (router->reader == NULL)
        return ERR_HOST_UNKNOWN;
    TRY(replica_reader_zone(router->reader, host, &zone_id));
    struct cached_zone *zone = zone_cache_zone(&router->cache, &zone_id);
    if (zone != NULL) {
        document = zone_document_ref(zone->document);
    } else {
        enum err err = replica_reader_document(router->reader, &zone_id, &document);
        if (err != ERR_OK)
            return err == ERR_NOT_FOUND ? ERR_HOST_UNKNOWN : err;
    }
    bool has_host = zone_document_match(document, host) != NULL;
    if (has_host)
        *out = zone_cache_put(&router->cache, host, document);
    zone_document_unref(&document);
    return has_host ? ERR_OK : ERR_HOST_UNKNOWN;
}

static enum err find(struct router *router, struct span host, const struct cached_name **out)
{
    if (host.len == 0 || host.len > LIMIT_HOSTNAME_BYTES)
        return ERR_HOST_UNKNOWN;
    *out = zone_cache_find(&router->cache, host);
    if (*out != NULL)
        return (*out)->zone == NULL ? ERR_HOST_UNKNOWN : ERR_OK;
    enum err err = read_zone(router, host, out);
    if (err == ERR_HOST_UNKNOWN)
        zone_cache_put_absent(&router->cache, host);
    return err;
}

enum err router_match(struct router *router, struct span host, struct route *out)
{
    const struct cached_name *name;
    TRY(find(router, host, &name));
    out->document = zone_document_ref(name->zone->document);
    out->hostname = name->hostname;
    return ERR_OK;
}

/* ---- certificates */

/* A certificate that is not there covers nothing. */
static enum err read_certificate_names(struct router *router, struct cached_zone *zone)
{
    size_t count = zone->document->certificate_count;
    struct span *names = mem_calloc(count > 0 ? count : 1, sizeof(*names));
    enum err err = ERR_OK;
    struct buf text;
    buf_init(&text, NAMES_BYTES_MAX);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        buf_clear(&text);
        err = replica_reader_names(router->reader, &zone->document->certificates[i], &text);
        if (err == ERR_NOT_FOUND)
            err = ERR_OK;
        uint8_t *copy = mem_alloc(text.len > 0 ? text.len : 1);
        if (text.len > 0)
            memcpy(copy, text.ptr, text.len);
        names[i] = span_of(copy, text.len);
    }
    buf_release(&text);
    if (err == ERR_OK) {
        zone_cache_put_certificate_names(&router->cache, zone, names);
        return ERR_OK;
    }
    for (size_t i = 0; i < count; i++) {
        void *copy = (void *)(uintptr_t)names[i].ptr;
        mem_free(&copy);
    }
    mem_free(&names);
    return err;
}

static bool names_cover(struct span names, struct span host)
{
    struct hostname wildcard;
    bool has_wildcard = hostname_wildcard_of(host, &wildcard);
    while (names.len > 0) {
        struct span name = span_split(&names, '\n');
        if (span_equal(name, host) || (has_wildcard && span_equal(name, hostname_span(&wildcard))))
            return true;
    }
    return false;
}

enum err router_visitor_tls(struct router *router, struct span host, struct visitor_tls *out)
{
    const struct cached_name *name;
    TRY(find(router, host, &name));
    struct cached_zone *zone = name->zone;
    if (zone->certificate_names == NULL) {
        if (router->reader == NULL)
            return ERR_HOST_UNKNOWN;
        TRY(read_certificate_names(router, zone));
    }
    zone_document_visitor_tls(zone->document, out);
    for (size_t i = 0; i < zone->document->certificate_count; i++) {
        if (names_cover(zone->certificate_names[i], host)) {
            out->certificate_id = zone->document->certificates[i];
            return ERR_OK;
        }
    }
    return ERR_HOST_UNKNOWN;
}

enum err router_certificate_by_id(struct router *router, const struct id *id, struct buf *chain_out,
                                  struct buf *key_out)
{
    char bound_to[REPLICA_BINDING_BYTES];
    struct replica_certificate row;
    if (router->reader == NULL)
        return ERR_NOT_FOUND;
    buf_init(&row.chain_pem, LIMIT_CERTIFICATE_BYTES);
    buf_init(&row.key_sealed, LIMIT_PRIVATE_KEY_BYTES + SEAL_OVERHEAD_BYTES);
    enum err err = replica_reader_certificate(router->reader, id, &row);
    if (err == ERR_OK)
        err = seal_open(&router->edge_key, replica_binding(&row.zone_id, id, bound_to),
                        buf_span(&row.key_sealed), key_out);
    if (err == ERR_OK)
        buf_append(chain_out, buf_span(&row.chain_pem));
    else
        log_error("certificate_read_failed", F_SPAN("certificate", id_span(id)), F_ERR(err));
    buf_release(&row.chain_pem);
    buf_release(&row.key_sealed);
    return err;
}

/* A certificate that was deleted is out of the replica a moment before the supervisor's word about
 * its zone comes: what is cached of the zone is old then. */
enum err router_visitor_certificate(struct router *router, struct span host,
                                    struct visitor_tls *out, struct buf *chain_out,
                                    struct buf *key_out)
{
    TRY(router_visitor_tls(router, host, out));
    enum err err = router_certificate_by_id(router, &out->certificate_id, chain_out, key_out);
    if (err != ERR_NOT_FOUND)
        return err;
    router_forget(router, id_span(&out->zone_id), 1);
    TRY(router_visitor_tls(router, host, out));
    return router_certificate_by_id(router, &out->certificate_id, chain_out, key_out);
}

enum err router_origin_ca(struct router *router, struct buf *out)
{
    return router->reader == NULL ? ERR_NOT_FOUND : replica_reader_origin_ca(router->reader, out);
}

/* ---- changes */

void router_forget(struct router *router, struct span zone_ids, size_t zone_count)
{
    zone_cache_forget(&router->cache, zone_ids, zone_count);
}

void router_forget_all(struct router *router)
{
    struct problem problem;
    zone_cache_forget_all(&router->cache);
    if (router->reader != NULL && replica_reader_current(router->reader))
        return;
    replica_reader_close(&router->reader);
    enum err err = replica_reader_open(router->replica_path, &router->reader, &problem);
    if (err != ERR_OK)
        log_error("replica_reopen_failed", F_STR("text", problem.text), F_ERR(err));
}

void route_origin(const struct route *route, size_t index, struct span host, struct origin *out)
{
    static const enum origin_tls tls_of[] = {
        [SSL_OFF] = ORIGIN_TLS_NONE,
        [SSL_FLEXIBLE] = ORIGIN_TLS_NONE,
        [SSL_FULL] = ORIGIN_TLS_UNVERIFIED,
        [SSL_STRICT] = ORIGIN_TLS_VERIFIED,
        [SSL_ORIGIN_PULL] = ORIGIN_TLS_VERIFIED,
    };
    ASSERT(index < route->hostname->origin_count);
    const struct zone_document *document = route->document;
    const struct zone_origin *origin = &route->hostname->origins[index];
    uint64_t ssl = zone_document_setting(document, SETTING_ssl);
    ASSERT(ssl < countof(tls_of));
    enum origin_tls tls = tls_of[ssl];
    bool h2_wanted =
        zone_document_setting_of(document, host, SETTING_origin_max_http_version) == ORIGIN_HTTP_2;
    uint16_t port_default = tls == ORIGIN_TLS_NONE ? 80 : 443;
    *out = (struct origin){
        .zone_id = document->zone_id,
        .address = origin->address,
        .sni = origin->sni.len > 0 ? origin->sni : host,
        .port = origin->port != 0 ? origin->port : port_default,
        .tls = tls,
        .policy = h2_wanted && !document->paused && tls != ORIGIN_TLS_NONE ? ORIGIN_PROTOCOL_AUTO
                                                                           : ORIGIN_PROTOCOL_H1,
    };
    uint64_t streams_max = zone_document_setting_of(document, host, SETTING_origin_h2_max_streams);
    if (streams_max != zone_document_setting(document, SETTING_origin_h2_max_streams))
        out->streams_max = (uint32_t)streams_max;
    bool shown = zone_document_setting(document, SETTING_tls_client_auth) == SWITCH_ON;
    if (shown && tls != ORIGIN_TLS_NONE && document->client_certificate_count > 0)
        out->client_certificate = document->client_certificates[0];
}
