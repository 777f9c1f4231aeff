/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publisher.c - brings each revision to each edge: the thread, its loop and its links.
 *
 *      publisher_on_revision -> newest, uv_async -> [on_wake] -> each link: advance, flush
 *      accept -> [on_connection] -> link;  bytes -> [on_bytes] -> take, advance, flush
 *      written -> [on_written] -> advance, flush;  each tick -> heartbeats, silent links, late
 * waits
 */
#include "control/publish/publisher.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <uv.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "control/publish/edge_link.h"
#include "control/publish/listener.h"

#define PUBLISHER_TAG 0x5055424cu
#define LINK_TAG 0x4c494e4bu
#define TICK_MS 100
#define READ_BYTES 65536
#define BACKLOG 64

struct publisher {
    uint32_t tag;
    struct store *store;
    struct propagation *propagation;
    struct listener_users users;
    uv_loop_t loop;
    uv_pipe_t socket;
    uv_async_t wake;
    uv_timer_t tick;
    uv_thread_t thread;
    struct list links;
    _Atomic uint64_t newest;
    _Atomic bool stopping;
    uint64_t beat_at_ms;
    char read_bytes[READ_BYTES]; /* one read at a time, taken at once */
};

struct link {
    uint32_t tag;
    struct list_node node;
    struct publisher *publisher;
    uv_pipe_t pipe;
    uv_write_t write;
    struct buf writing; /* lent to the library until on_written */
    bool writes;
    bool closed;
    uint64_t heard_at_ms, write_at_ms;
    struct edge_link talk;
};

/* ---- links */

static void on_link_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    TAG_CHECK(link, LINK_TAG);
    if (link->writing.ptr)
        mem_wipe(link->writing.ptr, link->writing.len);
    buf_release(&link->writing);
    free(link);
}

static void close_link(struct link *link, const char *why)
{
    if (link->closed)
        return;
    link->closed = true;
    log_info("edge_link_closed", F_STR("edge", link->talk.edge.edge_id), F_STR("why", why));
    list_remove(&link->publisher->links, &link->node);
    edge_link_close(&link->talk);
    uv_close((uv_handle_t *)&link->pipe, on_link_closed);
}

static void pump_link(struct link *link);

static void on_written(uv_write_t *write, int status)
{
    struct link *link = write->data;
    TAG_CHECK(link, LINK_TAG);
    link->writes = false;
    /* Private keys do not stay behind in memory that is used again. */
    mem_wipe(link->writing.ptr, link->writing.len);
    buf_clear(&link->writing);
    if (link->closed)
        return;
    if (status < 0)
        close_link(link, uv_err_name(status));
    else
        pump_link(link);
}

/* One write at a time: what gathers meanwhile goes with the next. */
static void flush_link(struct link *link)
{
    if (link->writes || link->talk.out.len == 0)
        return;
    struct buf full = link->talk.out;
    link->talk.out = link->writing;
    link->writing = full;
    uv_buf_t bytes = uv_buf_init((char *)link->writing.ptr, (unsigned)link->writing.len);
    link->writes = true;
    link->write_at_ms = clock_mono_ms();
    link->write.data = link;
    int status = uv_write(&link->write, (uv_stream_t *)&link->pipe, &bytes, 1, on_written);
    if (status < 0) {
        link->writes = false;
        close_link(link, uv_err_name(status));
    }
}

/* Rows are read into `out` only up to its mark, and the mark is looked at again once it is on its
 * way: two buffers of a slow edge, never more. */
static void pump_link(struct link *link)
{
    enum err err = edge_link_advance(&link->talk, atomic_load(&link->publisher->newest));
    if (err != ERR_OK)
        close_link(link, err_slug(err));
    else
        flush_link(link);
}

/* An edge that restarted may be back before its old link is known to be dead. */
static void supersede_others(struct link *link)
{
    LIST_EACH(&link->publisher->links, node)
    {
        struct link *other = container_of(node, struct link, node);
        if (other == link || strcmp(other->talk.edge.edge_id, link->talk.edge.edge_id) != 0)
            continue;
        other->talk.superseded = true;
        close_link(other, "superseded");
    }
}

static void lend_read_bytes(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    const struct link *link = handle->data;
    *out = uv_buf_init(link->publisher->read_bytes, READ_BYTES);
}

static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct link *link = stream->data;
    TAG_CHECK(link, LINK_TAG);
    if (count == 0)
        return;
    if (count < 0) {
        close_link(link, uv_err_name((int)count));
        return;
    }
    link->heard_at_ms = clock_mono_ms();
    bool greeted = link->talk.state != EDGE_LINK_GREETING;
    enum err err = edge_link_take(&link->talk, span_of(bytes->base, (size_t)count));
    if (!greeted && link->talk.state != EDGE_LINK_GREETING)
        supersede_others(link);
    if (err != ERR_OK)
        close_link(link, err_slug(err));
    else
        pump_link(link);
}

static bool peer_allowed(struct link *link)
{
    uv_os_fd_t fd;
    if (link->publisher->links.count >= LIMIT_EDGES) {
        log_warn("edge_not_accepted", F_STR("why", "there are as many as the limit allows"));
        return false;
    }
    return uv_fileno((uv_handle_t *)&link->pipe, &fd) == 0 &&
           listener_check_peer(&link->publisher->users, fd) == ERR_OK;
}

static void on_connection(uv_stream_t *socket, int status)
{
    struct publisher *publisher = socket->data;
    TAG_CHECK(publisher, PUBLISHER_TAG);
    if (status < 0) {
        log_warn("edge_not_accepted", F_STR("why", uv_err_name(status)));
        return;
    }
    struct link *link = mem_new(struct link);
    TAG_SET(link, LINK_TAG);
    link->publisher = publisher;
    link->heard_at_ms = clock_mono_ms();
    buf_init(&link->writing, LIMIT_LINK_OUT_BYTES);
    ASSERT(uv_pipe_init(&publisher->loop, &link->pipe, 0) == 0);
    link->pipe.data = link;
    if (uv_accept(socket, (uv_stream_t *)&link->pipe) != 0 || !peer_allowed(link) ||
        uv_read_start((uv_stream_t *)&link->pipe, lend_read_bytes, on_bytes) != 0) {
        uv_close((uv_handle_t *)&link->pipe, on_link_closed);
        return;
    }
    edge_link_open(&link->talk, publisher->store, publisher->propagation);
    list_push_back(&publisher->links, &link->node);
}

/* ---- the loop */

static void close_all(struct publisher *publisher)
{
    LIST_EACH(&publisher->links, node)
    close_link(container_of(node, struct link, node), "stop");
    uv_close((uv_handle_t *)&publisher->socket, NULL);
    uv_close((uv_handle_t *)&publisher->wake, NULL);
    uv_close((uv_handle_t *)&publisher->tick, NULL);
}

static void on_wake(uv_async_t *wake)
{
    struct publisher *publisher = wake->data;
    TAG_CHECK(publisher, PUBLISHER_TAG);
    if (atomic_load(&publisher->stopping)) {
        close_all(publisher);
        return;
    }
    LIST_EACH(&publisher->links, node)
    pump_link(container_of(node, struct link, node));
}

static void watch_link(struct link *link, uint64_t now_ms, bool beats)
{
    if (now_ms - link->heard_at_ms > LIMIT_LINK_SILENCE_MS) {
        close_link(link, "silent");
        return;
    }
    /* It says something but takes nothing: it holds a read transaction open. */
    if (link->writes && now_ms - link->write_at_ms > LIMIT_LINK_SILENCE_MS) {
        close_link(link, "stalled");
        return;
    }
    if (!beats)
        return;
    edge_link_heartbeat(&link->talk, atomic_load(&link->publisher->newest));
    flush_link(link);
}

static void on_tick(uv_timer_t *tick)
{
    struct publisher *publisher = tick->data;
    TAG_CHECK(publisher, PUBLISHER_TAG);
    uint64_t now_ms = clock_mono_ms();
    bool beats = now_ms - publisher->beat_at_ms >= LIMIT_LINK_HEARTBEAT_MS;
    if (beats)
        publisher->beat_at_ms = now_ms;
    LIST_EACH(&publisher->links, node)
    watch_link(container_of(node, struct link, node), now_ms, beats);
    propagation_expire(publisher->propagation, now_ms);
}

static void run_loop(void *argument)
{
    struct publisher *publisher = argument;
    /* Signals are the main thread's; an edge that left is EPIPE here, not a signal. */
    sigset_t all;
    sigfillset(&all);
    ASSERT(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    uv_run(&publisher->loop, UV_RUN_DEFAULT);
}

/* ---- open and close */

static enum err listen_on(struct publisher *publisher, const char *path, struct problem *problem)
{
    TRY(listener_prepare(path, problem));
    int status = uv_pipe_bind(&publisher->socket, path);
    /* Before listen: nobody can have connected yet. */
    if (status == 0 && chmod(path, 0660) != 0)
        status = UV_EPERM;
    if (status == 0)
        status = uv_listen((uv_stream_t *)&publisher->socket, BACKLOG, on_connection);
    if (status != 0)
        return problem_set(problem, ERR_IO, "socket", "cannot listen on %.108s: %s", path,
                           uv_strerror(status));
    return ERR_OK;
}

static enum err start(struct publisher *publisher, const struct publisher_options *options,
                      struct problem *problem)
{
    struct store_feed_point now;
    TRY(listener_users_load(options->edge_users, options->edge_user_count, &publisher->users,
                            problem));
    TRY(store_feed_now(options->store, &now));
    atomic_store(&publisher->newest, now.revision);
    TRY(listen_on(publisher, options->socket_path, problem));
    ASSERT(uv_timer_start(&publisher->tick, on_tick, TICK_MS, TICK_MS) == 0);
    if (uv_thread_create(&publisher->thread, run_loop, publisher) != 0)
        return problem_set(problem, ERR_IO, "socket", "cannot start a thread");
    log_info("publisher_listening", F_STR("socket", options->socket_path),
             F_U64("revision", now.revision));
    return ERR_OK;
}

static void release(struct publisher *publisher)
{
    ASSERT(uv_loop_close(&publisher->loop) == 0);
    propagation_free(&publisher->propagation);
    free(publisher);
}

enum err publisher_open(const struct publisher_options *options, struct publisher **out,
                        struct problem *problem)
{
    struct publisher *publisher = mem_new(struct publisher);
    TAG_SET(publisher, PUBLISHER_TAG);
    publisher->store = options->store;
    publisher->propagation = propagation_new();
    list_init(&publisher->links);
    ASSERT(uv_loop_init(&publisher->loop) == 0);
    ASSERT(uv_pipe_init(&publisher->loop, &publisher->socket, 0) == 0);
    ASSERT(uv_async_init(&publisher->loop, &publisher->wake, on_wake) == 0);
    ASSERT(uv_timer_init(&publisher->loop, &publisher->tick) == 0);
    publisher->socket.data = publisher->wake.data = publisher->tick.data = publisher;

    enum err err = start(publisher, options, problem);
    if (err != ERR_OK) {
        close_all(publisher);
        uv_run(&publisher->loop, UV_RUN_DEFAULT);
        release(publisher);
        return err;
    }
    *out = publisher;
    return ERR_OK;
}

void publisher_on_revision(struct publisher *publisher, uint64_t revision)
{
    uint64_t known = atomic_load(&publisher->newest);
    while (known < revision && !atomic_compare_exchange_weak(&publisher->newest, &known, revision))
        continue;
    uv_async_send(&publisher->wake);
}

struct propagation *publisher_propagation(struct publisher *publisher)
{
    return publisher->propagation;
}

void publisher_close(struct publisher **out)
{
    struct publisher *publisher = *out;
    if (!publisher)
        return;
    atomic_store(&publisher->stopping, true);
    uv_async_send(&publisher->wake);
    ASSERT(uv_thread_join(&publisher->thread) == 0);
    propagation_stop(publisher->propagation);
    release(publisher);
    *out = NULL;
}
