/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.h - certificates as text: checked, described, and signed by the local CA.
 *
 * PEM goes in and out; OpenSSL stays inside.  The local CA is the installation's own: it signs a
 * certificate for zones whose owner has not uploaded one, so that every zone answers over TLS from
 * its first minute.  The origin CA, a second one, signs requests of tenants for their origins.
 */
#ifndef TRUNKLINE_COMMON_MODEL_CERTIFICATE_H
#define TRUNKLINE_COMMON_MODEL_CERTIFICATE_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/hostname.h"
#include "common/model/limits.h"

#define CERTIFICATE_NAMES_MAX 256

struct certificate_facts {
    struct hostname *names; /* the caller's array */
    size_t name_count;
    uint64_t not_before_s, not_after_s; /* Unix seconds */
    char issuer[256];
    char serial[64];
    char signature[64];          /* "ecdsa-with-SHA256" */
    char fingerprint_sha256[65]; /* of the leaf, hex */
};

/* Checks that the chain parses, the key belongs to its first certificate, RSA has >= 2048 bits or
 * the curve is P-256 or better, and it has not expired at now_s.  `names` has room for
 * CERTIFICATE_NAMES_MAX. */
MUST_USE enum err certificate_inspect(struct span chain_pem, struct span key_pem, uint64_t now_s,
                                      struct hostname *names, struct certificate_facts *out,
                                      struct problem *problem);

/* The same for a certificate that the edge shows to origins: it needs no names, and its extended
 * key usage must not leave clients out. */
MUST_USE enum err certificate_inspect_client(struct span chain_pem, struct span key_pem,
                                             uint64_t now_s, struct hostname *names,
                                             struct certificate_facts *out,
                                             struct problem *problem);
/* The same for one that control has checked: any use, any dates. */
MUST_USE enum err certificate_inspect_received(struct span chain_pem, struct span key_pem,
                                               struct hostname *names,
                                               struct certificate_facts *out,
                                               struct problem *problem);
/* That of a CA, without its key. */
MUST_USE enum err certificate_inspect_ca(struct span chain_pem, struct problem *problem);

/* True when one of the names (wildcards cover one label) covers host. */
bool certificate_covers(const struct certificate_facts *facts, struct span host);

/* A new P-256 CA, ten years, named `common_name`; both results are PEM. */
MUST_USE enum err certificate_make_ca(const char *common_name, uint64_t now_s,
                                      struct buf *chain_out, struct buf *key_out);

struct certificate_authority {
    struct span chain_pem, key_pem;
};

/* A new P-256 key and a certificate for the names, signed by ca, valid for 825 days (never
 * longer than ca).  The chain is the certificate followed by ca's; names[0] is its subject. */
MUST_USE enum err certificate_sign(const struct certificate_authority *ca,
                                   const struct hostname *names, size_t name_count, uint64_t now_s,
                                   struct buf *chain_out, struct buf *key_out);

struct certificate_time {
    uint64_t now_s, days; /* from now on, never longer than the CA */
};

/* For who keeps the private key: names and dates are ours, the key is the request's. */
struct certificate_order {
    struct span csr_pem;
    const struct hostname *names; /* at least one */
    size_t name_count;
    struct certificate_time time;
};
/* Appends the certificate alone, as PEM.  ERR_INVALID with path "csr": it does not parse, is not
 * signed with its own key, or its key is too weak. */
MUST_USE enum err certificate_sign_request(const struct certificate_authority *ca,
                                           const struct certificate_order *order, struct buf *out,
                                           struct problem *problem);

/* What certificate_sign_request made. */
struct certificate_made {
    uint64_t not_after_s;
    char serial[64]; /* hex */
};
/* False when it is not a certificate of ours. */
bool certificate_describe(struct span chain_pem, struct certificate_made *out);

struct certificate_revocations {
    const struct span *serials; /* hex */
    size_t serial_count;
    uint64_t now_s;
};
/* Appends ca's certificate and, behind it, the signed list of what it has revoked, as PEM. */
MUST_USE enum err certificate_revoke(const struct certificate_authority *ca,
                                     const struct certificate_revocations *what, struct buf *out);

#endif
