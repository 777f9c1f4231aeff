/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_certificates.h - the certificates of a zone and the installation's local CA.
 *
 * Private keys are sealed with the master key before they reach SQLite; only store_ca_get and the
 * feed (store_feed.h) open them.  A written certificate carries no revision until
 * store_certificates_stamp gives it the one of its transaction.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_CERTIFICATES_H
#define TRUNKLINE_CONTROL_STORE_STORE_CERTIFICATES_H

#include "common/base/buf.h"
#include "control/store/store.h"

struct store_certificate {
    struct id id, zone_id;
    bool local;  /* signed by the local CA; else uploaded */
    bool client; /* shown to origins; else to visitors */
    struct span chain_pem;
    struct span names; /* "example.com *.example.com" */
    struct span issuer, serial, signature, fingerprint;
    uint64_t not_before_s, not_after_s; /* Unix seconds */
    uint64_t created_at_us;
    uint64_t priority; /* the higher is asked first */
};

/* Client ones, custom ones, by priority and then the newest first among both, then the local one.
 */
struct store_certificate_list {
    struct store_certificate *rows;
    size_t count;
};

/* ERR_NOT_FOUND when the scope does not see the zone. */
MUST_USE enum err store_certificate_list(struct store_conn *conn, const struct store_scope *scope,
                                         const struct id *zone_id, struct arena *arena,
                                         struct store_certificate_list *out);
MUST_USE enum err store_certificate_get(struct store_conn *conn, const struct store_scope *scope,
                                        const struct id *zone_id, const struct id *id,
                                        struct arena *arena, struct store_certificate *out);

/* Seals key_pem. */
MUST_USE enum err store_certificate_insert(struct store_conn *conn,
                                           const struct store_certificate *certificate,
                                           struct span key_pem);
MUST_USE enum err store_certificate_prioritise(struct store_conn *conn, const struct id *zone_id,
                                               const struct id *id, uint64_t priority);
MUST_USE enum err store_certificate_delete(struct store_conn *conn, const struct id *zone_id,
                                           const struct id *id);
/* Gives the zone's newly written certificates their revision. */
MUST_USE enum err store_certificates_stamp(struct store_conn *conn, const struct id *zone_id,
                                           uint64_t revision);
/* A zone whose local certificate ends before not_after_s; ERR_NOT_FOUND. */
MUST_USE enum err store_certificate_ending(struct store_conn *conn, uint64_t not_after_s,
                                           struct id *zone_id_out);

MUST_USE enum err store_ca_put(struct store_conn *conn, struct span chain_pem, struct span key_pem);
/* Appends the chain and, unless key_out is NULL, the opened key, which the caller wipes. */
MUST_USE enum err store_ca_get(struct store_conn *conn, struct buf *chain_out, struct buf *key_out);

#endif
