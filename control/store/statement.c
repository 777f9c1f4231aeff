/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement.c - one run of one SQL statement: bind in order, step, read in order.
 */
#include "control/store/statement.h"

#include <errno.h>
#include <limits.h>

#include "common/base/log.h"

/* SQLite knows ENOSPC only; a quota or a limit on files is EDQUOT or EFBIG, and by errno alone
 * (sqlite3_system_errno forgets it in a COMMIT). */
static enum err err_of_code(int code, int no)
{
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
        return ERR_EXISTS;
    if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
        return ERR_NOT_FOUND;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_IOERR:
        return no == EFBIG || no == EDQUOT || no == ENOSPC ? ERR_DISK_FULL : ERR_IO;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ERR_IO;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT:
        return ERR_CORRUPT;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    default:
        return ERR_INTERNAL;
    }
}

enum err sqlite_err(sqlite3 *db, int code, const char *what)
{
    enum err err = err_of_code(code, errno);
    if (err != ERR_EXISTS && err != ERR_NOT_FOUND)
        log_error("store_sqlite_failed", F_STR("what", what), F_I64("code", code),
                  F_STR("text", db ? sqlite3_errmsg(db) : sqlite3_errstr(code)), F_ERR(err));
    return err;
}

static void prepare(struct statement *s, const char *sql, unsigned flags)
{
    int code = sqlite3_prepare_v3(s->conn->db, sql, -1, flags, &s->raw, NULL);
    if (code != SQLITE_OK)
        s->err = sqlite_err(s->conn->db, code, sql);
}

void statement_open_once(struct statement *s, struct store_conn *conn, const char *sql)
{
    *s = (struct statement){.conn = conn};
    prepare(s, sql, 0);
}

static void lend_slot(struct statement *s, struct statement_slot *slot)
{
    slot->lent = true;
    s->slot = slot;
    s->raw = slot->raw;
}

void statement_open(struct statement *s, struct store_conn *conn, const char *sql)
{
    *s = (struct statement){.conn = conn};
    for (size_t i = 0; i < conn->cache_count; i++) {
        if (conn->cache[i].sql != sql)
            continue;
        if (conn->cache[i].lent) {
            /* To a run that is not over: this one gets its own. */
            prepare(s, sql, 0);
            return;
        }
        lend_slot(s, &conn->cache[i]);
        return;
    }
    bool room = conn->cache_count < STATEMENT_CACHE_MAX;
    prepare(s, sql, room ? SQLITE_PREPARE_PERSISTENT : 0);
    if (s->err != ERR_OK || !room)
        return;
    struct statement_slot *slot = &conn->cache[conn->cache_count++];
    *slot = (struct statement_slot){.sql = sql, .raw = s->raw};
    lend_slot(s, slot);
}

void statement_close(struct statement *s)
{
    if (!s->raw)
        return;
    if (s->slot) {
        (void)sqlite3_reset(s->raw);
        (void)sqlite3_clear_bindings(s->raw);
        s->slot->lent = false;
    } else {
        (void)sqlite3_finalize(s->raw);
    }
    s->raw = NULL;
}

static void note_bind(struct statement *s, int code)
{
    if (code != SQLITE_OK)
        s->err = sqlite_err(s->conn->db, code, "bind");
}

void statement_bind_text(struct statement *s, struct span text)
{
    if (s->err != ERR_OK)
        return;
    const char *at = text.ptr ? (const char *)text.ptr : "";
    note_bind(s, sqlite3_bind_text64(s->raw, ++s->bound, at, text.len, SQLITE_STATIC, SQLITE_UTF8));
}

void statement_bind_blob(struct statement *s, struct span bytes)
{
    if (s->err != ERR_OK)
        return;
    const void *at = bytes.ptr ? (const void *)bytes.ptr : "";
    note_bind(s, sqlite3_bind_blob64(s->raw, ++s->bound, at, bytes.len, SQLITE_STATIC));
}

void statement_bind_u64(struct statement *s, uint64_t value)
{
    ASSERT(value <= INT64_MAX);
    if (s->err == ERR_OK)
        note_bind(s, sqlite3_bind_int64(s->raw, ++s->bound, (sqlite3_int64)value));
}

void statement_bind_bool(struct statement *s, bool value)
{
    statement_bind_u64(s, value ? 1 : 0);
}

void statement_bind_id(struct statement *s, const struct id *id)
{
    statement_bind_text(s, id_span(id));
}

void statement_bind_digest(struct statement *s, const struct digest *digest)
{
    statement_bind_blob(s, digest_span(digest));
}

enum err statement_row(struct statement *s)
{
    if (s->err != ERR_OK)
        return s->err;
    s->column = 0;
    int code = sqlite3_step(s->raw);
    if (code == SQLITE_ROW)
        return ERR_OK;
    if (code == SQLITE_DONE)
        return ERR_NOT_FOUND;
    s->err = sqlite_err(s->conn->db, code, sqlite3_sql(s->raw));
    return s->err;
}

enum err statement_run(struct statement *s)
{
    enum err err = s->err;
    if (err == ERR_OK) {
        int code = sqlite3_step(s->raw);
        if (code != SQLITE_DONE && code != SQLITE_ROW)
            err = sqlite_err(s->conn->db, code, sqlite3_sql(s->raw));
    }
    statement_close(s);
    return err;
}

enum err statement_run_one(struct statement *s)
{
    sqlite3 *db = s->conn->db;
    TRY(statement_run(s));
    return sqlite3_changes(db) > 0 ? ERR_OK : ERR_NOT_FOUND;
}

struct span statement_lend(struct statement *s)
{
    int column = s->column++;
    const void *at = sqlite3_column_blob(s->raw, column);
    return span_of(at, (size_t)sqlite3_column_bytes(s->raw, column));
}

struct span statement_text(struct statement *s, struct arena *arena)
{
    return arena_copy(arena, statement_lend(s));
}

uint64_t statement_u64(struct statement *s)
{
    sqlite3_int64 value = sqlite3_column_int64(s->raw, s->column++);
    return value < 0 ? 0 : (uint64_t)value;
}

bool statement_bool(struct statement *s)
{
    return statement_u64(s) != 0;
}

void statement_id(struct statement *s, struct id *out)
{
    /* What the store does not hold as an id is none: '' of an optional column, and old damage. */
    if (id_parse(statement_lend(s), out) != ERR_OK)
        *out = (struct id){{0}};
}

void statement_digest(struct statement *s, struct digest *out)
{
    struct span bytes = statement_lend(s);
    memset(out, 0, sizeof(*out));
    if (bytes.len == DIGEST_BYTES)
        memcpy(out->bytes, bytes.ptr, DIGEST_BYTES);
}
