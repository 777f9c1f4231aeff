/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.c - bound sockets and accepting from them.
 */
#include "dataplane/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/address_policy.h"
#include "common/model/limits.h"
#include "dataplane/net/deadline.h"

#define BACKLOG 4096
#define PAUSE_MS 100
#define ADDRESS_BYTES_MAX 64

struct listener {
    struct loop *loop;
    uv_poll_t poll;
    int fd;
    const struct listener_events *events;
    void *owner;
    struct deadline pause;
    bool starved; /* said so in the log already */
};

/* ---- binding */

/* "[::1]:8443" and "127.0.0.1:8443" into host and port. */
static bool split_address(struct span text, struct span *host, struct span *port)
{
    bool bracketed = text.len > 0 && text.ptr[0] == '[';
    size_t end = span_find(text, bracketed ? ']' : ':');
    if (end == text.len)
        return false;
    *host = bracketed ? span_skip(span_first(text, end), 1) : span_first(text, end);
    *port = span_skip(text, bracketed ? end + 1 : end);
    if (port->len == 0 || port->ptr[0] != ':')
        return false;
    *port = span_skip(*port, 1);
    return true;
}

static bool parse_address(struct span text, struct sockaddr_storage *out, socklen_t *out_bytes)
{
    struct span host, port_text;
    struct address address;
    uint64_t port;
    if (!split_address(text, &host, &port_text) || address_parse(host, &address) != ERR_OK ||
        text_parse_u64(port_text, UINT16_MAX, &port) != ERR_OK)
        return false;
    bool v4 = text.ptr[0] != '[';
    if (v4 != address_is_v4(&address))
        return false;
    *out = (struct sockaddr_storage){0};
    if (v4) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        memcpy(&in->sin_addr, address.bytes + 12, 4);
        *out_bytes = sizeof(*in);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        memcpy(&in6->sin6_addr, address.bytes, 16);
        *out_bytes = sizeof(*in6);
    }
    return true;
}

enum listen_use { LISTEN_SHARED, LISTEN_PROBE };

static bool bind_and_listen(int fd, const struct sockaddr_storage *address, socklen_t bytes,
                            enum listen_use use)
{
    int on = 1;
    /* [::] means IPv6 alone, so that 0.0.0.0 beside it is no conflict. */
    if (address->ss_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
        return false;
    if (use == LISTEN_SHARED && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        return false;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           bind(fd, (const struct sockaddr *)(const void *)address, bytes) == 0 &&
           (use == LISTEN_PROBE || listen(fd, BACKLOG) == 0);
}

static const char *bind_reason(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "the address is in use";
    case EADDRNOTAVAIL:
        return "this host does not have the address";
    case EACCES:
    case EPERM:
        return "no permission (ports below 1024 need CAP_NET_BIND_SERVICE)";
    case EAFNOSUPPORT:
        return "this host does not speak this family of addresses";
    default:
        return uv_strerror(uv_translate_sys_error(error));
    }
}

static enum err bind_new(const char *address, enum listen_use use, int *out_fd,
                         struct problem *problem)
{
    struct sockaddr_storage parsed;
    socklen_t bytes;
    *out_fd = -1;
    if (!parse_address(span_str(address), &parsed, &bytes))
        return problem_set(problem, ERR_INVALID, address,
                           "not an address with a port, like 127.0.0.1:8443 or [::1]:8443");
    int fd = socket(parsed.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return problem_set(problem, ERR_IO, address, "%s", bind_reason(errno));
    if (!bind_and_listen(fd, &parsed, bytes, use)) {
        int error = errno;
        close(fd);
        return problem_set(problem, ERR_IO, address, "%s", bind_reason(error));
    }
    *out_fd = fd;
    return ERR_OK;
}

enum err listen_bind(const char *address, int *out_fd, struct problem *problem)
{
    return bind_new(address, LISTEN_SHARED, out_fd, problem);
}

enum err listen_probe(const char *address, struct problem *problem)
{
    int fd;
    TRY(bind_new(address, LISTEN_PROBE, &fd, problem));
    close(fd);
    return ERR_OK;
}

enum err listen_reach(const char *text, int *out_fd, struct problem *problem)
{
    struct sockaddr_storage address;
    socklen_t bytes;
    if (!parse_address(span_str(text), &address, &bytes))
        return problem_set(problem, ERR_INVALID, "address", "%.60s is not ADDRESS:PORT", text);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&address, bytes) == 0) {
        *out_fd = fd;
        return ERR_OK;
    }
    problem_set(problem, ERR_IO, "address", "%.60s: %s", text,
                uv_strerror(uv_translate_sys_error(errno)));
    if (fd >= 0)
        close(fd);
    return ERR_IO;
}

void listen_address(int fd, char *out, size_t out_bytes)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "?";
    if (getsockname(fd, (struct sockaddr *)(void *)&address, &bytes) != 0) {
        text_format(out, out_bytes, "?");
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        text_format(out, out_bytes, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        text_format(out, out_bytes, "%s:%u", host, ntohs(in->sin_port));
    }
}

uint16_t listen_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)(void *)&address, &bytes) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

bool listen_same(int a, int b)
{
    struct stat one, other;
    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_ino == other.st_ino &&
           one.st_dev == other.st_dev;
}

/* ---- accepting */

static void start_accepting(struct listener *listener);

static void end_pause(struct deadline *deadline)
{
    start_accepting(container_of(deadline, struct listener, pause));
}

/* Readiness is told by level: polling on without a descriptor to accept into would spin. */
static void pause_accepting(struct listener *listener)
{
    uv_poll_stop(&listener->poll);
    deadline_arm(listener->loop, &listener->pause, PAUSE_MS, end_pause);
}

static void starve(struct listener *listener, int error)
{
    counters_add(listener->loop->counters, COUNTER_LISTENER_STARVED, 1);
    if (!listener->starved)
        log_warn("listener_starved", F_STR("reason", uv_err_name(uv_translate_sys_error(error))));
    listener->starved = true;
    pause_accepting(listener);
    listener->events->on_starved(listener->owner);
}

static bool is_passing(int error)
{
    /* The connection at the front is gone (accept(2) tells its errors as ours); the next may not
     * be. */
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
           error == EHOSTDOWN || error == EHOSTUNREACH || error == ENETUNREACH || error == EPERM;
}

static void listener_on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    (void)events;
    for (int i = 0; i < LIMIT_ACCEPT_BUDGET; i++) {
        if (uv_is_closing((uv_handle_t *)poll))
            return;
        struct sockaddr_storage peer = {0};
        socklen_t bytes = sizeof(peer);
        int fd = accept4(listener->fd, (struct sockaddr *)(void *)&peer, &bytes,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->starved = false;
            if (!listener->events->on_accept(listener->owner, fd, &peer)) {
                pause_accepting(listener);
                return;
            }
        } else if (status == 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        } else if (!is_passing(errno)) {
            starve(listener, errno);
            return;
        }
    }
}

static void start_accepting(struct listener *listener)
{
    ASSERT(uv_poll_start(&listener->poll, UV_READABLE, listener_on_readable) == 0);
}

struct listener *listener_open(struct loop *loop, int fd, const struct listener_events *events,
                               void *owner)
{
    struct listener *listener = mem_new(struct listener);
    listener->loop = loop;
    listener->fd = fd;
    listener->events = events;
    listener->owner = owner;
    ASSERT(uv_poll_init(&loop->uv, &listener->poll, fd) == 0);
    listener->poll.data = listener;
    start_accepting(listener);
    return listener;
}

static void free_listener(uv_handle_t *handle)
{
    free(handle->data);
}

void listener_close(struct listener **slot)
{
    struct listener *listener = *slot;
    *slot = NULL;
    if (!listener)
        return;
    deadline_disarm(listener->loop, &listener->pause);
    uv_close((uv_handle_t *)&listener->poll, free_listener);
    close(listener->fd);
}
