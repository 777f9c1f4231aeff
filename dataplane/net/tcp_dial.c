/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_dial.c - one connection attempt to one address.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "dataplane/net/tcp_int.h"
#include "dataplane/net/transport_tcp.h"

struct tcp_dial {
    struct loop *loop;
    struct transport *transport; /* NULL: there was no socket */
    tcp_dialled_fn *dialled;
    void *owner;
    uv_connect_t request;
    struct wake wake; /* tells what failed at once */
    enum err err;
    bool cancelled;
};

static enum err err_of_connect(int status)
{
    switch (status) {
    case UV_ECONNREFUSED:
    case UV_ECONNRESET:
        return ERR_ORIGIN_REFUSED;
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH:
    case UV_ENETDOWN:
    case UV_EADDRNOTAVAIL:
    case UV_EAFNOSUPPORT:
    case UV_EACCES: /* a broadcast address, or a firewall of this host */
    case UV_EPERM:
    case UV_EINVAL: /* an address that no packet can be sent to */
        return ERR_ORIGIN_UNREACHABLE;
    case UV_ETIMEDOUT:
        return ERR_ORIGIN_CONNECT_TIMEOUT;
    case UV_EMFILE: /* ours, not the origin's */
    case UV_ENFILE:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

static void finish(struct tcp_dial *dial, enum err err)
{
    struct transport *transport = dial->transport;
    tcp_dialled_fn *dialled = dial->dialled;
    void *owner = dial->owner;
    free(dial);
    if (err != ERR_OK && transport)
        transport_abort(&transport);
    dialled(owner, err, transport);
}

static void connected(uv_connect_t *request, int status)
{
    struct tcp_dial *dial = container_of(request, struct tcp_dial, request);
    if (dial->cancelled)
        free(dial);
    else
        finish(dial, status == 0 ? ERR_OK : err_of_connect(status));
}

static void tell_failure(struct wake *wake)
{
    struct tcp_dial *dial = container_of(wake, struct tcp_dial, wake);
    finish(dial, dial->err);
}

static void start(struct tcp_dial *dial, const struct sockaddr *address)
{
    uv_tcp_t *uv;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        dial->err = err_of_connect(uv_translate_sys_error(errno));
        wake_post(&dial->loop->wakeq, &dial->wake);
        return;
    }
    dial->transport = transport_tcp_from_fd(dial->loop, fd, &uv);
    int status = uv_tcp_connect(&dial->request, uv, address, connected);
    if (status != 0) {
        dial->err = err_of_connect(status);
        wake_post(&dial->loop->wakeq, &dial->wake);
    }
}

struct tcp_dial *tcp_dial(struct loop *loop, const struct sockaddr *address,
                          tcp_dialled_fn *dialled, void *owner)
{
    struct tcp_dial *dial = mem_new(struct tcp_dial);
    dial->loop = loop;
    dial->dialled = dialled;
    dial->owner = owner;
    wake_init(&dial->wake, tell_failure);
    start(dial, address);
    return dial;
}

void tcp_dial_cancel(struct tcp_dial **slot)
{
    struct tcp_dial *dial = *slot;
    *slot = NULL;
    if (!dial)
        return;
    bool answered = dial->err != ERR_OK; /* uv calls back no more */
    wake_cancel(&dial->loop->wakeq, &dial->wake);
    dial->cancelled = true;
    if (dial->transport)
        transport_abort(&dial->transport);
    if (answered)
        free(dial);
}
