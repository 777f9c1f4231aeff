/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_peek.c - MSG_PEEK, and SO_RCVLOWAT so that bytes which are left lying do not wake us.
 */
#include "dataplane/net/proxy_peek.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/base/mem.h"

struct proxy_peek {
    uv_poll_t poll;
    int fd;
    size_t seen_bytes;
    proxy_peeked_fn *peeked;
    void *owner;
};

static void free_peek(uv_handle_t *handle)
{
    free(handle->data);
}

void proxy_peek_close(struct proxy_peek **slot)
{
    struct proxy_peek *peek = *slot;
    *slot = NULL;
    uv_poll_stop(&peek->poll);
    uv_close((uv_handle_t *)&peek->poll, free_peek);
}

static void set_least(const struct proxy_peek *peek, size_t bytes)
{
    int least = (int)bytes;
    (void)setsockopt(peek->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
}

static enum err receive(int fd, uint8_t *out, size_t out_bytes, int flags, size_t *count)
{
    struct iovec run = {.iov_base = out, .iov_len = out_bytes};
    struct msghdr message = {.msg_iov = &run, .msg_iovlen = 1};
    ssize_t got = recvmsg(fd, &message, flags);
    *count = got > 0 ? (size_t)got : 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return ERR_MORE;
    return got > 0 ? ERR_OK : ERR_CLOSED;
}

static enum err look(struct proxy_peek *peek, struct proxy_header *header)
{
    uint8_t bytes[LIMIT_PROXY_HEADER_BYTES];
    size_t count;
    TRY(receive(peek->fd, bytes, sizeof(bytes), MSG_PEEK, &count));
    enum err err = proxy_protocol_parse(span_of(bytes, count), header);
    if (err == ERR_OK)
        return receive(peek->fd, bytes, header->len, 0, &count);
    if (err != ERR_MORE)
        return err;
    /* Woken for no more bytes than there were: it has sent its last one. */
    if (count == peek->seen_bytes)
        return ERR_CLOSED;
    peek->seen_bytes = count;
    set_least(peek, count + 1);
    return ERR_MORE;
}

static void peek_on_readable(uv_poll_t *poll, int status, int events)
{
    struct proxy_peek *peek = poll->data;
    struct proxy_header header = {0};
    (void)events;
    enum err err = status == 0 ? look(peek, &header) : ERR_CLOSED;
    if (err == ERR_MORE)
        return;
    proxy_peeked_fn *peeked = peek->peeked;
    void *owner = peek->owner;
    set_least(peek, 1);
    proxy_peek_close(&peek);
    peeked(owner, err, &header);
}

struct proxy_peek *proxy_peek_open(struct loop *loop, int fd, proxy_peeked_fn *peeked, void *owner)
{
    struct proxy_peek *peek = mem_new(struct proxy_peek);
    peek->fd = fd;
    peek->peeked = peeked;
    peek->owner = owner;
    ASSERT(uv_poll_init(&loop->uv, &peek->poll, fd) == 0);
    peek->poll.data = peek;
    ASSERT(uv_poll_start(&peek->poll, UV_READABLE, peek_on_readable) == 0);
    return peek;
}
