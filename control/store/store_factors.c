/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_factors.c - the global key, the second factor, its recovery codes.
 */
#include "control/store/store_factors.h"

#include "control/store/statement.h"

#define SECRET_BYTES_MAX 256

static void seal(struct store_conn *conn, const struct id *user_id, struct span secret,
                 struct buf *out)
{
    buf_init(out, SECRET_BYTES_MAX);
    seal_close(&conn->store->master, id_span(user_id), secret, out);
    ASSERT(!out->overflowed);
}

enum err store_key_put(struct store_conn *conn, const struct store_key *key, struct span secret,
                       const struct digest *secret_digest)
{
    struct buf sealed;
    struct statement s;
    seal(conn, &key->user_id, secret, &sealed);
    statement_open(&s, conn,
                   "INSERT OR REPLACE INTO user_keys (user_id, id, secret_digest, secret_sealed, "
                   "created_at_us) VALUES (?, ?, ?, ?, ?)");
    statement_bind_id(&s, &key->user_id);
    statement_bind_id(&s, &key->id);
    statement_bind_digest(&s, secret_digest);
    statement_bind_blob(&s, buf_span(&sealed));
    statement_bind_u64(&s, key->created_at_us);
    enum err err = statement_run(&s);
    buf_release(&sealed);
    return err;
}

enum err store_key_find(struct store_conn *conn, const struct digest *secret_digest,
                        struct arena *arena, struct store_key *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT k.id, k.user_id, k.created_at_us, u.email, u.platform_wide, "
                   "EXISTS (SELECT 1 FROM members m WHERE m.user_id = k.user_id AND "
                   "m.zones_limited) FROM user_keys k JOIN users u ON u.id = k.user_id "
                   "WHERE k.secret_digest = ?");
    statement_bind_digest(&s, secret_digest);
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        statement_id(&s, &out->id);
        statement_id(&s, &out->user_id);
        out->created_at_us = statement_u64(&s);
        out->user_email = statement_text(&s, arena);
        out->user_platform_wide = statement_bool(&s);
        out->user_zones_limited = statement_bool(&s);
    }
    statement_close(&s);
    return err;
}

enum err store_key_open(struct store_conn *conn, const struct id *user_id, struct buf *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT secret_sealed FROM user_keys WHERE user_id = ?");
    statement_bind_id(&s, user_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        err = seal_open(&conn->store->master, id_span(user_id), statement_lend(&s), out);
    statement_close(&s);
    return err;
}

enum err store_factor_put(struct store_conn *conn, const struct id *user_id, struct span secret)
{
    struct buf sealed;
    struct statement s;
    seal(conn, user_id, secret, &sealed);
    statement_open(&s, conn,
                   "INSERT OR REPLACE INTO second_factors (user_id, secret_sealed, confirmed, "
                   "used_step) VALUES (?, ?, 0, 0)");
    statement_bind_id(&s, user_id);
    statement_bind_blob(&s, buf_span(&sealed));
    enum err err = statement_run(&s);
    buf_release(&sealed);
    return err;
}

enum err store_factor_update(struct store_conn *conn, const struct id *user_id,
                             const struct store_factor *factor)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE second_factors SET confirmed = ?, used_step = ? WHERE user_id = ?");
    statement_bind_bool(&s, factor->confirmed);
    statement_bind_u64(&s, factor->used_step);
    statement_bind_id(&s, user_id);
    return statement_run_one(&s);
}

enum err store_factor_open(struct store_conn *conn, const struct id *user_id,
                           struct store_factor *out, struct buf *secret)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT confirmed, used_step, secret_sealed FROM second_factors "
                   "WHERE user_id = ?");
    statement_bind_id(&s, user_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        out->confirmed = statement_bool(&s);
        out->used_step = statement_u64(&s);
        err = seal_open(&conn->store->master, id_span(user_id), statement_lend(&s), secret);
    }
    statement_close(&s);
    return err;
}

enum err store_factor_delete(struct store_conn *conn, const struct id *user_id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM recovery_codes WHERE user_id = ?");
    statement_bind_id(&s, user_id);
    TRY(statement_run(&s));
    statement_open(&s, conn, "DELETE FROM second_factors WHERE user_id = ?");
    statement_bind_id(&s, user_id);
    return statement_run_one(&s);
}

enum err store_recovery_put(struct store_conn *conn, const struct id *user_id,
                            const struct digest *code)
{
    struct statement s;
    statement_open(&s, conn, "INSERT INTO recovery_codes (user_id, digest) VALUES (?, ?)");
    statement_bind_id(&s, user_id);
    statement_bind_digest(&s, code);
    return statement_run(&s);
}

enum err store_recovery_use(struct store_conn *conn, const struct id *user_id,
                            const struct digest *code)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM recovery_codes WHERE user_id = ? AND digest = ?");
    statement_bind_id(&s, user_id);
    statement_bind_digest(&s, code);
    return statement_run_one(&s);
}
