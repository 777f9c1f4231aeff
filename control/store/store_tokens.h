/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_tokens.h - API tokens, found by the SHA-256 of their text; the text itself is not stored.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_TOKENS_H
#define TRUNKLINE_CONTROL_STORE_STORE_TOKENS_H

#include "common/model/digest.h"
#include "control/store/store.h"

struct store_token {
    struct id id, user_id;
    struct span name;
    bool disabled;
    uint64_t created_at_us;
    struct span user_email;  /* of its user; not written by insert */
    bool user_platform_wide; /* the same */
};

MUST_USE enum err store_token_insert(struct store_conn *conn, const struct store_token *token,
                                     const struct digest *secret_digest);
/* ERR_NOT_FOUND for an unknown digest; a disabled token is found. */
MUST_USE enum err store_token_find(struct store_conn *conn, const struct digest *secret_digest,
                                   struct arena *arena, struct store_token *out);

#endif
