/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adoption.c - descriptors over a Unix socket.
 */
#include "dataplane/supervisor/adoption.h"

#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/wire/message.h"
#include "dataplane/supervisor/state_dir.h"

#define ADOPT_BYTES_MAX 128
#define FDS_PER_ORPHAN 3
#define GREETING_US 200000

enum err adoption_listen(const char *dir, int *fd_out, struct problem *problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[STATE_PATH_BYTES];
    state_path(dir, STATE_SOCKET, path);
    text_format(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        listen(fd, LIMIT_WORKERS) == 0) {
        *fd_out = fd;
        return ERR_OK;
    }
    problem_set(problem, ERR_IO, "state", "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ERR_IO;
}

static bool is_ours(int fd, uid_t worker_uid, pid_t *pid_out)
{
    struct ucred peer;
    socklen_t bytes = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 ||
        (peer.uid != geteuid() && peer.uid != worker_uid))
        return false;
    *pid_out = peer.pid;
    return true;
}

static size_t take_fds(struct msghdr *header, int fds[FDS_PER_ORPHAN])
{
    size_t count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            if (count < FDS_PER_ORPHAN)
                fds[count++] = fd;
            else
                close(fd);
        }
    }
    return count;
}

static enum err read_adopt(struct span bytes, struct adopted *out)
{
    struct frame_reader frames;
    struct frame frame;
    struct message message;
    struct problem problem;
    frame_reader_init(&frames);
    frame_reader_feed(&frames, bytes);
    enum err err = frame_reader_next(&frames, &frame);
    if (err == ERR_OK)
        err = message_decode(&frame, &message, &problem);
    if (err == ERR_OK && message.kind != MESSAGE_ADOPT)
        err = ERR_PROTOCOL;
    if (err == ERR_OK) {
        out->slot = message.adopt.slot;
        out->identity = message.adopt.identity;
    }
    frame_reader_release(&frames);
    return err;
}

/* The orphan sends its one message right after it has connected. */
static enum err receive(int fd, struct adopted *out)
{
    struct timeval patience = {.tv_usec = GREETING_US};
    char bytes[ADOPT_BYTES_MAX];
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FDS_PER_ORPHAN)];
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    int fds[FDS_PER_ORPHAN] = {-1, -1, -1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ssize_t len = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    size_t fd_count = len > 0 ? take_fds(&header, fds) : 0;
    enum err err = len > 0 ? read_adopt(span_of(bytes, (size_t)len), out) : ERR_IO;
    if (err == ERR_OK && fd_count == FDS_PER_ORPHAN) {
        out->https_fd = fds[0];
        out->http_fd = fds[1];
        out->counters_fd = fds[2];
        return ERR_OK;
    }
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    return err == ERR_OK ? ERR_PROTOCOL : err;
}

enum err adoption_accept(const struct adoption_door *door, struct adopted *out)
{
    int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EAGAIN ? ERR_MORE : ERR_IO;
    enum err err = is_ours(fd, door->worker_uid, &out->pid) ? receive(fd, out) : ERR_FORBIDDEN;
    if (err != ERR_OK) {
        log_warn("adoption_refused", F_ERR(err));
        close(fd);
        return err;
    }
    out->channel_fd = fd;
    log_info("worker_adopted", F_U64("slot", out->slot), F_I64("pid", out->pid));
    return ERR_OK;
}

static bool came(const struct adopted *adopted, size_t count, unsigned slot)
{
    for (size_t i = 0; i < count; i++) {
        if (adopted[i].slot == slot)
            return true;
    }
    return false;
}

bool adoption_missing(const char *dir, const struct adopted *adopted, size_t count)
{
    char path[STATE_PATH_BYTES];
    for (unsigned slot = 0; slot < LIMIT_WORKERS; slot++) {
        state_slot_path(dir, slot, path);
        if (!came(adopted, count, slot) && state_slot_held(path))
            return true;
    }
    return false;
}

size_t adoption_collect(const char *dir, const struct adoption_door *door, struct adopted *out,
                        size_t out_max)
{
    size_t count = 0;
    uint64_t until_ms = clock_mono_ms() + LIMIT_ADOPT_MS;
    while (count < out_max && adoption_missing(dir, out, count)) {
        uint64_t now_ms = clock_mono_ms();
        struct pollfd waiting = {.fd = door->fd, .events = POLLIN};
        if (now_ms >= until_ms) {
            log_warn("orphans_missing", F_U64("adopted", count));
            break;
        }
        if (poll(&waiting, 1, (int)(until_ms - now_ms)) <= 0)
            continue;
        if (adoption_accept(door, &out[count]) == ERR_OK)
            count++;
    }
    return count;
}
