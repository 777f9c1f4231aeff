/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_origin_ca.h - the CA that signs for origins, and what it has signed.
 *
 * Its key is sealed with the master key.  Edges get its certificate, with the list of what it has
 * revoked, as a record of the feed that belongs to no zone.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_ORIGIN_CA_H
#define TRUNKLINE_CONTROL_STORE_STORE_ORIGIN_CA_H

#include "common/base/buf.h"
#include "control/store/store.h"

/* ERR_EXISTS when there is one. */
MUST_USE enum err store_origin_ca_put(struct store_conn *conn, struct span chain_pem,
                                      struct span key_pem);
/* Appends the chain and, unless key_out is NULL, the opened key, which the caller wipes.
 * ERR_NOT_FOUND. */
MUST_USE enum err store_origin_ca_get(struct store_conn *conn, struct buf *chain_out,
                                      struct buf *key_out);
/* Another chain of the same CA; edges are told with the next revision. */
MUST_USE enum err store_origin_ca_update(struct store_conn *conn, struct span chain_pem);
/* Gives what edges have not been told its revision. */
MUST_USE enum err store_origin_ca_stamp(struct store_conn *conn, uint64_t revision);

struct store_origin_certificate {
    struct id id, account_id;
    struct span hostnames;    /* "example.com *.example.com" */
    struct span request_type; /* "origin-ecc" */
    uint64_t validity_days;
    struct span csr_pem, chain_pem, serial;
    uint64_t not_after_s, created_at_us;
    uint64_t revoked_at_us; /* 0: it is not */
};

struct store_origin_certificate_list {
    struct store_origin_certificate *rows;
    size_t count;
    uint64_t total_count; /* on all pages */
};

MUST_USE enum err store_origin_certificate_insert(struct store_conn *conn,
                                                  const struct store_origin_certificate *row);
/* It names hosts of this zone; idempotent. */
MUST_USE enum err store_origin_certificate_link(struct store_conn *conn, const struct id *id,
                                                const struct id *zone_id);
MUST_USE enum err store_origin_certificate_get(struct store_conn *conn,
                                               const struct store_scope *scope, const struct id *id,
                                               struct arena *arena,
                                               struct store_origin_certificate *out);

/* Those of a zone that are not revoked, the newest first.  ERR_NOT_FOUND when the scope does not
 * see the zone. */
struct store_origin_certificate_query {
    struct store_scope scope;
    struct id zone_id;
    struct store_page page;
};
MUST_USE enum err store_origin_certificate_list(struct store_conn *conn,
                                                const struct store_origin_certificate_query *query,
                                                struct arena *arena,
                                                struct store_origin_certificate_list *out);
MUST_USE enum err store_origin_certificate_revoke(struct store_conn *conn, const struct id *id,
                                                  uint64_t at_us);

/* Serial numbers in hex, of what is revoked and ends after now_s; ERR_LIMIT past
 * LIMIT_ORIGIN_REVOCATIONS. */
MUST_USE enum err store_origin_revocations(struct store_conn *conn, uint64_t now_s,
                                           struct arena *arena, struct span **out,
                                           size_t *count_out);

#endif
