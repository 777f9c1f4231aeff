/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_certificate.h - the certificates that a zone shows: to visitors, and to its origins.
 *
 * Client ones are uploaded, for origins that want to know who connects: with the setting
 * tls_client_auth the newest of them is shown.  Custom ones are uploaded too, for visitors.  Beside
 * them every zone has one that the installation's local CA signed: for the zone, one wildcard, and
 * each deeper proxied hostname that no custom certificate covers.  It is signed anew in the same
 * transaction when a hostname comes that it lacks.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_CERTIFICATE_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_CERTIFICATE_H

#include "control/change/change.h"

#define CHANGE_RENEW_DAYS 30

struct change_certificate_spec {
    struct span chain_pem, key_pem;
    bool client; /* for origins: names are not asked for */
};

/* ERR_INVALID with path "certificate" or "private_key".  ERR_LIMIT: LIMIT_ZONE_CERTIFICATES. */
MUST_USE enum err change_certificate_create(struct change *change, const struct id *zone_id,
                                            const struct change_certificate_spec *spec,
                                            struct id *out, struct problem *problem);
/* Another one takes its place and its priority; it has an id of its own.  Custom ones only. */
MUST_USE enum err change_certificate_replace(struct change *change, const struct id *zone_id,
                                             const struct id *certificate_id,
                                             const struct change_certificate_spec *spec,
                                             struct id *out, struct problem *problem);
/* Where several cover a name, the one with the highest priority is shown.  Custom ones only.
 */
MUST_USE enum err change_certificate_prioritise(struct change *change, const struct id *zone_id,
                                                const struct id *certificate_id, uint64_t priority,
                                                struct problem *problem);
MUST_USE enum err change_certificate_delete(struct change *change, const struct id *zone_id,
                                            const struct id *certificate_id,
                                            struct problem *problem);

/* Client ones only. */
MUST_USE enum err change_client_certificate_delete(struct change *change, const struct id *zone_id,
                                                   const struct id *certificate_id,
                                                   struct problem *problem);

/* Signs local certificates anew that end within CHANGE_RENEW_DAYS, each in a change of its own;
 * called now and then. */
MUST_USE enum err change_certificates_renew(const struct change_door *door);

#endif
