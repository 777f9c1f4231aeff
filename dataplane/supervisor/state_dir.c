/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_dir.c - paths and locks.
 */
#include "dataplane/supervisor/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/base/log.h"

static const char *const names[] = {
    [STATE_LOCK] = "supervisor.lock",   [STATE_SOCKET] = "supervisor.sock",
    [STATE_EDGE_KEY] = "edge.key",      [STATE_REPLICA] = "replica.db",
    [STATE_PROTOCOLS] = "protocols.db",
};

void state_path(const char *dir, enum state_file file, char out[STATE_PATH_BYTES])
{
    text_format(out, STATE_PATH_BYTES, "%s/%s", dir, names[file]);
}

void state_slot_path(const char *dir, unsigned slot, char out[STATE_PATH_BYTES])
{
    text_format(out, STATE_PATH_BYTES, "%s/slot-%u.lock", dir, slot);
}

static bool give(const char *path, gid_t group, mode_t mode)
{
    return (group == STATE_NO_GROUP || chown(path, (uid_t)-1, group) == 0) &&
           chmod(path, mode) == 0;
}

static bool is_open_to(const struct stat *facts, gid_t group)
{
    mode_t others = facts->st_mode & 077;
    return group == STATE_NO_GROUP ? others == 0 : others == 010 && facts->st_gid == group;
}

static enum err check_dir(const char *dir, gid_t group, struct problem *problem)
{
    struct stat facts;
    mode_t mode = group == STATE_NO_GROUP ? 0700 : 0710;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return problem_set(problem, ERR_FORBIDDEN, "state", "%s cannot be made: %s", dir,
                           strerror(errno));
    if (stat(dir, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return problem_set(problem, ERR_FORBIDDEN, "state", "%s is not a directory", dir);
    if (!is_open_to(&facts, group) && (facts.st_uid != geteuid() || !give(dir, group, mode)))
        return problem_set(problem, ERR_FORBIDDEN, "state", "%s: others can look into it", dir);
    return ERR_OK;
}

enum err state_dir_open(const char *dir, gid_t group, int *lock_fd_out, struct problem *problem)
{
    char path[STATE_PATH_BYTES];
    if (strlen(dir) > STATE_DIR_BYTES_MAX)
        return problem_set(problem, ERR_TOO_LARGE, "state",
                           "the path has %zu bytes, at most %d: it holds a Unix socket",
                           strlen(dir), STATE_DIR_BYTES_MAX);
    TRY(check_dir(dir, group, problem));
    state_path(dir, STATE_LOCK, path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return problem_set(problem, ERR_FORBIDDEN, "state", "%s cannot be written: %s", path,
                           strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return problem_set(problem, ERR_BUSY, "state", "another trunkline-edge runs on %s", dir);
    }
    *lock_fd_out = fd;
    return ERR_OK;
}

enum err state_share(const char *dir, gid_t group, struct problem *problem)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char replica[STATE_PATH_BYTES], path[STATE_PATH_BYTES + 4];
    if (group == STATE_NO_GROUP)
        return ERR_OK;
    state_path(dir, STATE_REPLICA, replica);
    for (size_t i = 0; i < countof(suffixes); i++) {
        text_format(path, sizeof(path), "%s%s", replica, suffixes[i]);
        if (!give(path, group, 0640) && errno != ENOENT)
            return problem_set(problem, ERR_FORBIDDEN, "state", "%s cannot be shared: %s", path,
                               strerror(errno));
    }
    state_path(dir, STATE_SOCKET, path);
    if (!give(path, group, 0660) && errno != ENOENT)
        return problem_set(problem, ERR_FORBIDDEN, "state", "%s cannot be shared: %s", path,
                           strerror(errno));
    return ERR_OK;
}

enum err state_slot_hold(const char *path, int *fd_out)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) != 0) {
        log_error("slot_lock_failed", F_STR("path", path), F_STR("errno", strerror(errno)));
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    *fd_out = fd;
    return ERR_OK;
}

bool state_slot_held(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool held = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}
