/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_cache.h - the certificate for a visitor's SNI, ready to shake hands with.
 *
 *      SNI -> source.choose (cheap) -> profile by certificate id, or source.load -> new profile
 *
 * A certificate's id names its bytes for ever, so a profile is never out of date: a zone with a
 * changed certificate has another id; what else a zone says about TLS is asked each time.  The
 * least recently used profiles go when there are many; connections keep the profile they began
 * with.
 *
 * The source is the router, seen through function pointers: this room may not know it.
 *
 * Limits: LIMIT_TLS_PROFILES.
 */
#ifndef TRUNKLINE_DATAPLANE_CLIENT_CERTIFICATE_CACHE_H
#define TRUNKLINE_DATAPLANE_CLIENT_CERTIFICATE_CACHE_H

#include "common/base/buf.h"
#include "common/model/zone_document.h"
#include "dataplane/net/tls_profile.h"

struct certificate_cache;

struct certificate_source {
    /* host is normalised.  ERR_HOST_UNKNOWN when no zone has it. */
    enum err (*choose)(void *owner, struct span host, struct visitor_tls *out);
    /* The same; appends PEM, too, and the cache wipes the key. */
    enum err (*load)(void *owner, struct span host, struct visitor_tls *out, struct buf *chain_out,
                     struct buf *key_out);
    void *owner;
};

/* profiles_max: LIMIT_TLS_PROFILES, or less. */
struct certificate_cache *certificate_cache_new(const struct certificate_source *source,
                                                size_t profiles_max);
void certificate_cache_free(struct certificate_cache **cache);

/* A tls_select_fn; owner is the cache. */
enum err certificate_cache_select(void *owner, struct span sni, struct tls_terms *out);

#endif
