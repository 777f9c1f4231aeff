/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica.c - the file: opened, checked, set aside; and the transaction that is one revision.
 *
 *      IDLE --[begin]--> CHANGING --[commit|rollback]--> IDLE
 *          \-[begin, full]--> STAGING --[commit: swap|rollback: drop]--> IDLE
 */
#include "dataplane/supervisor/replica.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "dataplane/supervisor/replica_int.h"
#include "dataplane/supervisor/replica_schema.h"

#define BUSY_MS 5000
#define PATH_BYTES_MAX 4096
/* "TRNK": this SQLite file is a replica of ours. */
#define APPLICATION_ID 1414680139

enum err replica_failed(struct replica *replica, int code)
{
    enum err err = ERR_IO;
    if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        err = ERR_CORRUPT;
    else if ((code & 0xff) == SQLITE_FULL)
        err = ERR_DISK_FULL;
    else if ((code & 0xff) == SQLITE_BUSY)
        err = ERR_BUSY;
    log_error("replica_failed", F_STR("path", replica->path), F_I64("sqlite_code", code),
              F_STR("sqlite_text", sqlite3_errmsg(replica->db)), F_ERR(err));
    return err;
}

enum err replica_exec(struct replica *replica, const char *sql)
{
    int code = sqlite3_exec(replica->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? ERR_OK : replica_failed(replica, code);
}

/* ---- opening */

static enum err read_number(struct replica *replica, const char *pragma, uint64_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(replica->db, pragma, -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    if (code == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return code == SQLITE_ROW ? ERR_OK : replica_failed(replica, code);
}

static enum err migrate(struct replica *replica)
{
    uint64_t number = 0, form = 0;
    char sql[64];
    const struct replica_schema_migration *m;
    TRY(read_number(replica, "PRAGMA user_version", &form));
    for (size_t i = 0; (m = replica_schema_migration_at(i)) != NULL; i++) {
        number = m->number;
        if (number <= form)
            continue;
        TRY(replica_exec(replica, "BEGIN IMMEDIATE"));
        TRY(replica_exec(replica, m->sql));
        text_format(sql, sizeof(sql), "PRAGMA user_version = %u; PRAGMA application_id = %d",
                    m->number, APPLICATION_ID);
        TRY(replica_exec(replica, sql));
        TRY(replica_exec(replica, "COMMIT"));
    }
    return form <= number ? ERR_OK : ERR_CORRUPT;
}

/* Seconds for a million documents: a large file is checked by its header, its tables and, document
 * by document, by the digests when they are read. */
static enum err check(struct replica *replica)
{
    struct stat file;
    sqlite3_stmt *row = NULL;
    if (stat(replica->path, &file) != 0 || file.st_size > LIMIT_REPLICA_CHECK_BYTES)
        return ERR_OK;
    int code = sqlite3_prepare_v2(replica->db, "PRAGMA quick_check(1)", -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    enum err err = code == SQLITE_ROW ? ERR_OK : replica_failed(replica, code);
    if (err == ERR_OK &&
        !span_equal(span_str((const char *)sqlite3_column_text(row, 0)), SPAN("ok")))
        err = ERR_CORRUPT;
    sqlite3_finalize(row);
    return err;
}

static enum err read_position(struct replica *replica)
{
    sqlite3_stmt *row = NULL;
    struct replica_position *p = &replica->position;
    int code = sqlite3_prepare_v2(
        replica->db, "SELECT epoch, revision, chain FROM position WHERE id = 1", -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    enum err err = code == SQLITE_ROW ? ERR_OK : replica_failed(replica, code);
    if (err == ERR_OK) {
        struct span epoch = span_str((const char *)sqlite3_column_text(row, 0));
        *p = (struct replica_position){.revision = (uint64_t)sqlite3_column_int64(row, 1)};
        if (epoch.len > 0)
            err = id_parse(epoch, &p->epoch) == ERR_OK ? ERR_OK : ERR_CORRUPT;
        if (sqlite3_column_bytes(row, 2) == DIGEST_BYTES)
            memcpy(p->chain.bytes, sqlite3_column_blob(row, 2), DIGEST_BYTES);
    }
    sqlite3_finalize(row);
    return err;
}

/* A SQLite file that another program made is not for us to migrate. */
static enum err check_ours(struct replica *replica)
{
    uint64_t tables = 0, application = 0;
    TRY(read_number(replica, "SELECT count(*) FROM sqlite_schema", &tables));
    TRY(read_number(replica, "PRAGMA application_id", &application));
    return tables == 0 || application == APPLICATION_ID ? ERR_OK : ERR_CORRUPT;
}

/* PERSIST_WAL: read-only readers need -wal and -shm to exist after the supervisor has gone. */
static enum err configure(struct replica *replica)
{
    int persistent = 1;
    sqlite3_busy_timeout(replica->db, BUSY_MS);
    int code = sqlite3_file_control(replica->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persistent);
    if (code != SQLITE_OK)
        return replica_failed(replica, code);
    TRY(check_ours(replica));
    TRY(replica_exec(replica, "PRAGMA journal_mode = WAL"));
    TRY(replica_exec(replica, "PRAGMA synchronous = NORMAL"));
    return replica_exec(replica, "PRAGMA journal_size_limit = 67108864");
}

static void release(struct replica **replica)
{
    struct replica *r = *replica;
    replica_rows_finalize(r->live);
    replica_rows_finalize(r->staged);
    sqlite3_close(r->db);
    seal_key_wipe(&r->key);
    buf_release(&r->changed);
    mem_free(&r->path);
    mem_free(replica);
}

static enum err open_file(const char *path, const struct seal_key *key, struct replica **out,
                          struct problem *problem)
{
    struct replica *replica = mem_new(struct replica);
    replica->path = strdup(path);
    ASSERT(replica->path != NULL);
    replica->key = *key;
    buf_init(&replica->changed, (size_t)MESSAGE_ZONES_MAX * ID_TEXT_BYTES);
    int code = sqlite3_open_v2(
        path, &replica->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    enum err err = code == SQLITE_OK ? configure(replica) : replica_failed(replica, code);
    if (err == ERR_OK)
        err = migrate(replica);
    if (err == ERR_OK)
        err = check(replica);
    if (err == ERR_OK)
        err = read_position(replica);
    if (err == ERR_OK)
        err = replica_rows_prepare(replica, "", replica->live);
    if (err == ERR_OK) {
        *out = replica;
        return ERR_OK;
    }
    problem_set(problem, err, "state", "%.100s: %.60s", path, sqlite3_errmsg(replica->db));
    release(&replica);
    return err;
}

static enum err set_aside(const char *path, struct problem *problem)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char from[PATH_BYTES_MAX], to[PATH_BYTES_MAX];
    uint64_t now_s = clock_wall_s();
    for (size_t i = 0; i < countof(suffixes); i++) {
        text_format(from, sizeof(from), "%s%s", path, suffixes[i]);
        text_format(to, sizeof(to), "%s.bad-%llu%s", path, (unsigned long long)now_s, suffixes[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            return problem_set(problem, ERR_IO, "state", "cannot set %.100s aside: %s", from,
                               strerror(errno));
    }
    log_error("replica_set_aside", F_STR("path", path), F_U64("at_s", now_s));
    return ERR_OK;
}

enum err replica_open(const char *path, const struct seal_key *key, struct replica **out,
                      bool *replaced, struct problem *problem)
{
    *replaced = false;
    enum err err = open_file(path, key, out, problem);
    if (err != ERR_CORRUPT)
        return err;
    *replaced = true;
    TRY(set_aside(path, problem));
    return open_file(path, key, out, problem);
}

enum err replica_replace(struct replica **replica, struct problem *problem)
{
    char path[PATH_BYTES_MAX];
    struct seal_key key = (*replica)->key;
    text_format(path, sizeof(path), "%s", (*replica)->path);
    release(replica);
    enum err err = set_aside(path, problem);
    if (err == ERR_OK)
        err = open_file(path, &key, replica, problem);
    seal_key_wipe(&key);
    return err;
}

void replica_close(struct replica **replica)
{
    if (*replica == NULL)
        return;
    replica_rollback(*replica);
    release(replica);
}

void replica_position(const struct replica *replica, struct replica_position *out)
{
    *out = replica->position;
}

void replica_changes(const struct replica *replica, struct replica_changes *out)
{
    bool all = replica->changed_all || replica->changed.overflowed;
    *out = (struct replica_changes){.all = all};
    if (!all) {
        out->zone_ids = buf_span(&replica->changed);
        out->zone_count = replica->changed.len / ID_TEXT_BYTES;
    }
}

/* ---- one revision */

enum err replica_begin(struct replica *replica, const struct message_begin *begin)
{
    ASSERT(replica->state == REPLICA_IDLE);
    replica->begun_epoch = begin->epoch;
    replica->changed_all = begin->full;
    buf_clear(&replica->changed);
    if (begin->full) {
        TRY(replica_stage_begin(replica));
        replica->state = REPLICA_STAGING;
    } else {
        TRY(replica_exec(replica, "BEGIN IMMEDIATE"));
        replica->state = REPLICA_CHANGING;
    }
    return ERR_OK;
}

static enum err write_position(struct replica *replica, const struct message_commit *commit)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        replica->db, "UPDATE position SET epoch = ?1, revision = ?2, chain = ?3 WHERE id = 1", -1,
        &row, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(row, 1, replica->begun_epoch.text, -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 2, (sqlite3_int64)commit->revision);
        sqlite3_bind_blob(row, 3, commit->chain.bytes, DIGEST_BYTES, SQLITE_STATIC);
        code = sqlite3_step(row);
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? ERR_OK : replica_failed(replica, code);
}

enum err replica_commit(struct replica *replica, const struct message_commit *commit)
{
    ASSERT(replica->state != REPLICA_IDLE);
    enum err err = replica->state == REPLICA_STAGING ? replica_stage_swap(replica) : ERR_OK;
    if (err == ERR_OK)
        err = write_position(replica, commit);
    if (err == ERR_OK)
        err = replica_exec(replica, "COMMIT");
    if (err != ERR_OK) {
        replica_rollback(replica);
        return err;
    }
    replica_rows_finalize(replica->staged);
    replica->state = REPLICA_IDLE;
    replica->position = (struct replica_position){
        .epoch = replica->begun_epoch, .revision = commit->revision, .chain = commit->chain};
    return ERR_OK;
}

/* A full copy that is given up stays staged until the next one begins: nobody reads it. */
void replica_rollback(struct replica *replica)
{
    replica_rows_finalize(replica->staged);
    if (!sqlite3_get_autocommit(replica->db))
        sqlite3_exec(replica->db, "ROLLBACK", NULL, NULL, NULL);
    replica->state = REPLICA_IDLE;
}
