/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_origin_ca.h - certificates for origins, signed by the installation's origin CA.
 *
 * A tenant sends a request (CSR) for names in his zones; the key stays with him.  Edges trust the
 * CA beside the system's, so that such an origin passes with ssl strict.  What was revoked they
 * refuse: the list travels with the CA's certificate.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_ORIGIN_CA_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_ORIGIN_CA_H

#include "control/change/change.h"

#define CHANGE_ORIGIN_NAMES_MAX 100
#define CHANGE_ORIGIN_DAYS 5475

struct change_origin_spec {
    struct span csr_pem;
    const struct span *hostnames;
    size_t hostname_count;
    struct span request_type; /* "origin-rsa", "origin-ecc" */
    uint64_t validity_days;   /* 7, 30, 90, 365, 730, 1095 or 5475; never longer than the CA */
};

/* ERR_INVALID with path "csr", "hostnames", "request_type" or "requested_validity".  Makes the CA
 * in a store that has none yet. */
MUST_USE enum err change_origin_certificate_create(struct change *change,
                                                   const struct change_origin_spec *spec,
                                                   struct id *out, struct problem *problem);
/* ERR_LIMIT past LIMIT_ORIGIN_REVOCATIONS. */
MUST_USE enum err change_origin_certificate_revoke(struct change *change, const struct id *id,
                                                   struct problem *problem);

#endif
