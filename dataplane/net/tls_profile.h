/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_profile.h - how we do TLS on one side: certificates and ALPN for visitors, trust and ALPN for
 * origins.
 *
 * A profile wraps an SSL_CTX, is immutable once made and counted by references: a connection holds
 * the profile it began with, so a changed certificate drops nobody.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TLS_PROFILE_H
#define TRUNKLINE_DATAPLANE_NET_TLS_PROFILE_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "dataplane/net/tls_trust.h"

enum tls_alpn {
    TLS_ALPN_NONE, /* nothing was negotiated: HTTP/1.1 */
    TLS_ALPN_H1,
    TLS_ALPN_H2,
};

struct tls_profile;

/* For visitors: one certificate (chain and key as PEM; the key is wiped from what we copy).
 * Versions and protocols are those of tls_terms; h2 is preferred.  *out has one reference. */
MUST_USE enum err tls_profile_new_client_facing(struct span chain_pem, struct span key_pem,
                                                struct tls_profile **out, struct problem *problem);

struct tls_origin_options {
    const struct tls_trust *trust; /* NULL: any certificate will do */
    bool h2_offered;
    struct span chain_pem, key_pem; /* shown to origins that ask; empty: none */
};
/* For origins, TLS 1.2 and 1.3: resumes sessions, sends SNI. */
MUST_USE enum err tls_profile_new_origin_facing(const struct tls_origin_options *options,
                                                struct tls_profile **out, struct problem *problem);

struct tls_profile *tls_profile_ref(struct tls_profile *profile);
void tls_profile_unref(struct tls_profile **profile);

/* The certificate of a visitors' profile is one for this hostname. */
bool tls_profile_covers(const struct tls_profile *profile, struct span host);

#define TLS_SCOPE_BYTES 32

/* How one visitor is spoken to, by the name in his ClientHello. */
struct tls_terms {
    struct tls_profile *profile;    /* a reference */
    uint8_t scope[TLS_SCOPE_BYTES]; /* the zone: tickets of another one are not taken */
    bool tls_1_2, tls_1_3;          /* what is spoken: one or both */
    bool h2_offered;
};

/* Asked during the ClientHello of a visitor, with the SNI in lower case (empty when none was sent).
 * ERR_OK: *out is filled.  ERR_HOST_UNKNOWN: alert unrecognized_name.  Upward call of the client
 * room into the router: it computes and calls no transport. */
typedef enum err tls_select_fn(void *owner, struct span sni, struct tls_terms *out);

struct loop;
/* The keys of visitors' session tickets from now on: LIMIT_TICKET_KEY_BYTES each, the next one, the
 * current one, older ones; copied.  A session can be resumed for lifetime_s. */
void tls_tickets_use(struct loop *loop, struct span keys, uint32_t lifetime_s);

#endif
