/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_users.h - people: their rows, and whether there are any.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_USERS_H
#define TRUNKLINE_CONTROL_STORE_STORE_USERS_H

#include "control/store/store.h"

struct store_user {
    struct id id;
    struct span email;         /* lower case */
    struct span password_hash; /* Argon2id, as text */
    bool platform_wide;        /* an operator */
    uint64_t created_at_us;
};

/* ERR_EXISTS when the email is taken. */
MUST_USE enum err store_user_insert(struct store_conn *conn, const struct store_user *user);
MUST_USE enum err store_user_get(struct store_conn *conn, const struct id *id, struct arena *arena,
                                 struct store_user *out);
MUST_USE enum err store_user_count(struct store_conn *conn, uint64_t *out);

#endif
