/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_lock.c - one control for one store: a lock on "<path>.lock".
 *
 * The store's own file is never locked or opened here once SQLite has it: closing any descriptor
 * of it would drop SQLite's locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"
#include "control/store/store_int.h"

#define PATH_BYTES_MAX 4096

static enum err path_problem(struct problem *problem, const char *path)
{
    return problem_set(problem, ERR_IO, "store", "%.120s: %s", path, strerror(errno));
}

/* Readable by its owner alone; SQLite gives -wal and -shm the same rights. */
static enum err make_file(const char *path, struct problem *problem)
{
    struct stat found;
    if (stat(path, &found) == 0) {
        if (S_ISREG(found.st_mode))
            return ERR_OK;
        return problem_set(problem, ERR_IO, "store", "%.120s is not a file", path);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return ERR_OK;
    if (fd < 0)
        return path_problem(problem, path);
    (void)close(fd);
    return ERR_OK;
}

enum err store_lock_take(const char *store_path, int *out_fd, struct problem *problem)
{
    char path[PATH_BYTES_MAX];
    *out_fd = -1;
    if (strlen(store_path) > PATH_BYTES_MAX - sizeof(".lock"))
        return problem_set(problem, ERR_IO, "store", "the path is too long");
    text_format(path, sizeof(path), "%s.lock", store_path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return path_problem(problem, path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return problem_set(problem, ERR_BUSY, "store",
                           "%.120s is in use by another trunkline-control", store_path);
    }
    *out_fd = fd;
    return ERR_OK;
}

enum err store_lock(struct store *store, bool exclusive, struct problem *problem)
{
    store->lock_fd = -1;
    if (exclusive)
        TRY(store_lock_take(store->path, &store->lock_fd, problem));
    return make_file(store->path, problem);
}

void store_unlock(struct store *store)
{
    if (store->lock_fd >= 0)
        (void)close(store->lock_fd);
    store->lock_fd = -1;
}
