/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement.h - one run of one SQL statement: bind in order, step, read in order.
 *
 *     struct statement s;
 *     statement_open(&s, conn, "SELECT name FROM zones WHERE id = ?");
 *     statement_bind_id(&s, id);
 *     enum err err = statement_row(&s);            ERR_NOT_FOUND: no (more) rows
 *     if (err == ERR_OK)
 *         out->name = statement_text(&s, arena);
 *     statement_close(&s);
 *
 * The first error sticks: binding after it does nothing and statement_row or statement_run returns
 * it.  Foreign codes become `enum err` here and are logged here.
 *
 * Ownership: bound spans are borrowed until statement_close.  Included in control/store only.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STATEMENT_H
#define TRUNKLINE_CONTROL_STORE_STATEMENT_H

#include "common/base/buf.h"
#include "common/model/digest.h"
#include "control/store/store_int.h"

struct statement {
    struct store_conn *conn;
    sqlite3_stmt *raw;
    struct statement_slot *slot; /* NULL: prepared for this run only */
    int bound, column;
    enum err err;
};

/* sql is a literal: its address is its name in the connection's cache. */
void statement_open(struct statement *s, struct store_conn *conn, const char *sql);
/* For composed text: prepared for this run only. */
void statement_open_once(struct statement *s, struct store_conn *conn, const char *sql);
void statement_close(struct statement *s);

void statement_bind_text(struct statement *s, struct span text);
void statement_bind_blob(struct statement *s, struct span bytes);
void statement_bind_u64(struct statement *s, uint64_t value);
void statement_bind_bool(struct statement *s, bool value);
void statement_bind_id(struct statement *s, const struct id *id);
void statement_bind_digest(struct statement *s, const struct digest *digest);

/* Steps to the next row. */
MUST_USE enum err statement_row(struct statement *s);
/* Steps to the end, closes, and tells. */
MUST_USE enum err statement_run(struct statement *s);
/* The same; ERR_NOT_FOUND when no row was changed. */
MUST_USE enum err statement_run_one(struct statement *s);

/* The next column of the row.  A lent span is valid until the next row or the close. */
struct span statement_lend(struct statement *s);
struct span statement_text(struct statement *s, struct arena *arena);
uint64_t statement_u64(struct statement *s);
bool statement_bool(struct statement *s);
void statement_id(struct statement *s, struct id *out);
void statement_digest(struct statement *s, struct digest *out);

/* Translates a SQLite result code of db and logs what is worth it. */
enum err sqlite_err(sqlite3 *db, int code, const char *what);

#endif
