/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_logins.c - people's logins, the devices they logged in from, and how often it was tried.
 */
#include "control/store/store_logins.h"

#include "control/store/statement.h"

#define LOGIN_ROWS                                                                      \
    "SELECT l.id, l.user_id, l.created_at_us, l.proved_at_us, l.seen_at_us, l.ip, "     \
    "u.platform_wide, EXISTS (SELECT 1 FROM members m WHERE m.user_id = l.user_id AND " \
    "m.zones_limited) FROM logins l JOIN users u ON u.id = l.user_id "

static void read_login(struct statement *s, struct arena *arena, struct store_login *out)
{
    statement_id(s, &out->id);
    statement_id(s, &out->user_id);
    out->created_at_us = statement_u64(s);
    out->proved_at_us = statement_u64(s);
    out->seen_at_us = statement_u64(s);
    out->ip = statement_text(s, arena);
    out->user_platform_wide = statement_bool(s);
    out->user_zones_limited = statement_bool(s);
}

enum err store_login_insert(struct store_conn *conn, const struct store_login *login,
                            const struct digest *secret_digest)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO logins (id, user_id, secret_digest, created_at_us, proved_at_us, "
                   "seen_at_us, ip) VALUES (?, ?, ?, ?, ?, ?, ?)");
    statement_bind_id(&s, &login->id);
    statement_bind_id(&s, &login->user_id);
    statement_bind_digest(&s, secret_digest);
    statement_bind_u64(&s, login->created_at_us);
    statement_bind_u64(&s, login->proved_at_us);
    statement_bind_u64(&s, login->seen_at_us);
    statement_bind_text(&s, login->ip);
    TRY(statement_run(&s));
    statement_open(&s, conn,
                   "DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE user_id = ? ORDER "
                   "BY seen_at_us DESC LIMIT -1 OFFSET ?)");
    statement_bind_id(&s, &login->user_id);
    statement_bind_u64(&s, LIMIT_LOGINS_PER_USER);
    return statement_run(&s);
}

enum err store_login_find(struct store_conn *conn, const struct digest *secret_digest,
                          struct arena *arena, struct store_login *out)
{
    struct statement s;
    statement_open(&s, conn, LOGIN_ROWS "WHERE l.secret_digest = ?");
    statement_bind_digest(&s, secret_digest);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        read_login(&s, arena, out);
    statement_close(&s);
    return err;
}

enum err store_login_seen(struct store_conn *conn, const struct id *id, uint64_t now_us)
{
    struct statement s;
    statement_open(&s, conn, "UPDATE logins SET seen_at_us = ? WHERE id = ?");
    statement_bind_u64(&s, now_us);
    statement_bind_id(&s, id);
    return statement_run(&s);
}

enum err store_login_delete(struct store_conn *conn, const struct id *user_id, const struct id *id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM logins WHERE id = ? AND user_id = ?");
    statement_bind_id(&s, id);
    statement_bind_id(&s, user_id);
    return statement_run_one(&s);
}

enum err store_logins_end(struct store_conn *conn, const struct id *user_id,
                          const struct id *but_id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM logins WHERE user_id = ? AND id <> ?");
    statement_bind_id(&s, user_id);
    statement_bind_id(&s, but_id);
    return statement_run(&s);
}

enum err store_login_list(struct store_conn *conn, const struct id *user_id, struct arena *arena,
                          struct store_login_list *out)
{
    struct statement s;
    enum err err;
    out->count = 0;
    out->rows = arena_calloc(arena, LIMIT_LOGINS_PER_USER, sizeof(*out->rows));
    statement_open(&s, conn, LOGIN_ROWS "WHERE l.user_id = ? ORDER BY l.seen_at_us DESC LIMIT ?");
    statement_bind_id(&s, user_id);
    statement_bind_u64(&s, LIMIT_LOGINS_PER_USER);
    while ((err = statement_row(&s)) == ERR_OK)
        read_login(&s, arena, &out->rows[out->count++]);
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_device_put(struct store_conn *conn, const struct digest *secret_digest,
                          const struct id *user_id, uint64_t now_us)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO devices (secret_digest, user_id, seen_at_us) VALUES (?1, ?2, ?3) "
                   "ON CONFLICT DO UPDATE SET user_id = ?2, seen_at_us = ?3");
    statement_bind_digest(&s, secret_digest);
    statement_bind_id(&s, user_id);
    statement_bind_u64(&s, now_us);
    TRY(statement_run(&s));
    statement_open(&s, conn,
                   "DELETE FROM devices WHERE secret_digest IN (SELECT secret_digest FROM devices "
                   "WHERE user_id = ? ORDER BY seen_at_us DESC LIMIT -1 OFFSET ?)");
    statement_bind_id(&s, user_id);
    statement_bind_u64(&s, LIMIT_LOGINS_PER_USER);
    return statement_run(&s);
}

enum err store_device_find(struct store_conn *conn, const struct digest *secret_digest,
                           const struct id *user_id)
{
    struct statement s;
    statement_open(&s, conn, "SELECT 1 FROM devices WHERE secret_digest = ? AND user_id = ?");
    statement_bind_digest(&s, secret_digest);
    statement_bind_id(&s, user_id);
    enum err err = statement_row(&s);
    statement_close(&s);
    return err;
}

enum err store_tries_get(struct store_conn *conn, struct span key, struct store_tries *out)
{
    struct statement s;
    *out = (struct store_tries){0, 0};
    statement_open(&s, conn, "SELECT count, at_us FROM login_tries WHERE key = ?");
    statement_bind_text(&s, key);
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        out->count = statement_u64(&s);
        out->at_us = statement_u64(&s);
    }
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_tries_put(struct store_conn *conn, struct span key, const struct store_tries *tries)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO login_tries (key, count, at_us) VALUES (?1, ?2, ?3) "
                   "ON CONFLICT DO UPDATE SET count = ?2, at_us = ?3");
    statement_bind_text(&s, key);
    statement_bind_u64(&s, tries->count);
    statement_bind_u64(&s, tries->at_us);
    return statement_run(&s);
}

enum err store_tries_delete(struct store_conn *conn, struct span key)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM login_tries WHERE key = ?");
    statement_bind_text(&s, key);
    return statement_run(&s);
}

enum err store_logins_forget(struct store_conn *conn, uint64_t before_us)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM login_tries WHERE at_us < ?");
    statement_bind_u64(&s, before_us);
    TRY(statement_run(&s));
    statement_open(&s, conn, "DELETE FROM logins WHERE seen_at_us < ?");
    statement_bind_u64(&s, before_us);
    return statement_run(&s);
}
