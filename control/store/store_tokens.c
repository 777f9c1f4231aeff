/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_tokens.c - API tokens, found by the SHA-256 of their text.
 */
#include "control/store/store_tokens.h"

#include "control/store/statement.h"

enum err store_token_insert(struct store_conn *conn, const struct store_token *token,
                            const struct digest *secret_digest)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO tokens (id, user_id, secret_digest, name, disabled, created_at_us) "
                   "VALUES (?, ?, ?, ?, ?, ?)");
    statement_bind_id(&s, &token->id);
    statement_bind_id(&s, &token->user_id);
    statement_bind_digest(&s, secret_digest);
    statement_bind_text(&s, token->name);
    statement_bind_bool(&s, token->disabled);
    statement_bind_u64(&s, token->created_at_us);
    return statement_run(&s);
}

enum err store_token_find(struct store_conn *conn, const struct digest *secret_digest,
                          struct arena *arena, struct store_token *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT t.id, t.user_id, t.name, t.disabled, t.created_at_us, u.email, "
                   "u.platform_wide FROM tokens t JOIN users u ON u.id = t.user_id "
                   "WHERE t.secret_digest = ?");
    statement_bind_digest(&s, secret_digest);
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        statement_id(&s, &out->id);
        statement_id(&s, &out->user_id);
        out->name = statement_text(&s, arena);
        out->disabled = statement_bool(&s);
        out->created_at_us = statement_u64(&s);
        out->user_email = statement_text(&s, arena);
        out->user_platform_wide = statement_bool(&s);
    }
    statement_close(&s);
    return err;
}
