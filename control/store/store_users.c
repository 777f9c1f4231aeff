/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_users.c - people: their rows, and whether there are any.
 */
#include "control/store/store_users.h"

#include "control/store/statement.h"

#define USER_ROWS                                                                          \
    "SELECT u.id, u.email, u.password_hash, u.platform_wide, u.kind = 'account', "         \
    "u.first_name, u.last_name, u.telephone, u.country, u.zipcode, u.created_at_us, "      \
    "u.modified_at_us, EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id AND " \
    "f.confirmed) FROM users u "

static void read_user(struct statement *s, struct arena *arena, struct store_user *out)
{
    statement_id(s, &out->id);
    out->email = statement_text(s, arena);
    out->password_hash = statement_text(s, arena);
    out->platform_wide = statement_bool(s);
    out->account = statement_bool(s);
    out->first_name = statement_text(s, arena);
    out->last_name = statement_text(s, arena);
    out->telephone = statement_text(s, arena);
    out->country = statement_text(s, arena);
    out->zipcode = statement_text(s, arena);
    out->created_at_us = statement_u64(s);
    out->modified_at_us = statement_u64(s);
    out->second_factor = statement_bool(s);
}

enum err store_user_insert(struct store_conn *conn, const struct store_user *user)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO users (id, email, kind, password_hash, platform_wide, first_name, "
                   "last_name, created_at_us, modified_at_us) "
                   "VALUES (?1, ?2, iif(?3, 'account', 'person'), ?4, ?5, ?6, ?7, ?8, ?8)");
    statement_bind_id(&s, &user->id);
    statement_bind_text(&s, user->email);
    statement_bind_bool(&s, user->account);
    statement_bind_text(&s, user->password_hash);
    statement_bind_bool(&s, user->platform_wide);
    statement_bind_text(&s, user->first_name);
    statement_bind_text(&s, user->last_name);
    statement_bind_u64(&s, user->created_at_us);
    return statement_run(&s);
}

enum err store_user_update(struct store_conn *conn, const struct store_user *user)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE users SET password_hash = ?, platform_wide = ?, first_name = ?, "
                   "last_name = ?, telephone = ?, country = ?, zipcode = ?, modified_at_us = ? "
                   "WHERE id = ?");
    statement_bind_text(&s, user->password_hash);
    statement_bind_bool(&s, user->platform_wide);
    statement_bind_text(&s, user->first_name);
    statement_bind_text(&s, user->last_name);
    statement_bind_text(&s, user->telephone);
    statement_bind_text(&s, user->country);
    statement_bind_text(&s, user->zipcode);
    statement_bind_u64(&s, user->modified_at_us);
    statement_bind_id(&s, &user->id);
    return statement_run_one(&s);
}

enum err store_user_get(struct store_conn *conn, const struct id *id, struct arena *arena,
                        struct store_user *out)
{
    struct statement s;
    statement_open(&s, conn, USER_ROWS "WHERE u.id = ?");
    statement_bind_id(&s, id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        read_user(&s, arena, out);
    statement_close(&s);
    return err;
}

enum err store_user_find(struct store_conn *conn, struct span email, struct arena *arena,
                         struct store_user *out)
{
    struct statement s;
    statement_open(&s, conn, USER_ROWS "WHERE u.email = ? AND u.kind = 'person'");
    statement_bind_text(&s, email);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        read_user(&s, arena, out);
    statement_close(&s);
    return err;
}

enum err store_user_count(struct store_conn *conn, uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT count(*) FROM users WHERE kind = 'person'");
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

enum err store_user_list(struct store_conn *conn, const struct store_page *page,
                         struct arena *arena, struct store_user_list *out)
{
    struct statement s;
    enum err err;
    out->count = 0;
    out->rows = arena_calloc(arena, page->per_page, sizeof(*out->rows));
    statement_open(&s, conn,
                   USER_ROWS "WHERE u.kind = 'person' ORDER BY u.email LIMIT ?1 OFFSET ?2");
    statement_bind_u64(&s, page->per_page);
    statement_bind_u64(&s, (page->page - 1) * page->per_page);
    while ((err = statement_row(&s)) == ERR_OK)
        read_user(&s, arena, &out->rows[out->count++]);
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
