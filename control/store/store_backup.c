/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_backup.c - copying pages, proving the copy, putting it in its place.
 */
#include "control/store/store_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "control/store/statement.h"
#include "control/store/store_audit.h"

#define PATH_BYTES_MAX 4096
#define SUFFIX_BYTES_MAX 32
#define PAGES_AT_ONCE 4096
#define LOCKED_PAUSE_MS 20

static bool path_with(char out[PATH_BYTES_MAX], const char *path, const char *suffix)
{
    if (strlen(path) + strlen(suffix) >= PATH_BYTES_MAX)
        return false;
    text_format(out, PATH_BYTES_MAX, "%s%s", path, suffix);
    return true;
}

/* The name of a file is as durable as its directory. */
static enum err sync_directory(const char *path)
{
    char copy[PATH_BYTES_MAX];
    if (!path_with(copy, path, ""))
        return ERR_IO;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    enum err err = fsync(fd) == 0 ? ERR_OK : ERR_IO;
    close(fd);
    return err;
}

static void remove_all(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char name[PATH_BYTES_MAX];
    for (size_t i = 0; i < countof(suffixes); i++)
        if (path_with(name, path, suffixes[i]))
            (void)unlink(name);
}

/* ---- pages */

static enum err copy_pages(sqlite3 *from, sqlite3 *to, store_progress_fn *progress)
{
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
    if (!copy)
        return sqlite_err(to, sqlite3_errcode(to), "backup");
    int code;
    while ((code = sqlite3_backup_step(copy, PAGES_AT_ONCE)) != SQLITE_DONE) {
        if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
            (void)sqlite3_sleep(LOCKED_PAUSE_MS);
        else if (code != SQLITE_OK)
            break;
        int pages = sqlite3_backup_pagecount(copy), left = sqlite3_backup_remaining(copy);
        if (progress && pages > 0)
            progress((unsigned)(100ll * (pages - left) / pages));
    }
    code = sqlite3_backup_finish(copy);
    return code == SQLITE_OK ? ERR_OK : sqlite_err(to, code, "backup");
}

/* One file without a journal beside it. */
static enum err settle(sqlite3 *db)
{
    int code = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    return code == SQLITE_OK ? ERR_OK : sqlite_err(db, code, "PRAGMA journal_mode");
}

/* A new file, readable by its owner alone. */
static enum err write_copy(sqlite3 *from, const char *path, store_progress_fn *progress)
{
    sqlite3 *to = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_IO;
    close(fd);
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
    enum err err =
        code == SQLITE_OK ? copy_pages(from, to, progress) : sqlite_err(to, code, "open");
    if (err == ERR_OK)
        err = settle(to);
    (void)sqlite3_close(to);
    return err;
}

/* ---- backup */

enum err store_backup(struct store *store, const char *to, store_progress_fn *progress,
                      struct problem *problem)
{
    char part[PATH_BYTES_MAX];
    struct store_conn *conn = NULL;
    if (!path_with(part, to, ".part"))
        return problem_set(problem, ERR_IO, "to", "the path is too long");
    if (access(to, F_OK) == 0)
        return problem_set(problem, ERR_EXISTS, "to", "%.150s is there already", to);
    remove_all(part);
    /* A transaction that has read something stands still: pages of later commits are not seen, so
     * the copy never has to begin again. */
    TRY(store_read_begin(store, &conn));
    enum err err = connection_run(conn, "SELECT count(*) FROM meta");
    errno = 0;
    if (err == ERR_OK)
        err = write_copy(conn->db, part, progress);
    store_read_end(&conn);
    if (err == ERR_OK && (rename(part, to) != 0 || sync_directory(to) != ERR_OK))
        err = ERR_IO;
    if (err == ERR_OK)
        return ERR_OK;
    int reason = errno;
    remove_all(part);
    return problem_set(problem, err, "to", "%.120s cannot be written: %s", to,
                       err == ERR_DISK_FULL ? "the disk is full" : strerror(reason ? reason : EIO));
}

/* ---- restore */

static enum err rotate_epoch(struct store *store)
{
    struct store_conn *conn = NULL;
    struct id epoch = id_new();
    TRY(store_write_begin(store, &conn));
    enum err err = meta_put(conn, "epoch", id_span(&epoch));
    if (err == ERR_OK)
        return store_write_commit(&conn);
    store_write_rollback(&conn);
    return err;
}

static enum err verify_audit(struct store *store, struct problem *problem)
{
    struct store_conn *conn = NULL;
    TRY(store_read_begin(store, &conn));
    enum err err = store_audit_verify(conn, problem);
    store_read_end(&conn);
    return err;
}

/* Schema and master key by opening it, then its pages and its audit chain; then it is another
 * store than the one that it was copied from. */
static enum err make_sound(const char *path, const char *master_key_path, struct problem *problem)
{
    const struct store_options options = {.path = path, .master_key_path = master_key_path};
    struct store *store = NULL;
    TRY(store_open(&options, &store, problem));
    enum err err = store_check(store, problem);
    if (err == ERR_OK)
        err = verify_audit(store, problem);
    if (err == ERR_OK)
        err = rotate_epoch(store);
    store_close(&store);
    return err;
}

static enum err copy_from(const char *from, const char *to, store_progress_fn *progress,
                          struct problem *problem)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(from, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_EXRESCODE, NULL);
    enum err err = code == SQLITE_OK ? write_copy(db, to, progress) : ERR_IO;
    (void)sqlite3_close(db);
    if (err == ERR_OK)
        return ERR_OK;
    return problem_set(problem, err, "from", "%.150s cannot be read as a store", from);
}

/* Whatever its WAL holds goes into the file, as far as the file can be read. */
static void fold_wal(const char *path)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_close(db);
}

/* A WAL that could not be folded stays beside the file that it belongs to, and only there. */
static bool move_wal(const char *path, const char *before)
{
    static const char *const suffixes[] = {"-wal", "-shm"};
    char from[PATH_BYTES_MAX], to[PATH_BYTES_MAX];
    for (size_t i = 0; i < countof(suffixes); i++) {
        if (!path_with(from, path, suffixes[i]) || !path_with(to, before, suffixes[i]) ||
            (rename(from, to) != 0 && errno != ENOENT))
            return false;
    }
    return true;
}

/* There is a store at every moment: `serve` would make an empty one, and edges would follow it. */
static bool swap_in(const char *made, const char *path)
{
    char suffix[SUFFIX_BYTES_MAX], before[PATH_BYTES_MAX];
    text_format(suffix, sizeof(suffix), ".before-%llu",
                (unsigned long long)(clock_wall_us() / 1000000));
    if (access(path, F_OK) == 0) {
        fold_wal(path);
        if (!path_with(before, path, suffix) || !move_wal(path, before) || link(path, before) != 0)
            return false;
    }
    return rename(made, path) == 0 && sync_directory(path) == ERR_OK;
}

static enum err restore_locked(const struct store_restore *what, const char *key,
                               struct problem *problem)
{
    char made[PATH_BYTES_MAX];
    if (!path_with(made, what->path, ".restoring"))
        return problem_set(problem, ERR_IO, "store", "the path is too long");
    remove_all(made);
    enum err err = copy_from(what->from, made, what->progress, problem);
    if (err == ERR_OK)
        err = make_sound(made, key, problem);
    if (err == ERR_OK && !swap_in(made, what->path))
        err = problem_set(problem, ERR_IO, "store", "%.120s: %s", what->path, strerror(errno));
    remove_all(made);
    return err;
}

enum err store_restore(const struct store_restore *what, struct problem *problem)
{
    char lock[PATH_BYTES_MAX], key[PATH_BYTES_MAX];
    if (!path_with(lock, what->path, ".lock") || !path_with(key, what->path, ".key"))
        return problem_set(problem, ERR_IO, "store", "the path is too long");
    if (access(what->path, F_OK) == 0 && !what->replace)
        return problem_set(problem, ERR_EXISTS, "store",
                           "%.120s is there; with --replace it is kept under another name",
                           what->path);
    int lock_fd = -1;
    TRY(store_lock_take(what->path, &lock_fd, problem));
    enum err err =
        restore_locked(what, what->master_key_path ? what->master_key_path : key, problem);
    close(lock_fd);
    return err;
}
