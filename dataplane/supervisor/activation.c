/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activation.c - from descriptors with names to sockets for slots.
 */
#include "dataplane/supervisor/activation.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "common/base/service.h"
#include "common/base/span.h"
#include "dataplane/net/listen.h"

static bool is_listening(int fd)
{
    int type = 0, listening = 0;
    socklen_t bytes = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) == 0 && listening != 0;
}

static enum err take(struct activation *out, struct span name, int fd, struct problem *problem)
{
    struct activated *kind = span_equal(name, SPAN("https"))  ? &out->https
                             : span_equal(name, SPAN("http")) ? &out->http
                                                              : NULL;
    if (kind == NULL)
        return problem_set(problem, ERR_INVALID, "LISTEN_FDNAMES",
                           "%.*s is neither https nor http (FileDescriptorName=)",
                           SPAN_ARG(span_first(name, name.len < 60 ? name.len : 60)));
    if (kind->count == LIMIT_WORKERS)
        return problem_set(problem, ERR_LIMIT, "LISTEN_FDS", "at most %d sockets of a kind",
                           LIMIT_WORKERS);
    if (!is_listening(fd) || fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0)
        return problem_set(problem, ERR_INVALID, "LISTEN_FDS", "%.*s is no listening socket",
                           SPAN_ARG(name));
    kind->fds[kind->count++] = fd;
    return ERR_OK;
}

enum err activation_take(struct activation *out, struct problem *problem)
{
    char names[(sizeof("https:")) * 2 * LIMIT_WORKERS];
    *out = (struct activation){.https.count = 0};
    if (!span_to_cstr(span_str(service_fd_names()), names, sizeof(names)))
        return problem_set(problem, ERR_LIMIT, "LISTEN_FDNAMES", "at most %d sockets of a kind",
                           LIMIT_WORKERS);
    struct span rest = span_str(names);
    unsigned count = service_take_fds(2 * LIMIT_WORKERS);
    for (unsigned i = 0; i < count; i++)
        TRY(take(out, span_split(&rest, ':'), SERVICE_FIRST_FD + (int)i, problem));
    return ERR_OK;
}

bool activation_has(const struct activated *activated, int fd)
{
    for (unsigned i = 0; i < activated->count; i++) {
        if (listen_same(activated->fds[i], fd))
            return true;
    }
    return false;
}

int activation_copy(const struct activated *activated, const int *used, unsigned used_count)
{
    unsigned least = 0, least_uses = used_count + 1;
    for (unsigned i = 0; i < activated->count; i++) {
        unsigned uses = 0;
        for (unsigned k = 0; k < used_count; k++)
            uses += listen_same(activated->fds[i], used[k]) ? 1 : 0;
        if (uses < least_uses) {
            least = i;
            least_uses = uses;
        }
    }
    return fcntl(activated->fds[least], F_DUPFD_CLOEXEC, SERVICE_FIRST_FD);
}
