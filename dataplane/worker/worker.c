/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c - opens the parts, connects them, and takes them apart in the other order.
 *
 *      STARTING --ready--> SERVING --drain--> DRAINING --nothing left, or time is up--> CLOSING
 *      CLOSING: listeners [listener_closed x 2] -> origin pools [pools_closed] -> the rest -> exit
 */
#include "dataplane/worker/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "dataplane/client/certificate_cache.h"
#include "dataplane/client/client_listener.h"
#include "dataplane/net/counter_pages.h"
#include "dataplane/net/listen.h"
#include "dataplane/net/resolve.h"
#include "dataplane/origin/origin_pool.h"
#include "dataplane/proxy/proxy.h"
#include "dataplane/route/router.h"
#include "dataplane/worker/drain.h"
#include "dataplane/worker/janitor.h"
#include "dataplane/worker/supervisor_channel.h"

enum listener_kind { LISTENER_HTTPS, LISTENER_HTTP, LISTENER_COUNT };

struct worker {
    const struct worker_options *options;
    struct loop loop;
    struct router *router;
    struct resolver *resolver;
    struct origin_pools *origins;
    struct exchange_pools exchanges;
    struct access_log *access_log;
    struct proxy *proxy;
    struct certificate_cache *certificates;
    struct client_limits *limits;
    struct client_listener *listeners[LISTENER_COUNT];
    int listen_fds[LISTENER_COUNT]; /* our copies, for ADOPT; -1 once draining */
    size_t listeners_open;
    struct supervisor_channel *channel;
    struct drain drain;
    struct janitor janitor;
    uv_signal_t sigterm;
    int slot_lock_fd;
    struct counter_pages counters;
};

/* ---- closing */

static void pools_closed(void *owner)
{
    struct worker *worker = owner;
    if (proxy_running(worker->proxy) > 0)
        log_error("worker_exchanges_left", F_U64("count", proxy_running(worker->proxy)));
    resolver_close(&worker->resolver);
    supervisor_channel_close(&worker->channel);
    drain_close(&worker->drain);
    janitor_close(&worker->janitor);
    uv_close((uv_handle_t *)&worker->sigterm, NULL);
    access_log_close(&worker->access_log);
}

static void listener_closed(void *owner)
{
    struct worker *worker = owner;
    if (--worker->listeners_open == 0)
        origin_pools_close(&worker->origins, pools_closed, worker);
}

static bool nothing_left(void *owner)
{
    const struct worker *worker = owner;
    for (size_t i = 0; i < LISTENER_COUNT; i++) {
        if (client_listener_conns(worker->listeners[i]) > 0)
            return false;
    }
    return proxy_running(worker->proxy) == 0;
}

static void drain_ended(void *owner, bool in_time)
{
    struct worker *worker = owner;
    log_info("worker_drained", F_BOOL("in_time", in_time),
             F_U64("exchanges_cut", proxy_running(worker->proxy)));
    for (size_t i = 0; i < LISTENER_COUNT; i++)
        client_listener_close(&worker->listeners[i], listener_closed, worker);
}

/* The supervisor keeps the listening sockets, so ours may go: nothing that queues is lost. */
static void begin_drain(struct worker *worker, uint64_t timeout_ms, bool tell_supervisor)
{
    drain_begin(&worker->drain, timeout_ms);
    if (worker->slot_lock_fd < 0)
        return;
    supervisor_channel_draining(worker->channel, tell_supervisor);
    for (size_t i = 0; i < LISTENER_COUNT; i++) {
        client_listener_drain(worker->listeners[i]);
        close(worker->listen_fds[i]);
    }
    close(worker->slot_lock_fd);
    worker->slot_lock_fd = -1;
}

/* ---- events */

static void channel_zones_changed(void *owner, const struct message_zones_changed *what)
{
    struct worker *worker = owner;
    if (what->all) {
        router_forget_all(worker->router);
        if (worker->origins != NULL)
            origin_pools_forget_trust(worker->origins);
    } else {
        router_forget(worker->router, what->zone_ids, what->zone_count);
    }
}

static void channel_drain(void *owner, uint64_t timeout_ms)
{
    begin_drain(owner, timeout_ms, false);
}

static void channel_learned(void *owner, const struct origin_knowledge *what)
{
    struct worker *worker = owner;
    if (worker->origins != NULL)
        origin_pools_know(worker->origins, what);
}

static void channel_ticket_keys(void *owner, const struct message_ticket_keys *what)
{
    struct worker *worker = owner;
    tls_tickets_use(&worker->loop, what->keys, what->lifetime_s);
}

static const struct supervisor_channel_events channel_events = {
    .zones_changed = channel_zones_changed,
    .drain = channel_drain,
    .learned = channel_learned,
    .ticket_keys = channel_ticket_keys,
};

static void pools_learned(void *owner, const struct origin_knowledge *what)
{
    struct worker *worker = owner;
    if (worker->channel != NULL)
        supervisor_channel_tell_learned(worker->channel, what);
}

static void pools_decided(void *owner, const struct origin_event *event)
{
    struct worker *worker = owner;
    if (worker->channel != NULL)
        supervisor_channel_tell_decided(worker->channel, event);
}

static void term_came(uv_signal_t *handle, int number)
{
    struct worker *worker = handle->data;
    (void)number;
    begin_drain(worker, worker->options->drain_timeout_ms, true);
}

/* ---- the certificate of a visitor's name */

static enum err certificate_choose(void *owner, struct span host, struct visitor_tls *out)
{
    struct worker *worker = owner;
    return router_visitor_tls(worker->router, host, out);
}

static enum err certificate_load(void *owner, struct span host, struct visitor_tls *out,
                                 struct buf *chain_out, struct buf *key_out)
{
    struct worker *worker = owner;
    return router_visitor_certificate(worker->router, host, out, chain_out, key_out);
}

/* ---- what origins are shown, and whom they are certified by */

static enum err client_certificate_load(void *owner, const struct id *id, struct buf *chain_out,
                                        struct buf *key_out)
{
    struct worker *worker = owner;
    return router_certificate_by_id(worker->router, id, chain_out, key_out);
}

static enum err origin_ca_load(void *owner, struct buf *out)
{
    struct worker *worker = owner;
    return router_origin_ca(worker->router, out);
}

/* ---- opening */

/* A worker has two descriptors for each exchange; the soft limit of most systems is 1024. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void choose_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
}

/* A supervisor of another version has other counters; the next supervisor can read ours.  Before
 * the sandbox, which lets nobody make memory to share. */
static enum err open_counters(struct worker *worker, struct problem *problem)
{
    const struct worker_options *o = worker->options;
    if (counter_pages_map(o->counters_fd, &worker->counters) == ERR_OK)
        return ERR_OK;
    log_warn("counters_unshared", F_U64("slot", o->slot));
    return counter_pages_make(&worker->counters, problem);
}

/* The parts that can fail; what was opened is closed by close_unstarted. */
static enum err open_parts(struct worker *worker, struct problem *problem)
{
    const struct worker_options *o = worker->options;
    worker->loop.counters = counter_pages_of(&worker->counters, o->slot);
    const struct router_options routing = {
        .replica_path = o->replica_path,
        .edge_key = o->edge_key,
    };
    TRY(router_open(&routing, &worker->router, problem));
    seal_key_wipe(o->edge_key);
    TRY(resolver_open(&worker->loop, o->resolver, &worker->resolver, problem));
    const struct origin_pools_options pools = {
        .loop = &worker->loop,
        .resolver = worker->resolver,
        .policy = o->policy,
        .ca_file = o->origin_ca,
        .tls_source = {client_certificate_load, origin_ca_load, worker},
        .connect_timeout_ms = o->origin_connect_timeout_ms,
        .conn_requests_max = o->origin_conn_requests,
        .conn_age_ms_max = o->origin_conn_age_ms,
        .read_timeout_ms = o->origin_read_timeout_ms,
        .suspended_ms = o->origin_suspension_ms,
        .listener = {pools_learned, pools_decided, worker},
        .tunnel_idle_ms = o->tunnel_idle_timeout_ms,
    };
    return origin_pools_open(&pools, &worker->origins, problem);
}

static void open_listener(struct worker *worker, enum listener_kind kind, int fd)
{
    struct exchange_intake intake = proxy_intake(worker->proxy, &worker->exchanges);
    intake.terms = worker->options->terms;
    const struct client_listener_options options = {
        .loop = &worker->loop,
        .fd = fd,
        .secure = kind == LISTENER_HTTPS,
        .limits = worker->limits,
        .proxies = worker->options->proxies,
        .select = certificate_cache_select,
        .select_owner = worker->certificates,
        .intake = intake,
    };
    worker->listen_fds[kind] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    ASSERT(worker->listen_fds[kind] >= 0);
    worker->listeners[kind] = client_listener_open(&options);
    worker->listeners_open++;
}

static void open_proxy(struct worker *worker)
{
    const struct certificate_source source = {
        .choose = certificate_choose,
        .load = certificate_load,
        .owner = worker,
    };
    worker->exchanges = (struct exchange_pools){
        .wakeq = &worker->loop.wakeq,
        .arenas = &worker->loop.arenas,
        .chunks = &worker->loop.chunks,
    };
    if (worker->options->access_log_fd >= 0)
        worker->access_log =
            access_log_open(&worker->loop, worker->options->access_log_fd, worker->options->slot);
    const struct proxy_options proxy = {
        .loop = &worker->loop,
        .router = worker->router,
        .pools = worker->origins,
        .access_log = worker->access_log,
        .proxies = worker->options->proxies,
        .zone_exchanges_max = worker->options->zone_exchanges_max,
        .edge_id = worker->options->edge_id,
        .upload_bytes_max = worker->options->upload_bytes_max,
        .connect_timeout_ms = worker->options->origin_connect_timeout_ms,
        .https_port = listen_port(worker->options->https_fd),
    };
    worker->proxy = proxy_new(&proxy);
    worker->certificates = certificate_cache_new(&source, LIMIT_TLS_PROFILES);
    worker->limits = client_limits_new(&worker->loop, &worker->options->limits);
}

static void open_channel(struct worker *worker)
{
    const struct supervisor_channel_options options = {
        .loop = &worker->loop,
        .fd = worker->options->channel_fd,
        .https_fd = worker->listen_fds[LISTENER_HTTPS],
        .http_fd = worker->listen_fds[LISTENER_HTTP],
        .counters_fd = worker->counters.fd,
        .slot = worker->options->slot,
        .identity = worker->options->identity,
        .path = worker->options->supervisor_path,
        .events = &channel_events,
        .owner = worker,
    };
    worker->channel = supervisor_channel_open(&options);
}

static void open_rest(struct worker *worker)
{
    const struct drain_watch watch = {
        .finished = nothing_left, .ended = drain_ended, .owner = worker};
    open_proxy(worker);
    open_listener(worker, LISTENER_HTTPS, worker->options->https_fd);
    open_listener(worker, LISTENER_HTTP, worker->options->http_fd);
    drain_init(&worker->drain, &worker->loop, &watch);
    janitor_open(&worker->janitor, &worker->loop);
    uv_signal_init(&worker->loop.uv, &worker->sigterm);
    worker->sigterm.data = worker;
    uv_signal_start(&worker->sigterm, term_came, SIGTERM);
    open_channel(worker);
    supervisor_channel_ready(worker->channel);
}

static void ignore_closed(void *owner)
{
    (void)owner;
}

static void close_unstarted(struct worker *worker)
{
    if (worker->origins != NULL)
        origin_pools_close(&worker->origins, ignore_closed, worker);
    if (worker->resolver != NULL)
        resolver_close(&worker->resolver);
}

enum err worker_run(const struct worker_options *options, struct problem *problem)
{
    struct worker *worker = mem_new(struct worker);
    worker->options = options;
    worker->slot_lock_fd = options->slot_lock_fd;
    choose_signals();
    raise_descriptor_limit();
    enum err err = open_counters(worker, problem);
    if (err == ERR_OK)
        err = sandbox_enter(&options->sandbox, problem);
    if (err == ERR_OK)
        err = loop_open(&worker->loop);
    if (err == ERR_OK) {
        err = open_parts(worker, problem);
        if (err == ERR_OK)
            open_rest(worker);
        else
            close_unstarted(worker);
        loop_run(&worker->loop);
        if (worker->proxy != NULL)
            proxy_free(&worker->proxy);
        if (worker->certificates != NULL)
            certificate_cache_free(&worker->certificates);
        if (worker->limits != NULL)
            client_limits_free(&worker->limits);
        loop_close(&worker->loop);
    }
    counter_pages_release(&worker->counters);
    router_close(&worker->router);
    mem_free(&worker);
    return err;
}
