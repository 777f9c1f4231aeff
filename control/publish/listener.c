/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.c - the Unix socket's file: where it may stand and who may knock.
 */
#include "control/publish/listener.h"

#include <errno.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/span.h"

#define USER_ENTRY_BYTES 16384

static enum err check_directory(const char *path, struct problem *problem)
{
    char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct span rest = span_str(path);
    size_t len = rest.len;
    while (len > 0 && rest.ptr[len - 1] != '/')
        len--;
    if (!span_to_cstr(len ? span_first(rest, len) : SPAN("."), directory, sizeof(directory)))
        return problem_set(problem, ERR_INVALID, "socket", "is not a path");
    struct stat found;
    if (stat(directory, &found) != 0)
        return problem_set(problem, ERR_IO, "socket", "the directory %s: %s", directory,
                           strerror(errno));
    /* In a sticky directory others cannot take our socket away. */
    if ((found.st_mode & S_IWOTH) && !(found.st_mode & S_ISVTX))
        return problem_set(problem, ERR_INVALID, "socket",
                           "everyone can write to the directory %s: chmod o-w it", directory);
    return ERR_OK;
}

/* Nobody answers on a socket that a killed control left behind. */
static enum err remove_stale(const struct sockaddr_un *address, struct problem *problem)
{
    struct stat found;
    if (lstat(address->sun_path, &found) != 0)
        return errno == ENOENT ? ERR_OK
                               : problem_set(problem, ERR_IO, "socket", "%s: %s", address->sun_path,
                                             strerror(errno));
    if (!S_ISSOCK(found.st_mode))
        return problem_set(problem, ERR_INVALID, "socket", "%s is there and is not a socket",
                           address->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return problem_set(problem, ERR_IO, "socket", "%s", strerror(errno));
    int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    int reason = errno;
    close(fd);
    if (result == 0)
        return problem_set(problem, ERR_BUSY, "socket", "another control answers on %s",
                           address->sun_path);
    if (reason != ECONNREFUSED || unlink(address->sun_path) != 0)
        return problem_set(problem, ERR_IO, "socket", "%s cannot be replaced: %s",
                           address->sun_path, strerror(reason));
    log_info("stale_socket_removed", F_STR("socket", address->sun_path));
    return ERR_OK;
}

enum err listener_prepare(const char *path, struct problem *problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path[0] == '\0')
        return problem_set(problem, ERR_INVALID, "socket", "is an empty path");
    if (!span_to_cstr(span_str(path), address.sun_path, sizeof(address.sun_path)))
        return problem_set(problem, ERR_INVALID, "socket",
                           "the path has %zu bytes; a Unix socket's has at most %zu", strlen(path),
                           sizeof(address.sun_path) - 1);
    TRY(check_directory(path, problem));
    return remove_stale(&address, problem);
}

enum err listener_users_load(const char *const *names, size_t count, struct listener_users *out,
                             struct problem *problem)
{
    *out = (struct listener_users){.uids = {geteuid(), 0}, .count = 2};
    if (count > LISTENER_USERS_MAX - out->count)
        return problem_set(problem, ERR_LIMIT, "edge_user", "at most %zu users",
                           (size_t)LISTENER_USERS_MAX - out->count);
    for (size_t i = 0; i < count; i++) {
        struct passwd entry, *found = NULL;
        char text[USER_ENTRY_BYTES];
        if (getpwnam_r(names[i], &entry, text, sizeof(text), &found) != 0 || !found)
            return problem_set(problem, ERR_INVALID, "edge_user", "there is no user \"%.64s\"",
                               names[i]);
        out->uids[out->count++] = found->pw_uid;
    }
    return ERR_OK;
}

enum err listener_check_peer(const struct listener_users *users, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return ERR_FORBIDDEN;
    for (size_t i = 0; i < users->count; i++)
        if (users->uids[i] == peer.uid)
            return ERR_OK;
    log_warn("edge_not_allowed", F_U64("uid", peer.uid), F_I64("pid", peer.pid));
    return ERR_FORBIDDEN;
}
