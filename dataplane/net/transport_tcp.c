/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_tcp.c - a transport over one TCP connection.
 *
 *   read side   stopped <-> reading -> ended                                   [read_bytes]
 *   write side  free -> (kernel full) -> writing -> free                  [push_pending, wrote]
 *   life        open -> dead: on_closed told                                          [die]
 *               open -> closing: flush, FIN, discard until the peer's FIN     [advance_close]
 *               any  -> disposed: uv_close, freed by its callback                 [dispose]
 */
#include "dataplane/net/transport_tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "common/base/mem.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/tcp_int.h"
#include "dataplane/net/tcp_watch.h"
#include "dataplane/net/transport_int.h"

#define TRANSPORT_TCP_TAG 0x54435031u
/* One gathered write takes everything that may be pending. */
#define RUNS_MAX (LIMIT_TRANSPORT_OUT_BYTES / CHUNK_BYTES + 1)
/* uv keeps this many buffers inside the request; more would cost it a malloc. */
#define QUEUED_RUNS_MAX 4
#define KEEP_ALIVE_IDLE_S 30
#define KEEP_ALIVE_INTERVAL_S 15
#define KEEP_ALIVE_PROBES 4

struct transport_tcp {
    struct transport base;
    uint32_t tag;
    uv_tcp_t uv;
    uv_write_t writing;
    size_t writing_bytes; /* of pending, handed to uv; 0: no request is out */
    struct bytequeue pending;
    struct loop_flush flush;
    struct wake wake; /* tells the owner what went wrong inside a verb or a flush */
    struct deadline close_deadline;
    struct tcp_watch watch;
    bool reading;      /* what the owner wants */
    bool polled;       /* what uv does: it stops late, at the first bytes that nobody wants */
    bool ended;        /* the peer's FIN */
    bool write_failed; /* the connection is broken; what arrived before may still be read */
    bool crowded;      /* the owner waits for on_room */
    bool dead;
    bool late;   /* the peer took too little: what waits is thrown away */
    bool ending; /* the owner writes no more */
    bool closing;
    bool fin_sent;
};

static struct transport_tcp *tcp_of(struct transport *t)
{
    struct transport_tcp *tcp = container_of(t, struct transport_tcp, base);
    TAG_CHECK(tcp, TRANSPORT_TCP_TAG);
    return tcp;
}

static void ignore_bytes(void *owner, struct span bytes)
{
    (void)owner, (void)bytes;
}

static void ignore_event(void *owner)
{
    (void)owner;
}

static void ignore_closed(void *owner, enum err err)
{
    (void)owner, (void)err;
}

const struct transport_events *transport_no_events(void)
{
    static const struct transport_events no_events = {ignore_bytes, ignore_event, ignore_event,
                                                      ignore_closed};
    return &no_events;
}

/* ---- life */

static void free_transport(uv_handle_t *handle)
{
    struct transport_tcp *t = handle->data;
    TAG_CHECK(t, TRANSPORT_TCP_TAG);
    bytequeue_release(&t->pending);
    t->tag = 0;
    free(t);
}

static void dispose(struct transport_tcp *t, bool reset)
{
    struct loop *loop = t->base.loop;
    if (uv_is_closing((uv_handle_t *)&t->uv))
        return;
    t->closing = true;
    t->base.events = transport_no_events();
    wake_cancel(&loop->wakeq, &t->wake);
    loop_flush_cancel(loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
    deadline_disarm(loop, &t->close_deadline);
    deadline_disarm(loop, &t->watch.deadline);
    if (!reset || uv_tcp_close_reset(&t->uv, free_transport) != 0)
        uv_close((uv_handle_t *)&t->uv, free_transport);
}

static void stop_polling(struct transport_tcp *t)
{
    t->polled = false;
    uv_read_stop((uv_stream_t *)&t->uv);
}

/* The last event.  From the loop only. */
static void die(struct transport_tcp *t, enum err err)
{
    const struct transport_events *events = t->base.events;
    if (t->closing) {
        dispose(t, t->late);
        return;
    }
    t->dead = true;
    t->base.events = transport_no_events();
    loop_flush_cancel(t->base.loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
    stop_polling(t);
    events->on_closed(t->base.owner, err);
}

static void tell_failure(struct wake *wake)
{
    die(container_of(wake, struct transport_tcp, wake), ERR_IO);
}

/* The kernel refuses to write.  What the peer said before it went away may be waiting to be read
 * (an early answer to an upload, RFC 9112 9.6), so a reading owner learns of it behind the last
 * byte. */
static void fail_write(struct transport_tcp *t)
{
    t->write_failed = true;
    bytequeue_release(&t->pending);
    if (!t->reading || t->ended || t->closing)
        wake_post(&t->base.loop->wakeq, &t->wake);
}

static void look_at_peer(struct deadline *deadline)
{
    struct transport_tcp *t = container_of(deadline, struct transport_tcp, watch.deadline);
    uv_os_fd_t fd;
    if (t->dead || uv_fileno((uv_handle_t *)&t->uv, &fd) != 0 ||
        !tcp_watch_late(&t->watch, fd, bytequeue_level(&t->pending), look_at_peer))
        return;
    t->late = true;
    counters_add(t->base.loop->counters, COUNTER_CLIENT_READERS_LATE, 1);
    die(t, ERR_TIMEOUT);
}

/* ---- writing */

static void wrote(uv_write_t *request, int status);

static size_t gather(const struct transport_tcp *t, uv_buf_t *bufs, size_t bufs_max, size_t *bytes)
{
    struct span runs[RUNS_MAX];
    size_t count = bytequeue_gather(&t->pending, runs, bufs_max);
    *bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bufs[i].base = (char *)(uintptr_t)runs[i].ptr; /* uv_buf_t knows no const */
        bufs[i].len = runs[i].len;
        *bytes += runs[i].len;
    }
    return count;
}

/* The kernel is full: uv waits for writability, with a part, so that room is told in steps. */
static void queue_pending(struct transport_tcp *t)
{
    uv_buf_t bufs[QUEUED_RUNS_MAX];
    size_t count = gather(t, bufs, QUEUED_RUNS_MAX, &t->writing_bytes);
    int status = uv_write(&t->writing, (uv_stream_t *)&t->uv, bufs, (unsigned)count, wrote);
    if (status != 0) {
        t->writing_bytes = 0;
        fail_write(t);
    }
}

/* What the kernel took; 0 when it is full, false when the connection is broken. */
static bool try_write(struct transport_tcp *t, const uv_buf_t *bufs, size_t count, size_t *taken)
{
    int status = uv_try_write((uv_stream_t *)&t->uv, bufs, (unsigned)count);
    *taken = status > 0 ? (size_t)status : 0;
    if (status >= 0 || status == UV_EAGAIN)
        return true;
    fail_write(t);
    return false;
}

static void push_pending(struct transport_tcp *t)
{
    uv_buf_t bufs[RUNS_MAX];
    size_t bytes, taken;
    if (t->writing_bytes > 0 || bytequeue_level(&t->pending) == 0)
        return;
    size_t count = gather(t, bufs, RUNS_MAX, &bytes);
    if (!try_write(t, bufs, count, &taken))
        return;
    bytequeue_consume(&t->pending, taken);
    if (taken < bytes)
        queue_pending(t);
}

static void tell_room(struct transport_tcp *t)
{
    if (!t->crowded || t->write_failed ||
        bytequeue_level(&t->pending) > LIMIT_TRANSPORT_OUT_BYTES / 2)
        return;
    t->crowded = false;
    t->base.events->on_room(t->base.owner);
}

/* Half closed, what the peer still sends is read and thrown away: a socket closed over unread bytes
 * sends a reset, which would destroy what we wrote on its way (RFC 9112 9.6). */
static void advance_close(struct transport_tcp *t)
{
    if (!(t->closing || t->ending) || bytequeue_level(&t->pending) > 0 || t->write_failed)
        return;
    uv_os_fd_t fd;
    if (t->closing && t->ended) {
        dispose(t, false);
        return;
    }
    if (t->fin_sent)
        return;
    t->fin_sent = true;
    bool failed = uv_fileno((uv_handle_t *)&t->uv, &fd) != 0 || shutdown(fd, SHUT_WR) != 0;
    if (failed && t->closing)
        dispose(t, false);
}

static void flush(void *owner)
{
    struct transport_tcp *t = owner;
    push_pending(t);
    tell_room(t);
    advance_close(t);
}

static void wrote(uv_write_t *request, int status)
{
    struct transport_tcp *t = container_of(request, struct transport_tcp, writing);
    size_t bytes = t->writing_bytes;
    t->writing_bytes = 0;
    if (uv_is_closing((uv_handle_t *)&t->uv))
        return;
    if (status != 0) {
        fail_write(t);
        return;
    }
    bytequeue_consume(&t->pending, bytes);
    flush(t);
}

static size_t tcp_write_room(struct transport *base)
{
    struct transport_tcp *t = tcp_of(base);
    size_t room = bytequeue_room(&t->pending);
    if (room < LIMIT_TRANSPORT_OUT_BYTES / 2)
        t->crowded = true;
    return room;
}

static void tcp_write(struct transport *base, struct span bytes)
{
    struct transport_tcp *t = tcp_of(base);
    ASSERT(bytes.len <= bytequeue_room(&t->pending));
    if (t->dead || t->write_failed || bytes.len == 0)
        return;
    bytequeue_put(&t->pending, bytes);
    tcp_watch_wrote(&t->watch, look_at_peer);
    loop_flush_post(base->loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
}

void transport_tcp_write_now(struct transport *base, struct span bytes)
{
    struct transport_tcp *t = tcp_of(base);
    size_t taken = 0;
    ASSERT(bytes.len <= bytequeue_room(&t->pending));
    if (t->dead || t->write_failed || bytes.len == 0)
        return;
    bool first = bytequeue_level(&t->pending) == 0;
    tcp_watch_wrote(&t->watch, look_at_peer);
    if (first) {
        uv_buf_t buf = {.base = (char *)(uintptr_t)bytes.ptr, .len = bytes.len};
        if (!try_write(t, &buf, 1, &taken) || taken == bytes.len)
            return;
    }
    t->crowded = true;
    bytequeue_put(&t->pending, span_skip(bytes, taken));
    if (first)
        queue_pending(t);
}

size_t transport_tcp_pending(const struct transport *base)
{
    const struct transport_tcp *t = (const struct transport_tcp *)(const void *)base;
    TAG_CHECK(t, TRANSPORT_TCP_TAG);
    return bytequeue_level(&t->pending);
}

/* ---- reading */

/* No buffer makes uv call back without reading: that is where a stopped reading really stops, so
 * that a stop and a start in one turn cost no system call. */
static void lend_read_buffer(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buf)
{
    struct transport_tcp *t = handle->data;
    (void)suggested_bytes;
    *buf = (uv_buf_t){0};
    if (t->reading || t->closing)
        *buf = uv_buf_init((char *)t->base.loop->read_buffer, LOOP_READ_BYTES);
}

static void take_end(struct transport_tcp *t)
{
    t->ended = true;
    stop_polling(t);
    if (t->write_failed)
        die(t, ERR_IO);
    else if (!t->closing)
        t->base.events->on_ended(t->base.owner);
    else if (t->fin_sent)
        dispose(t, false);
}

static void read_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct transport_tcp *t = stream->data;
    TAG_CHECK(t, TRANSPORT_TCP_TAG);
    if (count > 0)
        t->base.events->on_bytes(t->base.owner, span_of(buf->base, (size_t)count));
    else if (count == UV_EOF)
        take_end(t);
    else if (count == UV_ENOBUFS && !t->reading)
        stop_polling(t);
    else if (count < 0)
        die(t, ERR_IO);
}

static void start_polling(struct transport_tcp *t)
{
    if (t->polled || t->ended || t->dead)
        return;
    t->polled = true;
    if (uv_read_start((uv_stream_t *)&t->uv, lend_read_buffer, read_bytes) != 0)
        wake_post(&t->base.loop->wakeq, &t->wake);
}

static void tcp_read_start(struct transport *base)
{
    struct transport_tcp *t = tcp_of(base);
    t->reading = true;
    start_polling(t);
}

static void tcp_read_stop(struct transport *base)
{
    struct transport_tcp *t = tcp_of(base);
    t->reading = false;
    if (t->write_failed && !t->dead)
        wake_post(&base->loop->wakeq, &t->wake);
}

/* ---- opening and closing */

static void give_up_close(struct deadline *deadline)
{
    struct transport_tcp *t = container_of(deadline, struct transport_tcp, close_deadline);
    dispose(t, bytequeue_level(&t->pending) > 0);
}

static void tcp_end(struct transport *base)
{
    struct transport_tcp *t = tcp_of(base);
    t->ending = true;
    if (!t->dead && !t->write_failed)
        loop_flush_post(base->loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
}

static void tcp_close(struct transport *base)
{
    struct transport_tcp *t = tcp_of(base);
    ASSERT(!t->closing);
    t->base.events = transport_no_events();
    t->closing = true;
    if (t->dead || t->write_failed) {
        dispose(t, t->late);
        return;
    }
    deadline_arm(base->loop, &t->close_deadline, TRANSPORT_CLOSE_MS, give_up_close);
    loop_flush_post(base->loop, LOOP_FLUSH_TRANSPORTS, &t->flush);
    start_polling(t);
}

static void tcp_abort(struct transport *base)
{
    struct transport_tcp *t = tcp_of(base);
    ASSERT(!t->closing);
    dispose(t, !t->dead || t->late);
}

static const struct transport_ops tcp_ops = {
    .name = "tcp",
    .write = tcp_write,
    .write_room = tcp_write_room,
    .read_stop = tcp_read_stop,
    .read_start = tcp_read_start,
    .end = tcp_end,
    .close = tcp_close,
    .abort = tcp_abort,
};

static void set_option(int fd, int level, int option, int value)
{
    /* A peer that has gone already makes some of these fail; reading will tell. */
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

struct transport *transport_tcp_from_fd(struct loop *loop, int fd, uv_tcp_t **uv)
{
    struct transport_tcp *t = mem_new(struct transport_tcp);
    TAG_SET(t, TRANSPORT_TCP_TAG);
    t->base = (struct transport){.ops = &tcp_ops, .loop = loop, .events = transport_no_events()};
    bytequeue_init(&t->pending, &loop->chunks, LIMIT_TRANSPORT_OUT_BYTES);
    t->flush = (struct loop_flush){.run = flush, .owner = t};
    wake_init(&t->wake, tell_failure);

    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_ALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_ALIVE_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_ALIVE_PROBES);
    ASSERT(uv_tcp_init(&loop->uv, &t->uv) == 0);
    t->uv.data = t;
    ASSERT(uv_tcp_open(&t->uv, fd) == 0);
    *uv = &t->uv;
    return &t->base;
}

struct transport *transport_tcp_accept(struct loop *loop, int fd,
                                       const struct transport_events *events, void *owner)
{
    uv_tcp_t *uv;
    struct transport *t = transport_tcp_from_fd(loop, fd, &uv);
    transport_set_owner(t, events, owner);
    return t;
}

void transport_tcp_watch(struct transport *base, const struct pace_terms *terms)
{
    struct transport_tcp *t = tcp_of(base);
    t->watch.terms = *terms;
    t->watch.loop = base->loop;
}
