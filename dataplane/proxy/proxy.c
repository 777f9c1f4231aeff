/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy.c - runs begin, go through the steps (proxy_steps.c), and end in on_done.
 *
 *    refuse ~-----------------------------------------------> answer_locally
 *      begin ~> route -> admit -> acquire ~granted~> relay ~on_done~> finish
 *                                    ^  ~refused~>   |
 *                                    '---- again ----'--> answer_locally -> relay
 */
#include "dataplane/proxy/proxy.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "dataplane/proxy/access_line.h"
#include "dataplane/proxy/error_page.h"
#include "dataplane/proxy/proxy_grpc.h"
#include "dataplane/proxy/proxy_int.h"
#include "dataplane/proxy/proxy_response.h"
#include "dataplane/proxy/proxy_visitor.h"

void proxy_run_steps(struct proxy_run *run)
{
    while (proxy_run_wanted(run)) {
        const struct proxy_step *next = run->step->run(run);
        if (next == PROXY_WAIT)
            return;
        run->step = next;
    }
}

void proxy_run_unwait(struct proxy_run *run)
{
    origin_ticket_cancel(&run->ticket);
    deadline_disarm(run->proxy->options.loop, &run->wait);
}

static void run_woken(struct wake *wake)
{
    proxy_run_steps(container_of(wake, struct proxy_run, wake));
}

/* 0: not the visitor's doing. */
static const enum counter refusal_counters[] = {
    [ERR_REQUEST_SYNTAX] = COUNTER_REFUSED_SYNTAX,
    [ERR_REQUEST_FRAMING] = COUNTER_REFUSED_FRAMING,
    [ERR_REQUEST_FIELD] = COUNTER_REFUSED_FIELD,
    [ERR_REQUEST_HOST] = COUNTER_REFUSED_HOST,
    [ERR_REQUEST_TARGET] = COUNTER_REFUSED_TARGET,
    [ERR_REQUEST_GRPC] = COUNTER_REFUSED_GRPC,
    [ERR_REQUEST_METHOD] = COUNTER_REFUSED_METHOD,
    [ERR_REQUEST_TIMEOUT] = COUNTER_REFUSED_TIMEOUT,
    [ERR_REQUEST_BODY_TOO_LARGE] = COUNTER_REFUSED_BODY_TOO_LARGE,
    [ERR_REQUEST_TARGET_TOO_LONG] = COUNTER_REFUSED_TARGET_TOO_LONG,
    [ERR_REQUEST_EXPECT] = COUNTER_REFUSED_EXPECT,
    [ERR_REQUEST_HEAD_TOO_LARGE] = COUNTER_REFUSED_HEAD_TOO_LARGE,
    [ERR_REQUEST_CODING] = COUNTER_REFUSED_CODING,
    [ERR_REQUEST_VERSION] = COUNTER_REFUSED_VERSION,
    [ERR_REQUEST_LOOP] = COUNTER_REFUSED_LOOP,
    [ERR_HOST_UNKNOWN] = COUNTER_HOSTS_UNKNOWN,
    [ERR_CLIENT_GONE] = COUNTER_CLIENTS_GONE,
};

void proxy_run_count_refusal(const struct proxy_run *run, enum err err)
{
    if ((size_t)err < countof(refusal_counters) && refusal_counters[err] != 0)
        counters_add(run->proxy->options.loop->counters, refusal_counters[err], 1);
}

/* ---- what the pool says */

void proxy_run_count_connecting(struct proxy_run *run)
{
    run->way.connecting_ms += loop_now_ms(run->proxy->options.loop) - run->way.asked_at_ms;
}

/* A slot for somebody who has left is left too: on_done comes next. */
static void acquire_granted(struct origin_ticket *ticket, struct http_conn *conn,
                            const struct origin_conn_facts *facts)
{
    struct proxy_run *run = container_of(ticket, struct proxy_run, ticket);
    if (!proxy_run_wanted(run))
        return;
    deadline_disarm(run->proxy->options.loop, &run->wait);
    run->way.facts = *facts;
    run->way.attempt_count++;
    run->err = ERR_OK;
    run->step = &proxy_step_relay;
    http_conn_run(conn, run->exchange);
}

static void acquire_refused(struct origin_ticket *ticket, enum err err,
                            const struct problem *problem)
{
    struct proxy_run *run = container_of(ticket, struct proxy_run, ticket);
    proxy_run_count_connecting(run);
    deadline_disarm(run->proxy->options.loop, &run->wait);
    /* Visitors are told the kind of failure, and which rule of TLS it is. */
    bool told = err == ERR_ORIGIN_TLS || err == ERR_ORIGIN_CERTIFICATE ||
                err == ERR_ORIGIN_CLIENT_CERTIFICATE;
    run->reason = SPAN_EMPTY;
    if (told && problem)
        run->reason = arena_copy(&run->exchange->arena, span_str(problem->text));
    run->err = err == ERR_CLOSED ? ERR_BUSY : err; /* the worker ends */
    run->step = &proxy_step_relay;
    proxy_run_steps(run);
}

/* ---- what the exchange says */

static struct span date_now(struct proxy *proxy)
{
    uint64_t now_s = clock_wall_s();
    if (now_s != proxy->date_s) {
        proxy->date_s = now_s;
        proxy_format_date(now_s, proxy->date_text);
    }
    return span_str(proxy->date_text);
}

static void run_on_response_head(void *observer, struct head *head)
{
    struct proxy_run *run = observer;
    if (!run->answering) {
        run->origin_status = head->status;
        run->head_at_us = clock_mono_us();
    }
    struct span date = SPAN_EMPTY;
    if (!proxy_response_dated(head))
        date = arena_copy(&run->exchange->arena, date_now(run->proxy));
    proxy_response_rewrite(head, run->ray, date);
}

/* With TLS 1.3 an origin looks at our certificate when the connection is open already. */
static struct span reason_of(const struct proxy_run *run, enum err err)
{
    if (run->exchange->refusal.err == err)
        return run->exchange->refusal.reason;
    if (err != ERR_ORIGIN_CLIENT_CERTIFICATE)
        return SPAN_EMPTY;
    bool shown = run->way.origins[run->way.picked].client_certificate.text[0] != '\0';
    return shown ? SPAN("the origin refused the client certificate")
                 : SPAN("the origin wants a client certificate");
}

static void run_on_origin_failed(void *observer, enum err err)
{
    struct proxy_run *run = observer;
    /* A connection that came to be and was no HTTP/2 is one that never came to be. */
    if (err == ERR_ORIGIN_H2_BROKEN)
        proxy_run_count_connecting(run);
    proxy_run_unwait(run);
    run->err = err;
    run->reason = reason_of(run, err);
    run->step = &proxy_step_relay;
    proxy_run_steps(run);
}

static void run_on_client_gone(void *observer)
{
    proxy_run_unwait(observer);
}

/* 421 says that this connection was the wrong one: once more on another, and then it passes. */
static bool run_refuses_answer(void *observer, const struct head *head)
{
    struct proxy_run *run = observer;
    if (head->status != 421 || run->answering || run->way.misdirected ||
        !exchange_can_replay(run->exchange))
        return false;
    run->way.misdirected = true;
    return true;
}

static void run_on_done(void *observer)
{
    struct proxy_run *run = observer;
    run->step = &proxy_step_finish;
    (void)run->step->run(run);
}

static const struct exchange_observer_ops run_ops = {
    .refuses_answer = run_refuses_answer,
    .on_response_head = run_on_response_head,
    .on_origin_failed = run_on_origin_failed,
    .on_client_gone = run_on_client_gone,
    .on_done = run_on_done,
};

static void begin_run(struct proxy *proxy, struct exchange *exchange,
                      const struct proxy_step *first)
{
    struct proxy_run *run = arena_new(&exchange->arena, struct proxy_run);
    run->proxy = proxy;
    run->exchange = exchange;
    run->asked = exchange->request.head;
    run->client_address = exchange->client_facts.address;
    run->secure = exchange->client_facts.secure;
    if (exchange->client_facts.proxied) {
        run->secure = proxy_visitor_secure(&run->asked->fields, run->secure);
        run->client_address = proxy_visitor_address(&run->asked->fields, proxy->options.proxies,
                                                    run->client_address, &exchange->arena);
    }
    run->grpc = head_is_grpc(run->asked);
    run->step = first;
    run->err = exchange->refusal.err;
    run->reason = exchange->refusal.reason;
    run->ticket.granted = acquire_granted;
    run->ticket.refused = acquire_refused;
    run->begun_at_us = clock_mono_us();
    run->ray = proxy_rays_next(&proxy->rays, proxy->edge_id, &exchange->arena);
    wake_init(&run->wake, run_woken);
    list_push_back(&proxy->running, &run->node);
    counters_add(proxy->options.loop->counters, COUNTER_EXCHANGES, 1);
    exchange_observe(exchange, &run_ops, run);
    wake_post(&proxy->options.loop->wakeq, &run->wake);
}

static void proxy_begin(void *owner, struct exchange *exchange)
{
    begin_run(owner, exchange, &proxy_step_route);
}

static void proxy_refuse(void *owner, struct exchange *exchange)
{
    begin_run(owner, exchange, &proxy_step_answer_locally);
}

/* ---- the proxy */

struct proxy *proxy_new(const struct proxy_options *options)
{
    struct proxy *proxy = mem_new(struct proxy);
    proxy->options = *options;
    if (options->connect_timeout_ms == 0)
        proxy->options.connect_timeout_ms = LIMIT_ORIGIN_CONNECT_MS;
    proxy->edge_id = span_str(options->edge_id);
    list_init(&proxy->running);
    zone_uses_init(&proxy->zones);
    if (options->zone_exchanges_max == 0)
        proxy->options.zone_exchanges_max = LIMIT_ZONE_EXCHANGES;
    proxy_rays_init(&proxy->rays);
    buf_init(&proxy->line, ACCESS_LINE_BYTES_MAX);
    buf_init(&proxy->page, ERROR_PAGE_BYTES_MAX);
    return proxy;
}

void proxy_free(struct proxy **slot)
{
    struct proxy *proxy = *slot;
    ASSERT(list_empty(&proxy->running));
    *slot = NULL;
    zone_uses_release(&proxy->zones);
    buf_release(&proxy->line);
    buf_release(&proxy->page);
    free(proxy);
}

struct exchange_intake proxy_intake(struct proxy *proxy, struct exchange_pools *pools)
{
    return (struct exchange_intake){
        .begin = proxy_begin, .refuse = proxy_refuse, .owner = proxy, .pools = pools};
}

size_t proxy_running(const struct proxy *proxy)
{
    return proxy->running.count;
}
