/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_documents.h - revisions, and the document that each zone has at its newest one.
 *
 *      revision n: chain(n) = SHA-256(chain(n-1) || digest of what changed); chain(0) is all zero
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_DOCUMENTS_H
#define TRUNKLINE_CONTROL_STORE_STORE_DOCUMENTS_H

#include "common/model/digest.h"
#include "control/store/store.h"

struct store_document {
    struct id zone_id;
    uint64_t revision;
    struct digest digest; /* of body */
    struct span body;
    bool deleted; /* a tombstone: body is empty */
};

/* The number that store_revision_take will give in this transaction. */
MUST_USE enum err store_revision_next(struct store_conn *conn, uint64_t *out);
/* Takes the next number, under the writer's lock; called last in a transaction. */
MUST_USE enum err store_revision_take(struct store_conn *conn, const struct digest *changed,
                                      uint64_t *out);
/* Replaces what the zone had. */
MUST_USE enum err store_document_put(struct store_conn *conn,
                                     const struct store_document *document);
MUST_USE enum err store_document_get(struct store_conn *conn, const struct id *zone_id,
                                     struct arena *arena, struct store_document *out);

#endif
