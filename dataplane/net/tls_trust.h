/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_trust.h - whom origins must be certified by: loaded once, shared by profiles.
 *
 * The operator's bundle or the system's, and the installation's origin CA with the list of what it
 * has revoked.  Certificates of other CAs are not looked up in any list.
 *
 * Ownership: profiles keep what they need of it; it may go before them.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TLS_TRUST_H
#define TRUNKLINE_DATAPLANE_NET_TLS_TRUST_H

#include "common/base/err.h"
#include "common/base/span.h"

struct tls_trust;

/* ca_file NULL: the system's.  origin_ca_pem (certificate, CRL) may be empty.  ERR_INVALID with
 * path "ca_file" or "origin_ca". */
MUST_USE enum err tls_trust_new(const char *ca_file, struct span origin_ca_pem,
                                struct tls_trust **out, struct problem *problem);
/* Leaves NULL behind; NULL is fine. */
void tls_trust_free(struct tls_trust **trust);

#endif
