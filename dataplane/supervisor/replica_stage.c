/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_stage.c - a full copy beside the tables that workers read, swapped in at once.
 *
 * The staged tables have the statements of the live ones with another name, taken from SQLite's
 * own record of them, so that they are written down once (schema/replica).  Indexes are made when
 * the copy is whole: that is quicker, and their names are free then.
 */
#include "dataplane/supervisor/replica_int.h"

#include "common/base/mem.h"

#define BATCH_ROWS 4096
#define SQL_BYTES_MAX 16384

static const char *const tables[] = {"documents", "hostnames", "certificates"};

/* CREATE TABLE staged_x (...) for what SQLite remembers as CREATE TABLE x (...). */
static enum err make_table(struct replica *replica, const char *table)
{
    sqlite3_stmt *row = NULL;
    struct buf sql;
    buf_init(&sql, SQL_BYTES_MAX);
    int code = sqlite3_prepare_v2(
        replica->db, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1", -1, &row,
        NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(row, 1, table, -1, SQLITE_STATIC);
        code = sqlite3_step(row);
    }
    if (code == SQLITE_ROW) {
        struct span columns = span_str((const char *)sqlite3_column_text(row, 0));
        span_split(&columns, '(');
        buf_appendf(&sql, "CREATE TABLE staged_%s (%.*s", table, SPAN_ARG(columns));
    }
    sqlite3_finalize(row);
    enum err err =
        code == SQLITE_ROW ? replica_exec(replica, buf_cstr(&sql)) : replica_failed(replica, code);
    buf_release(&sql);
    return err;
}

static enum err drop_table(struct replica *replica, const char *prefix, const char *table)
{
    struct buf sql;
    buf_init(&sql, 128);
    buf_appendf(&sql, "DROP TABLE IF EXISTS %s%s", prefix, table);
    enum err err = replica_exec(replica, buf_cstr(&sql));
    buf_release(&sql);
    return err;
}

enum err replica_stage_begin(struct replica *replica)
{
    replica->batch_rows = 0;
    TRY(replica_exec(replica, "BEGIN IMMEDIATE"));
    for (size_t i = 0; i < countof(tables); i++) {
        TRY(drop_table(replica, "staged_", tables[i]));
        TRY(make_table(replica, tables[i]));
    }
    return replica_rows_prepare(replica, "staged_", replica->staged);
}

enum err replica_stage_batch(struct replica *replica)
{
    if (replica->state != REPLICA_STAGING || ++replica->batch_rows < BATCH_ROWS)
        return ERR_OK;
    replica->batch_rows = 0;
    TRY(replica_exec(replica, "COMMIT"));
    return replica_exec(replica, "BEGIN IMMEDIATE");
}

enum err replica_stage_keep(struct replica *replica, const struct id *zone_id)
{
    struct buf sql;
    enum err err = ERR_OK;
    buf_init(&sql, SQL_BYTES_MAX);
    for (size_t i = 0; i < countof(tables) && err == ERR_OK; i++) {
        buf_clear(&sql);
        buf_appendf(&sql, "INSERT OR IGNORE INTO staged_%s SELECT * FROM %s WHERE zone_id = '%s'",
                    tables[i], tables[i], zone_id->text);
        err = replica_exec(replica, buf_cstr(&sql));
    }
    buf_release(&sql);
    return err;
}

/* The live tables take their indexes with them: their statements are read before. */
static enum err read_indexes(struct replica *replica, struct buf *out)
{
    sqlite3_stmt *row = NULL;
    static const char indexes[] = "SELECT sql FROM sqlite_schema WHERE type = 'index'"
                                  " AND sql IS NOT NULL AND name NOT LIKE 'staged_%'";
    int code = sqlite3_prepare_v2(replica->db, indexes, -1, &row, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(row);
        if (code == SQLITE_ROW)
            buf_appendf(out, "%s;", (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    ASSERT(!out->overflowed);
    return code == SQLITE_DONE ? ERR_OK : replica_failed(replica, code);
}

enum err replica_stage_swap(struct replica *replica)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES_MAX);
    replica_rows_finalize(replica->staged);
    enum err err = read_indexes(replica, &sql);
    for (size_t i = 0; i < countof(tables) && err == ERR_OK; i++)
        err = drop_table(replica, "", tables[i]);
    struct buf renames;
    buf_init(&renames, SQL_BYTES_MAX);
    for (size_t i = 0; i < countof(tables); i++)
        buf_appendf(&renames, "ALTER TABLE staged_%s RENAME TO %s;", tables[i], tables[i]);
    if (err == ERR_OK)
        err = replica_exec(replica, buf_cstr(&renames));
    if (err == ERR_OK)
        err = replica_exec(replica, buf_cstr(&sql));
    buf_release(&renames);
    buf_release(&sql);
    return err;
}
