/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_accounts.h - accounts and who is a member of them.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_ACCOUNTS_H
#define TRUNKLINE_CONTROL_STORE_STORE_ACCOUNTS_H

#include "control/store/store.h"

#define STORE_ROLE_BYTES 24

struct store_account {
    struct id id;
    struct span name;
    uint64_t zone_count;
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

struct store_member {
    struct id account_id, user_id;
    char role[STORE_ROLE_BYTES]; /* "owner" */
};

MUST_USE enum err store_account_insert(struct store_conn *conn,
                                       const struct store_account *account);
/* ERR_NOT_FOUND also for what the scope does not see. */
MUST_USE enum err store_account_get(struct store_conn *conn, const struct store_scope *scope,
                                    const struct id *id, struct arena *arena,
                                    struct store_account *out);
MUST_USE enum err store_account_list(struct store_conn *conn,
                                     const struct store_account_query *query, struct arena *arena,
                                     struct store_account_list *out);

MUST_USE enum err store_member_insert(struct store_conn *conn, const struct store_member *member);
/* ERR_NOT_FOUND when the user is no member of the account. */
MUST_USE enum err store_member_get(struct store_conn *conn, const struct id *account_id,
                                   const struct id *user_id, struct store_member *out);

#endif
