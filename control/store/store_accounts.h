/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_accounts.h - accounts.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_ACCOUNTS_H
#define TRUNKLINE_CONTROL_STORE_STORE_ACCOUNTS_H

#include "control/store/store.h"

struct store_account {
    struct id id;
    struct span name;
    uint64_t zone_count;
    uint64_t zones_max, tokens_max, members_max; /* 0: the default; not written by insert */
    uint64_t created_at_us;
};

struct store_account_list {
    struct store_account *rows;
    size_t count;
    uint64_t total_count; /* on all pages */
};

struct store_account_query {
    struct store_scope scope;
    struct store_filter name;
    struct store_page page; /* in the order of names */
};

MUST_USE enum err store_account_insert(struct store_conn *conn,
                                       const struct store_account *account);
/* ERR_NOT_FOUND also for what the scope does not see. */
MUST_USE enum err store_account_get(struct store_conn *conn, const struct store_scope *scope,
                                    const struct id *id, struct arena *arena,
                                    struct store_account *out);
/* Writes the name and the maxima. */
MUST_USE enum err store_account_update(struct store_conn *conn,
                                       const struct store_account *account);
/* ERR_NOT_FOUND also while it has zones: nothing is left of an account that is gone. */
MUST_USE enum err store_account_delete(struct store_conn *conn, const struct id *id);
MUST_USE enum err store_account_list(struct store_conn *conn,
                                     const struct store_account_query *query, struct arena *arena,
                                     struct store_account_list *out);

#endif
