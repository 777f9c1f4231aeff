/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c - SQLite connections: their pragmas, the pool of readers, the writer's place.
 */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "control/store/statement.h"

enum err connection_run(struct store_conn *conn, const char *sql)
{
    int code = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? ERR_OK : sqlite_err(conn->db, code, sql);
}

/* WAL is a property of the file: only the writer sets it. */
static enum err set_pragmas(struct store_conn *conn)
{
    (void)sqlite3_extended_result_codes(conn->db, 1);
    (void)sqlite3_busy_timeout(conn->db, LIMIT_STORE_WAIT_MS);
    TRY(connection_run(conn, "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON"));
    if (!conn->writing)
        return connection_run(conn, "PRAGMA query_only = ON");
    TRY(connection_run(conn, "PRAGMA journal_mode = WAL"));
    return connection_run(conn, "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384");
}

static const char *open_failure(enum err err)
{
    if (err == ERR_CORRUPT)
        return "is not a SQLite database, or a damaged one";
    if (err == ERR_BUSY)
        return "is locked by another program";
    if (err == ERR_DISK_FULL)
        return "cannot be written: the disk is full";
    return "cannot be opened or written: check its path, its directory and their rights";
}

enum err connection_open(struct store *store, bool writing, struct store_conn **out,
                         struct problem *problem)
{
    struct store_conn *conn = mem_new(struct store_conn);
    conn->store = store;
    conn->writing = writing;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(store->path, &conn->db, flags, NULL);
    enum err err = code == SQLITE_OK ? set_pragmas(conn) : sqlite_err(conn->db, code, "open");
    if (err != ERR_OK) {
        connection_close(&conn);
        return problem_set(problem, err, "store", "%.120s %s", store->path, open_failure(err));
    }
    *out = conn;
    return ERR_OK;
}

void connection_close(struct store_conn **conn)
{
    if (!*conn)
        return;
    for (size_t i = 0; i < (*conn)->cache_count; i++)
        (void)sqlite3_finalize((*conn)->cache[i].raw);
    int code = sqlite3_close((*conn)->db);
    ASSERT(code == SQLITE_OK);
    mem_free(conn);
}

static bool room_for_reader(const struct store *store)
{
    return store->lent_count < LIMIT_STORE_READERS;
}

static bool room_for_writer(const struct store *store)
{
    return !store->writing;
}

typedef bool room_fn(const struct store *store);

/* With the store's lock held: false when there is no room for LIMIT_STORE_WAIT_MS. */
static bool await_room(struct store *store, room_fn *room)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += LIMIT_STORE_WAIT_MS / 1000;
    while (!room(store))
        if (pthread_cond_timedwait(&store->returned, &store->lock, &end) == ETIMEDOUT)
            return room(store);
    return true;
}

enum err reader_take(struct store *store, bool counted, struct store_conn **out)
{
    (void)pthread_mutex_lock(&store->lock);
    if (counted && !await_room(store, room_for_reader)) {
        (void)pthread_mutex_unlock(&store->lock);
        log_warn("store_readers_busy", F_U64("readers", LIMIT_STORE_READERS));
        return ERR_BUSY;
    }
    if (counted)
        store->lent_count++;
    struct list_node *spare = list_pop_front(&store->spares);
    (void)pthread_mutex_unlock(&store->lock);

    struct store_conn *conn = NULL;
    enum err err = ERR_OK;
    if (spare)
        conn = container_of(spare, struct store_conn, node);
    else
        err = connection_open(store, false, &conn, NULL);
    if (err == ERR_OK) {
        conn->counted = counted;
        err = connection_run(conn, "BEGIN");
        *out = conn;
    }
    if (err == ERR_OK)
        return ERR_OK;
    connection_close(&conn);
    *out = NULL;
    (void)pthread_mutex_lock(&store->lock);
    if (counted)
        store->lent_count--;
    (void)pthread_cond_broadcast(&store->returned);
    (void)pthread_mutex_unlock(&store->lock);
    return err;
}

void reader_give(struct store_conn **conn)
{
    struct store_conn *given = *conn;
    *conn = NULL;
    struct store *store = given->store;
    bool sound = connection_run(given, "ROLLBACK") == ERR_OK;
    (void)pthread_mutex_lock(&store->lock);
    if (given->counted)
        store->lent_count--;
    if (sound && store->spares.count < READER_SPARES_MAX) {
        list_push_front(&store->spares, &given->node);
        given = NULL;
    }
    (void)pthread_cond_broadcast(&store->returned);
    (void)pthread_mutex_unlock(&store->lock);
    connection_close(&given);
}

enum err store_read_begin(struct store *store, struct store_conn **out)
{
    return reader_take(store, true, out);
}

void store_read_end(struct store_conn **conn)
{
    if (*conn)
        reader_give(conn);
}

bool store_failed(const struct store *store)
{
    return atomic_load(&store->failed);
}

static void writer_give(struct store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->writing = false;
    (void)pthread_cond_broadcast(&store->returned);
    (void)pthread_mutex_unlock(&store->lock);
}

enum err store_write_begin(struct store *store, struct store_conn **out)
{
    *out = NULL;
    (void)pthread_mutex_lock(&store->lock);
    bool taken = await_room(store, room_for_writer);
    if (taken)
        store->writing = true;
    (void)pthread_mutex_unlock(&store->lock);
    if (!taken)
        return ERR_BUSY;
    enum err err = store_failed(store) ? ERR_IO : connection_run(store->writer, "BEGIN IMMEDIATE");
    if (err != ERR_OK) {
        writer_give(store);
        return err;
    }
    *out = store->writer;
    return ERR_OK;
}

/* SQLite gives up a transaction by itself after some errors. */
static void roll_back(struct store_conn *conn)
{
    if (sqlite3_get_autocommit(conn->db))
        return;
    if (connection_run(conn, "ROLLBACK") != ERR_OK)
        atomic_store(&conn->store->failed, true);
}

enum err store_write_commit(struct store_conn **conn)
{
    struct store_conn *given = *conn;
    *conn = NULL;
    ASSERT(given->writing);
    enum err err = connection_run(given, "COMMIT");
    if (err != ERR_OK)
        roll_back(given);
    /* A full disk cut the write of the commit frame short, and a busy store never began it.  After
     * any other failure the frame may be on the disk, and fsync must not be asked again. */
    if (err != ERR_OK && err != ERR_DISK_FULL && err != ERR_BUSY) {
        log_error("store_outcome_unknown", F_ERR(err));
        atomic_store(&given->store->failed, true);
        err = ERR_OUTCOME_UNKNOWN;
    }
    writer_give(given->store);
    return err;
}

void store_write_rollback(struct store_conn **conn)
{
    struct store_conn *given = *conn;
    *conn = NULL;
    if (!given)
        return;
    ASSERT(given->writing);
    roll_back(given);
    writer_give(given->store);
}
