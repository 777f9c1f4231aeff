/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_logins.h - people's logins, the devices they logged in from, and how often it was tried.
 *
 * Secrets are there as SHA-256 only.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_LOGINS_H
#define TRUNKLINE_CONTROL_STORE_STORE_LOGINS_H

#include "common/model/digest.h"
#include "control/store/store.h"

struct store_login {
    struct id id, user_id;
    uint64_t created_at_us;
    uint64_t proved_at_us; /* the password was given */
    uint64_t seen_at_us;
    struct span ip;
    bool user_platform_wide; /* not written here */
    bool user_zones_limited; /* the same */
};

struct store_login_list {
    struct store_login *rows;
    size_t count;
};

/* Ends the user's oldest past LIMIT_LOGINS_PER_USER. */
MUST_USE enum err store_login_insert(struct store_conn *conn, const struct store_login *login,
                                     const struct digest *secret_digest);
MUST_USE enum err store_login_find(struct store_conn *conn, const struct digest *secret_digest,
                                   struct arena *arena, struct store_login *out);
MUST_USE enum err store_login_seen(struct store_conn *conn, const struct id *id, uint64_t now_us);
/* One of the user's; ERR_NOT_FOUND. */
MUST_USE enum err store_login_delete(struct store_conn *conn, const struct id *user_id,
                                     const struct id *id);
/* All of the user's but one. */
MUST_USE enum err store_logins_end(struct store_conn *conn, const struct id *user_id,
                                   const struct id *but_id);
/* The newest first, at most LIMIT_LOGINS_PER_USER. */
MUST_USE enum err store_login_list(struct store_conn *conn, const struct id *user_id,
                                   struct arena *arena, struct store_login_list *out);

MUST_USE enum err store_device_put(struct store_conn *conn, const struct digest *secret_digest,
                                   const struct id *user_id, uint64_t now_us);
/* ERR_NOT_FOUND when the user was never there. */
MUST_USE enum err store_device_find(struct store_conn *conn, const struct digest *secret_digest,
                                    const struct id *user_id);

/* Tries that count against a key; none is {0, 0}. */
struct store_tries {
    uint64_t count, at_us;
};
MUST_USE enum err store_tries_get(struct store_conn *conn, struct span key,
                                  struct store_tries *out);
MUST_USE enum err store_tries_put(struct store_conn *conn, struct span key,
                                  const struct store_tries *tries);
MUST_USE enum err store_tries_delete(struct store_conn *conn, struct span key);

/* Forgets tries and logins that ended before. */
MUST_USE enum err store_logins_forget(struct store_conn *conn, uint64_t before_us);

#endif
