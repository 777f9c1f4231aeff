/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_tls.h - how TLS is done to origins: one profile for each {verified, HTTP/2, client
 * certificate}.
 *
 * Profiles are made when they are needed first and kept, the least recently used goes: connections
 * hold the one they began with.  A certificate's id names its bytes for ever, so only what was
 * trusted can be out of date.  What is trusted is loaded once (the system's bundle takes 40 ms).
 *
 * The source is the router, seen through function pointers: this room may not know it.
 *
 * Threads:   one loop.
 * Limits:    LIMIT_ORIGIN_TLS_PROFILES.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_TLS_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_TLS_H

#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/model/id.h"
#include "dataplane/net/tls_profile.h"

/* A function may be NULL: then there is none of it. */
struct origin_tls_source {
    /* Appends PEM; the key is wiped by the caller.  ERR_NOT_FOUND. */
    enum err (*certificate)(void *owner, const struct id *id, struct buf *chain_out,
                            struct buf *key_out);
    enum err (*origin_ca)(void *owner, struct buf *out);
    void *owner;
};

struct origin_profiles {
    const char *ca_file; /* NULL: the system's */
    struct origin_tls_source source;
    struct tls_trust *trust; /* NULL until it is needed */
    struct map by_key;
    struct list used; /* the most recent first */
};

struct origin_tls_want {
    bool verified, h2_offered;
    struct id client_certificate; /* empty: none */
};

void origin_tls_init(struct origin_profiles *tls, const char *ca_file,
                     const struct origin_tls_source *source);
void origin_tls_release(struct origin_profiles *tls);

/* Lent until the next call; NULL when it cannot be made, and the problem says why. */
struct tls_profile *origin_tls_profile(struct origin_profiles *tls,
                                       const struct origin_tls_want *want, struct problem *problem);
/* The origin CA may be another by now: verified profiles are made anew. */
void origin_tls_forget_trust(struct origin_profiles *tls);

#endif
