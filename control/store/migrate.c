/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate.c - brings a store's schema up to date: each file of schema/sql once, in order.
 *
 *      new file --[make_ledger]--> 0 applied --[apply]--> 1 --[apply]--> ... newest
 *
 * What was applied is remembered with its SHA-256: a store that a newer program made, or whose
 * history is another one, is refused and not touched.
 */
#include "common/base/clock.h"
#include "control/store/schema.h"
#include "control/store/statement.h"

#define APPLICATION_ID "1414679884" /* "TRKL" */

static enum err count_u64(struct store_conn *conn, const char *sql, uint64_t *out)
{
    struct statement s;
    statement_open_once(&s, conn, sql);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

/* A store has the ledger; a new file has no tables at all. */
static enum err make_ledger(struct store_conn *conn, struct problem *problem)
{
    uint64_t ledgers = 0, tables = 0;
    TRY(count_u64(conn, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'",
                  &ledgers));
    if (ledgers == 1)
        return ERR_OK;
    TRY(count_u64(conn, "SELECT count(*) FROM sqlite_schema", &tables));
    if (tables > 0)
        return problem_set(problem, ERR_CORRUPT, "store",
                           "%.120s is a SQLite database of another program", conn->store->path);
    struct id epoch = id_new();
    TRY(connection_run(conn, "PRAGMA application_id = " APPLICATION_ID));
    TRY(connection_run(conn, "CREATE TABLE schema_migrations ("
                             "number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                             "checksum BLOB NOT NULL, applied_at_us INTEGER NOT NULL) STRICT"));
    TRY(connection_run(conn, schema_migration_at(0)->sql));
    struct statement s;
    statement_open(&s, conn, "INSERT INTO meta (key, value) VALUES ('epoch', ?)");
    statement_bind_blob(&s, id_span(&epoch));
    return statement_run(&s);
}

static enum err remember(struct store_conn *conn, const struct schema_migration *migration)
{
    struct digest checksum = digest_of(span_str(migration->sql));
    struct statement s;
    statement_open(&s, conn, "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)");
    statement_bind_u64(&s, migration->number);
    statement_bind_text(&s, span_str(migration->name));
    statement_bind_digest(&s, &checksum);
    statement_bind_u64(&s, clock_wall_us());
    return statement_run(&s);
}

/* ERR_NOT_FOUND: not applied yet. */
static enum err verify(struct store_conn *conn, const struct schema_migration *migration,
                       struct problem *problem)
{
    struct digest expected = digest_of(span_str(migration->sql)), found;
    struct statement s;
    statement_open(&s, conn, "SELECT checksum FROM schema_migrations WHERE number = ?");
    statement_bind_u64(&s, migration->number);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        statement_digest(&s, &found);
    statement_close(&s);
    if (err == ERR_OK && !digest_equal(&expected, &found))
        return problem_set(problem, ERR_CORRUPT, "store",
                           "%.80s: its migration %s is not the one of this program",
                           conn->store->path, migration->name);
    return err;
}

static enum err apply_all(struct store_conn *conn, struct problem *problem)
{
    uint64_t applied = 0;
    TRY(make_ledger(conn, problem));
    TRY(count_u64(conn, "SELECT coalesce(max(number), 0) FROM schema_migrations", &applied));
    size_t known = 0;
    for (const struct schema_migration *m; (m = schema_migration_at(known)) != NULL; known++) {
        enum err err = verify(conn, m, problem);
        if (err == ERR_NOT_FOUND) {
            /* make_ledger ran the first one: epoch needs its table. */
            err = known == 0 ? ERR_OK : connection_run(conn, m->sql);
            if (err == ERR_OK)
                err = remember(conn, m);
        }
        if (err != ERR_OK)
            return err;
    }
    if (applied > known)
        return problem_set(problem, ERR_CORRUPT, "store",
                           "%.80s has schema %u, this program knows %u: it is too old",
                           conn->store->path, (unsigned)applied, (unsigned)known);
    return ERR_OK;
}

/* Nothing to do: seen without the writer's place, which a busy control may not leave in time. */
static bool is_current(struct store_conn *conn)
{
    uint64_t ledgers = 0, applied = 0;
    size_t known = 0;
    if (count_u64(conn, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'",
                  &ledgers) != ERR_OK ||
        ledgers == 0 ||
        count_u64(conn, "SELECT count(*) FROM schema_migrations", &applied) != ERR_OK)
        return false;
    for (const struct schema_migration *m; (m = schema_migration_at(known)) != NULL; known++) {
        if (verify(conn, m, NULL) != ERR_OK)
            return false;
    }
    return applied == known;
}

enum err migrate(struct store_conn *conn, struct problem *problem)
{
    if (is_current(conn))
        return ERR_OK;
    enum err err = connection_run(conn, "BEGIN IMMEDIATE");
    if (err == ERR_OK)
        err = apply_all(conn, problem);
    if (err == ERR_OK)
        err = connection_run(conn, "COMMIT");
    if (err != ERR_OK && !sqlite3_get_autocommit(conn->db) &&
        connection_run(conn, "ROLLBACK") != ERR_OK)
        err = ERR_IO;
    if (err != ERR_OK && problem && problem->text[0] == '\0')
        (void)problem_set(problem, err, "store", "%.120s: its schema cannot be brought up to date",
                          conn->store->path);
    return err;
}
