/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_tokens.h - API tokens, found by the SHA-256 of their text; the text itself is not stored.
 *
 * A token belongs to a user, or to an account: then user_id is the account's id.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_TOKENS_H
#define TRUNKLINE_CONTROL_STORE_STORE_TOKENS_H

#include "common/model/digest.h"
#include "control/store/store.h"

struct store_token {
    struct id id, user_id;
    struct span name;
    struct span policies;  /* JSON; "" for all that the user may */
    struct span condition; /* JSON; "" for none */
    bool disabled;
    uint64_t not_before_us, ends_at_us; /* 0: none */
    uint64_t created_at_us, modified_at_us;
    uint64_t used_at_us;     /* written by store_token_used */
    struct span user_email;  /* of its user; not written here */
    bool user_platform_wide; /* the same */
    bool user_zones_limited; /* he is a member of an account with some of its zones only */
};

struct store_token_list {
    struct store_token *rows;
    size_t count;
    uint64_t total_count;
};

MUST_USE enum err store_token_insert(struct store_conn *conn, const struct store_token *token,
                                     const struct digest *secret_digest);
/* Writes all but id, user and secret. */
MUST_USE enum err store_token_update(struct store_conn *conn, const struct store_token *token);
/* Another secret for the same token. */
MUST_USE enum err store_token_roll(struct store_conn *conn, const struct id *id,
                                   const struct digest *secret_digest);
MUST_USE enum err store_token_delete(struct store_conn *conn, const struct id *id);
MUST_USE enum err store_token_used(struct store_conn *conn, const struct id *id, uint64_t now_us);

/* ERR_NOT_FOUND for an unknown digest; a disabled token is found. */
MUST_USE enum err store_token_find(struct store_conn *conn, const struct digest *secret_digest,
                                   struct arena *arena, struct store_token *out);
/* One of this user's. */
MUST_USE enum err store_token_get(struct store_conn *conn, const struct id *user_id,
                                  const struct id *id, struct arena *arena,
                                  struct store_token *out);
/* A user's, the oldest first. */
MUST_USE enum err store_token_list(struct store_conn *conn, const struct id *user_id,
                                   const struct store_page *page, struct arena *arena,
                                   struct store_token_list *out);
MUST_USE enum err store_token_count(struct store_conn *conn, const struct id *user_id,
                                    uint64_t *out);

#endif
