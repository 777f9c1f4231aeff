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

struct store_audit_row {
    uint64_t id;
    struct store_audit_entry entry;
    struct span user_email, account_name, zone_name; /* empty: nobody, or no longer there */
};

struct store_audit_list {
    struct store_audit_row *rows;
    size_t count;
};

/* One account's rows, or those of one user where the account is empty.  Empty members are no
 * filter. */
struct store_audit_query {
    struct id account_id, user_id;
    uint64_t since_us, before_us; /* 0: open */
    struct span actor_email, action;
    struct id zone_id;
    uint64_t after_id; /* rows behind this one in the order asked for; 0: from its begin */
    struct store_page page;
};

/* ERR_LIMIT when the page has more than LIMIT_AUDIT_LIST_BYTES of values. */
MUST_USE enum err store_audit_list(struct store_conn *conn, const struct store_audit_query *query,
                                   struct arena *arena, struct store_audit_list *out);

MUST_USE enum err store_audit_append(struct store_conn *conn,
                                     const struct store_audit_entry *entry);
/* Walks the whole chain; ERR_CORRUPT names the first row that is not what was written. */
MUST_USE enum err store_audit_verify(struct store_conn *conn, struct problem *problem);

#endif
