/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_idempotency.c - rows by the digest of who asked and the key that they chose.
 */
#include "control/store/store_idempotency.h"

#include "common/base/mem.h"
#include "common/model/seal.h"
#include "control/store/statement.h"

/* At most so many old rows go with each new one, so that no request pays for a day. */
#define DROPPED_AT_ONCE 64

static uint64_t oldest_us(uint64_t now_us)
{
    uint64_t life_us = (uint64_t)LIMIT_API_IDEMPOTENCY_MS * 1000;
    return now_us > life_us ? now_us - life_us : 0;
}

static enum err open_answer(struct store_conn *conn, struct statement *s, struct arena *arena,
                            struct store_idempotency *out)
{
    struct buf body;
    buf_init(&body, LIMIT_API_IDEMPOTENT_BYTES);
    enum err err =
        seal_open(&conn->store->master, digest_span(&out->key), statement_lend(s), &body);
    if (err == ERR_OK)
        out->body = arena_copy(arena, buf_span(&body));
    if (body.ptr)
        mem_wipe(body.ptr, body.len);
    buf_release(&body);
    return err;
}

enum err store_idempotency_find(struct store_conn *conn, const struct digest *key, uint64_t now_us,
                                struct arena *arena, struct store_idempotency *out)
{
    struct statement s;
    *out = (struct store_idempotency){.key = *key};
    statement_open(&s, conn,
                   "SELECT request, answer IS NOT NULL, coalesce(status, 0), "
                   "coalesce(revision, 0), answer FROM idempotency WHERE key = ? AND at_us >= ?");
    statement_bind_digest(&s, key);
    statement_bind_u64(&s, oldest_us(now_us));
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        statement_digest(&s, &out->request);
        out->answered = statement_bool(&s);
        out->status = statement_u64(&s);
        out->revision = statement_u64(&s);
        if (out->answered)
            err = open_answer(conn, &s, arena, out);
    }
    statement_close(&s);
    return err;
}

static enum err drop_old(struct store_conn *conn, uint64_t now_us)
{
    struct statement s;
    statement_open(&s, conn,
                   "DELETE FROM idempotency WHERE key IN "
                   "(SELECT key FROM idempotency WHERE at_us < ? ORDER BY at_us LIMIT ?)");
    statement_bind_u64(&s, oldest_us(now_us));
    statement_bind_u64(&s, DROPPED_AT_ONCE);
    return statement_run(&s);
}

enum err store_idempotency_claim(struct store_conn *conn, const struct store_idempotency *row,
                                 uint64_t now_us)
{
    struct statement s;
    TRY(drop_old(conn, now_us));
    /* One that is too old and not dropped yet is as good as absent. */
    statement_open(&s, conn,
                   "INSERT INTO idempotency (key, request, at_us) VALUES (?1, ?2, ?3) "
                   "ON CONFLICT (key) DO UPDATE SET request = ?2, at_us = ?3, status = NULL, "
                   "revision = NULL, answer = NULL WHERE at_us < ?4");
    statement_bind_digest(&s, &row->key);
    statement_bind_digest(&s, &row->request);
    statement_bind_u64(&s, now_us);
    statement_bind_u64(&s, oldest_us(now_us));
    enum err err = statement_run_one(&s);
    return err == ERR_NOT_FOUND ? ERR_EXISTS : err;
}

enum err store_idempotency_answer(struct store_conn *conn, const struct store_idempotency *row)
{
    struct statement s;
    struct buf sealed;
    buf_init(&sealed, LIMIT_API_IDEMPOTENT_BYTES + SEAL_OVERHEAD_BYTES);
    seal_close(&conn->store->master, digest_span(&row->key), row->body, &sealed);
    if (sealed.overflowed) {
        buf_release(&sealed);
        return ERR_TOO_LARGE;
    }
    statement_open(&s, conn,
                   "UPDATE idempotency SET status = ?, revision = ?, answer = ? WHERE key = ?");
    statement_bind_u64(&s, row->status);
    statement_bind_u64(&s, row->revision);
    statement_bind_blob(&s, buf_span(&sealed));
    statement_bind_digest(&s, &row->key);
    enum err err = statement_run_one(&s);
    buf_release(&sealed);
    return err;
}
