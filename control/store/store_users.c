/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_users.c - people: their rows, and whether there are any.
 */
#include "control/store/store_users.h"

#include "control/store/statement.h"

enum err store_user_insert(struct store_conn *conn, const struct store_user *user)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO users (id, email, password_hash, platform_wide, created_at_us) "
                   "VALUES (?, ?, ?, ?, ?)");
    statement_bind_id(&s, &user->id);
    statement_bind_text(&s, user->email);
    statement_bind_text(&s, user->password_hash);
    statement_bind_bool(&s, user->platform_wide);
    statement_bind_u64(&s, user->created_at_us);
    return statement_run(&s);
}

enum err store_user_get(struct store_conn *conn, const struct id *id, struct arena *arena,
                        struct store_user *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT id, email, password_hash, platform_wide, created_at_us FROM users "
                   "WHERE id = ?");
    statement_bind_id(&s, id);
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        statement_id(&s, &out->id);
        out->email = statement_text(&s, arena);
        out->password_hash = statement_text(&s, arena);
        out->platform_wide = statement_bool(&s);
        out->created_at_us = statement_u64(&s);
    }
    statement_close(&s);
    return err;
}

enum err store_user_count(struct store_conn *conn, uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT count(*) FROM users");
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}
