/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.h - certificates as text: checked, described, and signed by the local CA.
 *
 * PEM goes in and out; OpenSSL stays inside.  The local CA is the installation's own: it signs a
 * certificate for zones whose owner has not uploaded one, so that every zone answers over TLS from
 * its first minute.
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

#endif
