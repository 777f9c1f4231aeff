/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_tokens.c - API tokens, found by the SHA-256 of their text.
 */
#include "control/store/store_tokens.h"

#include "control/store/statement.h"

#define TOKEN_ROWS                                                                           \
    "SELECT t.id, t.user_id, t.name, t.policies, t.condition, t.disabled, t.not_before_us, " \
    "t.ends_at_us, t.created_at_us, t.modified_at_us, t.used_at_us, u.email, "               \
    "u.platform_wide, EXISTS (SELECT 1 FROM members m WHERE m.user_id = t.user_id AND "      \
    "m.zones_limited) FROM tokens t JOIN users u ON u.id = t.user_id "

static void read_token(struct statement *s, struct arena *arena, struct store_token *out)
{
    statement_id(s, &out->id);
    statement_id(s, &out->user_id);
    out->name = statement_text(s, arena);
    out->policies = statement_text(s, arena);
    out->condition = statement_text(s, arena);
    out->disabled = statement_bool(s);
    out->not_before_us = statement_u64(s);
    out->ends_at_us = statement_u64(s);
    out->created_at_us = statement_u64(s);
    out->modified_at_us = statement_u64(s);
    out->used_at_us = statement_u64(s);
    out->user_email = statement_text(s, arena);
    out->user_platform_wide = statement_bool(s);
    out->user_zones_limited = statement_bool(s);
}

static enum err read_one(struct statement *s, struct arena *arena, struct store_token *out)
{
    enum err err = statement_row(s);
    if (err == ERR_OK)
        read_token(s, arena, out);
    statement_close(s);
    return err;
}

enum err store_token_insert(struct store_conn *conn, const struct store_token *token,
                            const struct digest *secret_digest)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO tokens (id, user_id, secret_digest, name, disabled, policies, "
                   "condition, not_before_us, ends_at_us, created_at_us, modified_at_us) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)");
    statement_bind_id(&s, &token->id);
    statement_bind_id(&s, &token->user_id);
    statement_bind_digest(&s, secret_digest);
    statement_bind_text(&s, token->name);
    statement_bind_bool(&s, token->disabled);
    statement_bind_text(&s, token->policies);
    statement_bind_text(&s, token->condition);
    statement_bind_u64(&s, token->not_before_us);
    statement_bind_u64(&s, token->ends_at_us);
    statement_bind_u64(&s, token->created_at_us);
    return statement_run(&s);
}

enum err store_token_update(struct store_conn *conn, const struct store_token *token)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE tokens SET name = ?, disabled = ?, policies = ?, condition = ?, "
                   "not_before_us = ?, ends_at_us = ?, modified_at_us = ? WHERE id = ?");
    statement_bind_text(&s, token->name);
    statement_bind_bool(&s, token->disabled);
    statement_bind_text(&s, token->policies);
    statement_bind_text(&s, token->condition);
    statement_bind_u64(&s, token->not_before_us);
    statement_bind_u64(&s, token->ends_at_us);
    statement_bind_u64(&s, token->modified_at_us);
    statement_bind_id(&s, &token->id);
    return statement_run_one(&s);
}

enum err store_token_roll(struct store_conn *conn, const struct id *id,
                          const struct digest *secret_digest)
{
    struct statement s;
    statement_open(&s, conn, "UPDATE tokens SET secret_digest = ? WHERE id = ?");
    statement_bind_digest(&s, secret_digest);
    statement_bind_id(&s, id);
    return statement_run_one(&s);
}

enum err store_token_delete(struct store_conn *conn, const struct id *id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM tokens WHERE id = ?");
    statement_bind_id(&s, id);
    return statement_run_one(&s);
}

enum err store_token_used(struct store_conn *conn, const struct id *id, uint64_t now_us)
{
    struct statement s;
    statement_open(&s, conn, "UPDATE tokens SET used_at_us = ? WHERE id = ?");
    statement_bind_u64(&s, now_us);
    statement_bind_id(&s, id);
    return statement_run(&s);
}

enum err store_token_find(struct store_conn *conn, const struct digest *secret_digest,
                          struct arena *arena, struct store_token *out)
{
    struct statement s;
    statement_open(&s, conn, TOKEN_ROWS "WHERE t.secret_digest = ?");
    statement_bind_digest(&s, secret_digest);
    return read_one(&s, arena, out);
}

enum err store_token_get(struct store_conn *conn, const struct id *user_id, const struct id *id,
                         struct arena *arena, struct store_token *out)
{
    struct statement s;
    statement_open(&s, conn, TOKEN_ROWS "WHERE t.id = ? AND t.user_id = ?");
    statement_bind_id(&s, id);
    statement_bind_id(&s, user_id);
    return read_one(&s, arena, out);
}

enum err store_token_list(struct store_conn *conn, const struct id *user_id,
                          const struct store_page *page, struct arena *arena,
                          struct store_token_list *out)
{
    struct statement s;
    enum err err;
    *out = (struct store_token_list){0};
    TRY(store_token_count(conn, user_id, &out->total_count));
    out->rows = arena_calloc(arena, page->per_page, sizeof(*out->rows));
    statement_open(&s, conn,
                   page->descending
                       ? TOKEN_ROWS "WHERE t.user_id = ? ORDER BY t.created_at_us DESC, t.id DESC "
                                    "LIMIT ? OFFSET ?"
                       : TOKEN_ROWS "WHERE t.user_id = ? ORDER BY t.created_at_us, t.id LIMIT ? "
                                    "OFFSET ?");
    statement_bind_id(&s, user_id);
    statement_bind_u64(&s, page->per_page);
    statement_bind_u64(&s, (page->page - 1) * page->per_page);
    while ((err = statement_row(&s)) == ERR_OK)
        read_token(&s, arena, &out->rows[out->count++]);
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_token_count(struct store_conn *conn, const struct id *user_id, uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT count(*) FROM tokens WHERE user_id = ?");
    statement_bind_id(&s, user_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}
