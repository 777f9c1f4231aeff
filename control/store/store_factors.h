/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_factors.h - what people prove themselves with beside a password: the global key, the second
 * factor, its recovery codes.
 *
 * Keys and the secret of a second factor are needed again in clear: they are sealed, bound to their
 * user.  The caller wipes what he was handed.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_FACTORS_H
#define TRUNKLINE_CONTROL_STORE_STORE_FACTORS_H

#include "common/base/buf.h"
#include "common/model/digest.h"
#include "control/store/store.h"

struct store_key {
    struct id id, user_id;
    uint64_t created_at_us;
    struct span user_email; /* from here on not written */
    bool user_platform_wide;
    bool user_zones_limited;
};

/* In the place of the user's key, if he had one. */
MUST_USE enum err store_key_put(struct store_conn *conn, const struct store_key *key,
                                struct span secret, const struct digest *secret_digest);
MUST_USE enum err store_key_find(struct store_conn *conn, const struct digest *secret_digest,
                                 struct arena *arena, struct store_key *out);
/* Appends the key; ERR_NOT_FOUND when the user has none. */
MUST_USE enum err store_key_open(struct store_conn *conn, const struct id *user_id,
                                 struct buf *out);

struct store_factor {
    bool confirmed;
    uint64_t used_step; /* the newest that was accepted */
};

/* Not confirmed yet, in the place of another. */
MUST_USE enum err store_factor_put(struct store_conn *conn, const struct id *user_id,
                                   struct span secret);
/* Writes confirmed and used_step. */
MUST_USE enum err store_factor_update(struct store_conn *conn, const struct id *user_id,
                                      const struct store_factor *factor);
/* Appends the secret; ERR_NOT_FOUND when there is none. */
MUST_USE enum err store_factor_open(struct store_conn *conn, const struct id *user_id,
                                    struct store_factor *out, struct buf *secret);
/* With its recovery codes. */
MUST_USE enum err store_factor_delete(struct store_conn *conn, const struct id *user_id);

MUST_USE enum err store_recovery_put(struct store_conn *conn, const struct id *user_id,
                                     const struct digest *code);
/* Uses it up; ERR_NOT_FOUND. */
MUST_USE enum err store_recovery_use(struct store_conn *conn, const struct id *user_id,
                                     const struct digest *code);

#endif
