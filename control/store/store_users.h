/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_users.h - people: their rows, and whether there are any.
 *
 * An account has a user too, whose id is the account's: its own tokens act as that.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_USERS_H
#define TRUNKLINE_CONTROL_STORE_STORE_USERS_H

#include "control/store/store.h"

struct store_user {
    struct id id;
    struct span email;         /* lower case; the id of an account's user */
    struct span password_hash; /* Argon2id, as text; "" for none */
    bool platform_wide;        /* an operator */
    bool account;              /* an account's user; no person */
    struct span first_name, last_name, telephone, country, zipcode;
    uint64_t created_at_us, modified_at_us;
    bool second_factor; /* confirmed; not written here */
};

struct store_user_list {
    struct store_user *rows;
    size_t count;
};

/* ERR_EXISTS when the email is taken. */
MUST_USE enum err store_user_insert(struct store_conn *conn, const struct store_user *user);
/* Writes everything but id, email and kind. */
MUST_USE enum err store_user_update(struct store_conn *conn, const struct store_user *user);
MUST_USE enum err store_user_get(struct store_conn *conn, const struct id *id, struct arena *arena,
                                 struct store_user *out);
/* A person by email, in lower case. */
MUST_USE enum err store_user_find(struct store_conn *conn, struct span email, struct arena *arena,
                                  struct store_user *out);
/* People only. */
MUST_USE enum err store_user_count(struct store_conn *conn, uint64_t *out);
/* People by email; a page past the end is empty. */
MUST_USE enum err store_user_list(struct store_conn *conn, const struct store_page *page,
                                  struct arena *arena, struct store_user_list *out);

#endif
