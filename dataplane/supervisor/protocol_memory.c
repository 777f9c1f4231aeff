/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol_memory.c - one small SQLite file, every write a transaction of its own.
 */
#include "dataplane/supervisor/protocol_memory.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/wire/message.h"

#define PATH_BYTES_MAX 256
#define SUSPENSION_KEPT_S (LIMIT_ORIGIN_SUSPENDED_MAX_MS / 1000)

/* heard counts every put: the rows of the last LIMIT_ORIGIN_POOLS puts stay. */
#define SCHEMA                                                                     \
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"                         \
    "CREATE TABLE IF NOT EXISTS protocols ("                                       \
    " origin BLOB NOT NULL CHECK (length(origin) = 32), place INTEGER NOT NULL,"   \
    " fact INTEGER NOT NULL, count INTEGER NOT NULL, until_s INTEGER NOT NULL,"    \
    " heard INTEGER NOT NULL, PRIMARY KEY (origin, place)) STRICT, WITHOUT ROWID;" \
    "CREATE INDEX IF NOT EXISTS protocols_by_heard ON protocols (heard);"

enum statement { PUT, FORGET, EVICT, EXPIRE, CLAMP, READ, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [PUT] = ("INSERT OR REPLACE INTO protocols (origin, place, fact, count, until_s, heard) "
             "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
    [FORGET] = "DELETE FROM protocols WHERE origin = ?1 AND place = ?2",
    [EVICT] = "DELETE FROM protocols WHERE heard <= ?1",
    [EXPIRE] = "DELETE FROM protocols WHERE until_s + iif(fact = ?1, ?2, 0) <= ?3",
    [CLAMP] = "UPDATE protocols SET until_s = ?2 WHERE fact = ?1 AND until_s > ?2",
    [READ] = "SELECT origin, fact, count, until_s, heard FROM protocols ORDER BY heard DESC",
};

struct protocol_memory {
    char path[PATH_BYTES_MAX];
    sqlite3 *db; /* NULL: there is no file to be had */
    sqlite3_stmt *statements[STATEMENTS];
    uint64_t heard;
};

static void close_file(struct protocol_memory *memory)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(memory->statements[i]);
        memory->statements[i] = NULL;
    }
    sqlite3_close(memory->db);
    memory->db = NULL;
}

static void remove_file(const struct protocol_memory *memory)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[PATH_BYTES_MAX + 8];
    for (size_t i = 0; i < countof(suffixes); i++) {
        text_format(path, sizeof(path), "%s%s", memory->path, suffixes[i]);
        (void)unlink(path);
    }
}

static void give_up(struct protocol_memory *memory, int code)
{
    log_warn("protocol_memory_failed", F_STR("path", memory->path), F_I64("sqlite_code", code),
             F_STR("sqlite_text", sqlite3_errmsg(memory->db)));
    close_file(memory);
    if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB ||
        (code & 0xff) == SQLITE_ERROR)
        remove_file(memory);
}

/* Runs what was bound; false, and there is no file any more, when that failed. */
static bool run(struct protocol_memory *memory, enum statement which)
{
    int code = sqlite3_step(memory->statements[which]);
    sqlite3_reset(memory->statements[which]);
    if (code == SQLITE_DONE)
        return true;
    give_up(memory, code);
    return false;
}

static void bind_u64(struct protocol_memory *memory, enum statement which, int at, uint64_t value)
{
    sqlite3_bind_int64(memory->statements[which], at, (sqlite3_int64)value);
}

static void bind_origin(struct protocol_memory *memory, enum statement which,
                        const struct digest *origin)
{
    sqlite3_bind_blob(memory->statements[which], 1, origin->bytes, DIGEST_BYTES, SQLITE_STATIC);
}

/* ---- opening */

static bool open_file(struct protocol_memory *memory)
{
    int code =
        sqlite3_open_v2(memory->path, &memory->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(memory->db, SCHEMA, NULL, NULL, NULL);
    for (size_t i = 0; i < STATEMENTS && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v3(memory->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &memory->statements[i], NULL);
    if (code == SQLITE_OK)
        return true;
    give_up(memory, code);
    return false;
}

static bool expire(struct protocol_memory *memory)
{
    bind_u64(memory, EXPIRE, 1, ORIGIN_FACT_H2_SUSPENDED);
    bind_u64(memory, EXPIRE, 2, SUSPENSION_KEPT_S);
    bind_u64(memory, EXPIRE, 3, clock_wall_s());
    return run(memory, EXPIRE);
}

/* A clock that was ahead yesterday must not make a fact last for years. */
static bool clamp(struct protocol_memory *memory)
{
    uint64_t now_s = clock_wall_s();
    for (uint32_t fact = 0; fact <= UINT8_MAX; fact++) {
        if (!origin_fact_known(fact))
            continue;
        uint64_t longest_ms = origin_fact_left_ms((enum origin_fact)fact, UINT64_MAX, now_s);
        bind_u64(memory, CLAMP, 1, fact);
        bind_u64(memory, CLAMP, 2, now_s + longest_ms / 1000);
        if (!run(memory, CLAMP))
            return false;
    }
    return true;
}

static bool read_heard(struct protocol_memory *memory)
{
    sqlite3_stmt *read = memory->statements[READ];
    int code = sqlite3_step(read);
    if (code == SQLITE_ROW)
        memory->heard = (uint64_t)sqlite3_column_int64(read, 4);
    sqlite3_reset(read);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return true;
    give_up(memory, code);
    return false;
}

struct protocol_memory *protocol_memory_open(const char *path)
{
    struct protocol_memory *memory = mem_new(struct protocol_memory);
    text_format(memory->path, sizeof(memory->path), "%s", path);
    for (int tries = 0; tries < 2 && memory->db == NULL; tries++)
        if (open_file(memory) && expire(memory) && clamp(memory))
            (void)read_heard(memory);
    return memory;
}

void protocol_memory_close(struct protocol_memory **memory)
{
    if (*memory == NULL)
        return;
    close_file(*memory);
    mem_free(memory);
}

/* ---- what is known */

static void forget(struct protocol_memory *memory, const struct origin_knowledge *what)
{
    bind_origin(memory, FORGET, &what->origin);
    bind_u64(memory, FORGET, 2, origin_fact_place(what->fact));
    (void)run(memory, FORGET);
}

void protocol_memory_put(struct protocol_memory *memory, const struct origin_knowledge *what)
{
    if (memory->db == NULL)
        return;
    if (what->until_s == 0) {
        forget(memory, what);
        return;
    }
    bind_origin(memory, PUT, &what->origin);
    bind_u64(memory, PUT, 2, origin_fact_place(what->fact));
    bind_u64(memory, PUT, 3, what->fact);
    bind_u64(memory, PUT, 4, what->count);
    bind_u64(memory, PUT, 5, what->until_s);
    bind_u64(memory, PUT, 6, ++memory->heard);
    if (!run(memory, PUT) || memory->heard <= LIMIT_ORIGIN_POOLS)
        return;
    bind_u64(memory, EVICT, 1, memory->heard - LIMIT_ORIGIN_POOLS);
    (void)run(memory, EVICT);
}

/* False for a row that is not ours. */
static bool read_row(sqlite3_stmt *row, struct origin_knowledge *out)
{
    uint32_t fact = (uint32_t)sqlite3_column_int64(row, 1);
    uint64_t until_s = (uint64_t)sqlite3_column_int64(row, 3);
    if (sqlite3_column_bytes(row, 0) != DIGEST_BYTES || !origin_fact_known(fact) || until_s == 0 ||
        until_s > MESSAGE_WALL_MAX_S)
        return false;
    memcpy(out->origin.bytes, sqlite3_column_blob(row, 0), DIGEST_BYTES);
    out->fact = (enum origin_fact)fact;
    out->count = (uint32_t)sqlite3_column_int64(row, 2);
    out->until_s = until_s;
    return true;
}

size_t protocol_memory_append(struct protocol_memory *memory, struct buf *out)
{
    struct message message = {.kind = MESSAGE_PROTOCOL};
    size_t count = 0;
    if (memory->db == NULL || !expire(memory))
        return 0;
    sqlite3_stmt *read = memory->statements[READ];
    int code;
    while ((code = sqlite3_step(read)) == SQLITE_ROW && count < LIMIT_ORIGIN_POOLS) {
        if (!read_row(read, &message.protocol.learned))
            continue;
        message_encode(&message, out);
        count++;
    }
    sqlite3_reset(read);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        give_up(memory, code);
    return count;
}
