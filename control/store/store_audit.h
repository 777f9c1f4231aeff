/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_audit.h - who changed what: rows that are only appended, each sealed by the hash of the
 * one before.
 *
 *      hash(n) = SHA-256(hash(n-1) || every field of row n, each with its length)
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_AUDIT_H
#define TRUNKLINE_CONTROL_STORE_STORE_AUDIT_H

#include "control/store/store.h"

struct store_audit_entry {
    uint64_t at_us;
    struct id user_id, token_id;    /* empty: the operator at the console */
    struct id account_id;           /* empty: none */
    struct id zone_id;              /* empty: none */
    struct span action;             /* "zone.create" */
    struct span old_json, new_json; /* empty: there was or is nothing; never a secret */
    struct span ip, request_id;
};

MUST_USE enum err store_audit_append(struct store_conn *conn,
                                     const struct store_audit_entry *entry);
/* Walks the whole chain; ERR_CORRUPT names the first row that is not what was written. */
MUST_USE enum err store_audit_verify(struct store_conn *conn, struct problem *problem);

#endif
