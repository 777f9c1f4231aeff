/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_steps.c - the decisions about one exchange, in the order in which they are made.
 */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/model/address_policy.h"
#include "common/model/hostname.h"
#include "dataplane/http/reply.h"
#include "dataplane/proxy/access_line.h"
#include "dataplane/proxy/error_page.h"
#include "dataplane/proxy/proxy_grpc.h"
#include "dataplane/proxy/proxy_int.h"
#include "dataplane/proxy/proxy_redirect.h"
#include "dataplane/proxy/proxy_request.h"
#include "dataplane/proxy/proxy_visitor.h"

#define X(name) static proxy_step_fn step_##name;
PROXY_STEPS(X)
#undef X
#define X(name) const struct proxy_step proxy_step_##name = {#name, step_##name};
PROXY_STEPS(X)
#undef X

#define LINE_KEPT_BYTES 65536
#define TELL_AFTER_MS 1000
#define RETRY_AFTER_S "2"
#define LEAST_PART 32

static void put_field(struct head *head, struct span name, struct span value)
{
    ASSERT(fields_add(&head->fields, name, value) == ERR_OK);
}

static const struct proxy_step *answer(struct proxy_run *run, enum err err)
{
    run->err = err;
    return &proxy_step_answer_locally;
}

/* ---- route: whose request is it? */

/* An address is a host that no zone has; it may stand in brackets. */
static bool is_address(struct span host)
{
    struct address address;
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = span_first(span_skip(host, 1), host.len - 2);
    return address_parse(host, &address) == ERR_OK;
}

/* The host in its one written form; usually the authority's own bytes are that already. */
static enum err normalise_host(struct proxy_run *run)
{
    struct span host = authority_host(run->asked->authority);
    const struct span sni = run->exchange->client_facts.sni;
    if (sni.len > 0 && span_equal(host, sni)) {
        run->host = host; /* a certificate was found by it: it is a name, and normalised */
        return ERR_OK;
    }
    struct hostname name;
    if (hostname_parse(host, HOSTNAME_EXACT, &name, NULL) != ERR_OK)
        return is_address(host) ? ERR_HOST_UNKNOWN : ERR_REQUEST_HOST;
    struct span normalised = hostname_span(&name);
    run->host = span_equal(host, normalised) ? host : arena_copy(&run->exchange->arena, normalised);
    return ERR_OK;
}

/* A version of TLS that a zone has ruled out does not come in by a connection made for another. */
static bool old_for_zone(const struct proxy_run *run)
{
    struct visitor_tls wanted;
    zone_document_visitor_tls(run->route.document, &wanted);
    const char *spoken = run->exchange->client_facts.tls_version;
    return !wanted.tls_1_2 && spoken && !span_equal(span_str(spoken), SPAN("TLSv1.3"));
}

static bool same_account(const struct proxy_run *run, struct span sni)
{
    struct route route = {0};
    if (router_match(run->proxy->options.router, sni, &route) != ERR_OK)
        return false;
    bool same = id_equal(route.document->account_id, run->route.document->account_id);
    zone_document_unref(&route.document);
    return same;
}

/* A connection was made for the name in its SNI.  Other names are served on it as far as its
 * certificate goes, and never another account's (RFC 9110 7.4). */
static bool misdirected(const struct proxy_run *run)
{
    const struct client_facts *client = &run->exchange->client_facts;
    if (!client->secure || client->sni.len == 0 || span_equal(client->sni, run->host))
        return false;
    if (client->covers && proxy_run_wanted(run) && !client->covers(client->certificate, run->host))
        return true;
    return old_for_zone(run) || !same_account(run, client->sni);
}

static void tell_lookup_failed(struct proxy *proxy, enum err err)
{
    uint64_t now_ms = loop_now_ms(proxy->options.loop);
    if (proxy->told_at_ms != 0 && now_ms - proxy->told_at_ms < TELL_AFTER_MS)
        return;
    proxy->told_at_ms = now_ms;
    log_error("proxy_lookup_failed", F_ERR(err));
}

static const struct proxy_step *step_route(struct proxy_run *run)
{
    enum err err = normalise_host(run);
    if (err != ERR_OK)
        return answer(run, err);
    struct route route = {0};
    err = router_match(run->proxy->options.router, run->host, &route);
    if (err == ERR_HOST_UNKNOWN)
        return answer(run, err);
    if (err != ERR_OK) {
        tell_lookup_failed(run->proxy, err);
        return answer(run, ERR_BUSY);
    }
    run->route = route;
    if (misdirected(run)) {
        counters_add(run->proxy->options.loop->counters, COUNTER_REQUESTS_MISDIRECTED, 1);
        return answer(run, ERR_REQUEST_MISDIRECTED);
    }
    bool redirected = !run->secure && proxy_redirect_wanted(run->route.document, run->asked->path);
    return redirected ? &proxy_step_redirect : &proxy_step_admit;
}

/* ---- admit: may it go on, and as what? */

/* A paused zone is passed over HTTP/1.1, which gRPC does not survive. */
static enum origin_protocol_policy paused_policy(const struct proxy_run *run,
                                                 const struct origin *origin)
{
    const struct zone_document *document = run->route.document;
    bool h2_wanted = zone_document_setting_of(document, run->host,
                                              SETTING_origin_max_http_version) == ORIGIN_HTTP_2;
    return run->grpc && h2_wanted && origin->tls != ORIGIN_TLS_NONE ? ORIGIN_PROTOCOL_AUTO
                                                                    : ORIGIN_PROTOCOL_H1;
}

static void find_origins(struct proxy_run *run)
{
    struct proxy_way *way = &run->way;
    way->origin_count = run->route.hostname->origin_count;
    way->origins = arena_calloc(&run->exchange->arena, way->origin_count, sizeof(*way->origins));
    for (size_t i = 0; i < way->origin_count; i++) {
        route_origin(&run->route, i, run->host, &way->origins[i]);
        if (run->route.document->paused)
            way->origins[i].policy = paused_policy(run, &way->origins[i]);
    }
}

/* An HTTP/1.1 visitor is answered as if it had not asked; HTTP/2 has no such answer. */
static enum err admit_tunnel(struct proxy_run *run)
{
    const struct zone_document *document = run->route.document;
    bool allowed = zone_document_setting(document, SETTING_websockets) == SWITCH_ON;
    if (!run->sent->tunnelled || allowed || document->paused)
        return ERR_OK;
    if (run->exchange->client_facts.version == HTTP_2)
        return ERR_REQUEST_METHOD;
    exchange_strip_tunnel(run->exchange);
    return ERR_OK;
}

/* The edge's own timeout holds where the zone says nothing else (setting_table.h). */
static struct origin_terms terms_of(const struct zone_document *document)
{
    uint64_t read_s = zone_document_setting(document, SETTING_proxy_read_timeout);
    uint64_t usual_s = setting_default(SETTING_proxy_read_timeout, document->plan).number;
    uint64_t ping_s = zone_document_setting(document, SETTING_origin_h2_ping);
    return (struct origin_terms){
        .read_timeout_ms = read_s == usual_s ? 0 : read_s * 1000,
        .ping_ms = document->paused ? 0 : ping_s * 1000,
    };
}

static bool grpc_refused(const struct proxy_run *run)
{
    const struct zone_document *document = run->route.document;
    return run->grpc && !document->paused &&
           zone_document_setting(document, SETTING_grpc) == SWITCH_OFF;
}

static void tell_zone_busy(struct proxy_run *run)
{
    struct proxy *proxy = run->proxy;
    uint64_t now_ms = loop_now_ms(proxy->options.loop);
    counters_add(proxy->options.loop->counters, COUNTER_ZONES_BUSY, 1);
    if (proxy->zones.told_at_ms != 0 && now_ms - proxy->zones.told_at_ms < TELL_AFTER_MS)
        return;
    proxy->zones.told_at_ms = now_ms;
    log_warn("zone_busy", F_SPAN("zone", id_span(&run->route.document->zone_id)),
             F_U64("requests", proxy->options.zone_exchanges_max));
}

/* One zone's flood is that zone's: the others' requests find what they need. */
static bool admit_zone(struct proxy_run *run)
{
    run->zone_use = zone_uses_begin(&run->proxy->zones, &run->route.document->zone_id,
                                    run->proxy->options.zone_exchanges_max);
    if (!run->zone_use)
        tell_zone_busy(run);
    return run->zone_use != NULL;
}

static const struct proxy_step *step_admit(struct proxy_run *run)
{
    const struct client_facts *client = &run->exchange->client_facts;
    if (run->route.hostname->origin_count == 0)
        return answer(run, ERR_HOST_UNKNOWN);
    if (proxy_request_looped(&run->asked->fields, run->proxy->edge_id))
        return answer(run, ERR_REQUEST_LOOP);
    if (grpc_refused(run))
        return answer(run, ERR_REQUEST_GRPC);
    if (!admit_zone(run))
        return answer(run, ERR_ZONE_BUSY);

    struct proxy_request request = {
        .asked = run->asked,
        .client_address = run->client_address,
        .peer_address = client->address,
        .secure = run->secure,
        .ray = run->ray,
        .edge_id = run->proxy->edge_id,
    };
    run->sent = proxy_request_head(&request, &run->exchange->arena);
    run->exchange->request.head = run->sent;
    enum err err = admit_tunnel(run);
    if (err != ERR_OK)
        return answer(run, err);
    uint64_t upload_bytes_max = run->sent->tunnelled ? 0 : run->proxy->options.upload_bytes_max;
    if (!exchange_limit_request(run->exchange, upload_bytes_max))
        return answer(run, ERR_REQUEST_BODY_TOO_LARGE);
    run->exchange->origin_terms = terms_of(run->route.document);
    find_origins(run);
    return &proxy_step_acquire;
}

/* ---- acquire: where can it run? */

static void address_request(struct proxy_run *run, const struct origin *origin)
{
    struct span host_header = run->route.hostname->origins[run->way.picked].host_header;
    run->sent->authority = host_header.len > 0 ? host_header : run->asked->authority;
    run->sent->scheme = origin->tls == ORIGIN_TLS_NONE ? SPAN("http") : SPAN("https");
}

/* What is left of the time for connections when it is not worth another one. */
static uint64_t least_time_ms(const struct proxy_run *run)
{
    return run->proxy->options.connect_timeout_ms / LEAST_PART;
}

/* A half, a quarter, ... of the time for connections: few lengths of deadline. */
static uint64_t part_of_time(const struct proxy_run *run, uint64_t most_ms)
{
    uint64_t part_ms = run->proxy->options.connect_timeout_ms;
    while (part_ms > most_ms && part_ms / 2 > least_time_ms(run))
        part_ms /= 2;
    return part_ms;
}

static void wait_expired(struct deadline *deadline)
{
    struct proxy_run *run = container_of(deadline, struct proxy_run, wait);
    if (run->step == &proxy_step_pause) {
        run->step = &proxy_step_acquire;
    } else {
        if (!origin_ticket_give_up(&run->ticket))
            return;
        proxy_run_count_connecting(run);
        run->err = ERR_ORIGIN_CONNECT_TIMEOUT;
        run->step = &proxy_step_relay;
    }
    proxy_run_steps(run);
}

/* The dial has a deadline of its own.  It is cut short for those who have used up some of their
 * time, and for those who have another address to go to. */
static void limit_wait(struct proxy_run *run)
{
    const struct proxy_way *way = &run->way;
    uint64_t total_ms = run->proxy->options.connect_timeout_ms;
    uint64_t left_ms = total_ms - way->connecting_ms;
    bool others = (size_t)__builtin_popcountll(way->tried) + 1 < way->origin_count;
    if (others && left_ms / 2 < LIMIT_ORIGIN_PATIENCE_MS)
        left_ms /= 2;
    else if (others)
        left_ms = LIMIT_ORIGIN_PATIENCE_MS;
    if (left_ms < total_ms)
        deadline_arm(run->proxy->options.loop, &run->wait, part_of_time(run, left_ms),
                     wait_expired);
}

static const struct proxy_step *step_acquire(struct proxy_run *run)
{
    struct proxy_way *way = &run->way;
    struct origin_pools *pools = run->proxy->options.pools;
    if (!way->again)
        way->picked = origin_pick(pools, way->origins, way->origin_count, way->tried);
    if (way->picked == way->origin_count)
        return answer(run, run->err);

    const struct origin *origin = &way->origins[way->picked];
    struct origin_pool *pool = origin_pools_get(pools, origin);
    if (!pool)
        return answer(run, ERR_ORIGIN_QUEUE_FULL);
    if (run->err == ERR_ORIGIN_H1_REQUIRED)
        origin_pool_require_h1(pool);
    address_request(run, origin);
    run->ticket.streams_max = (uint32_t)zone_document_setting_of(run->route.document, run->host,
                                                                 SETTING_origin_h2_max_streams);
    run->ticket.fresh_only = way->again;
    run->ticket.h1_only = way->h1_only;
    run->ticket.tunnel = run->sent->tunnelled;
    run->ticket.h2_only = run->grpc && !run->sent->tunnelled;
    way->asked_at_ms = loop_now_ms(run->proxy->options.loop);
    origin_pool_acquire(pool, &run->ticket);
    limit_wait(run);
    return PROXY_WAIT;
}

/* ---- relay: it runs, or what it ran on has failed */

static struct proxy_retry_question question_of(const struct proxy_run *run)
{
    return (struct proxy_retry_question){
        .err = run->err,
        .replayable = exchange_can_replay(run->exchange),
        .idempotent = method_is_idempotent(run->asked->method),
        .seen = run->exchange->origin_may_have_acted,
        .grpc = run->grpc,
        .h1_only = run->way.h1_only,
        .counts = run->way.counts,
    };
}

static bool affordable(struct proxy_run *run, const struct proxy_retry_question *question)
{
    const struct proxy_way *way = &run->way;
    if (way->connecting_ms + least_time_ms(run) >= run->proxy->options.connect_timeout_ms)
        return false;
    if (!proxy_retry_charged(question))
        return true;
    struct origin_pool *pool =
        origin_pools_get(run->proxy->options.pools, &way->origins[way->picked]);
    return pool && origin_pool_may_retry(pool);
}

static const struct proxy_step *step_relay(struct proxy_run *run)
{
    struct proxy_way *way = &run->way;
    if (run->err == ERR_OK)
        return PROXY_WAIT;
    struct proxy_retry_question question = question_of(run);
    enum proxy_retry verdict = proxy_retry_decide(&question);
    if (verdict == PROXY_GIVE_UP || !affordable(run, &question))
        return answer(run, run->err);

    proxy_retry_count(&question, &way->counts);
    way->again = verdict != PROXY_OTHER_ORIGIN;
    way->h1_only = way->h1_only || verdict == PROXY_FRESH_H1;
    if (verdict != PROXY_OTHER_ORIGIN)
        return &proxy_step_pause;
    way->tried |= UINT64_C(1) << way->picked;
    return &proxy_step_acquire;
}

/* ---- pause: an origin in trouble is not asked again at once, nor by all at once */

static const struct proxy_step *step_pause(struct proxy_run *run)
{
    uint64_t pause_ms = proxy_retry_pause_ms(&run->way.counts, run->begun_at_us);
    if (pause_ms == 0)
        return &proxy_step_acquire;
    deadline_arm(run->proxy->options.loop, &run->wait, pause_ms, wait_expired);
    return PROXY_WAIT;
}

/* ---- redirect: the same URL over HTTPS */

static const struct proxy_step *step_redirect(struct proxy_run *run)
{
    struct exchange *exchange = run->exchange;
    struct head *head = arena_new(&exchange->arena, struct head);
    head_init(head, &exchange->arena);
    head->version = HTTP_1_1;
    head->status = 301;
    put_field(head, SPAN("location"),
              proxy_redirect_url(run->asked, run->host, run->proxy->options.https_port,
                                 &exchange->arena));
    put_field(head, SPAN("cache-control"), SPAN("max-age=3600"));
    counters_add(run->proxy->options.loop->counters, COUNTER_REQUESTS_REDIRECTED, 1);
    run->answering = true;
    reply_attach(exchange, head, SPAN_EMPTY);
    return PROXY_WAIT;
}

/* ---- answer_locally: a page of our own */

/* Fills head; the body is left in the proxy's scratch. */
static void write_page(struct proxy_run *run, struct head *head, struct buf *body)
{
    struct error_page page = {
        .err = run->err,
        .ray = run->ray,
        .reason = run->reason,
        .unix_us = clock_wall_us(),
        .json = error_page_wants_json(&run->asked->fields),
    };
    error_page_write(&page, body);
    head->status = err_edge_status(run->err);
    put_field(head, field_text(FIELD_CONTENT_TYPE),
              page.json ? SPAN("application/json") : SPAN("text/html; charset=utf-8"));
    put_field(head, SPAN("cache-control"), SPAN("no-store"));
    if (head->status == 503)
        put_field(head, SPAN("retry-after"), SPAN(RETRY_AFTER_S));
}

static const struct proxy_step *step_answer_locally(struct proxy_run *run)
{
    struct exchange *exchange = run->exchange;
    struct buf *body = &run->proxy->page;
    struct head *head = arena_new(&exchange->arena, struct head);

    head_init(head, &exchange->arena);
    head->version = HTTP_1_1;
    buf_clear(body);
    if (run->err == ERR_REQUEST_METHOD)
        ASSERT(fields_add(&head->fields, SPAN("allow"),
                          SPAN("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")) == ERR_OK);
    if (run->grpc)
        proxy_grpc_answer(head, run->err, error_page_sentence(run->err));
    else
        write_page(run, head, body);
    put_field(head, SPAN("x-edge-error"), span_str(err_slug(run->err)));
    run->answering = true;
    reply_attach(exchange, head, buf_span(body));
    return PROXY_WAIT;
}

/* ---- finish: once for every exchange, from on_done */

/* A request that was reset, not answered, has its reason too. */
static struct span reason_of(const struct proxy_run *run)
{
    const struct refusal *refusal = &run->exchange->refusal;
    if (refusal->err != ERR_OK)
        return refusal->reason;
    return run->answering ? run->reason : SPAN_EMPTY;
}

static enum err err_of(const struct proxy_run *run)
{
    if (run->exchange->fault.err != ERR_OK)
        return run->exchange->fault.err;
    return run->answering ? run->err : ERR_OK;
}

static void write_access_line(struct proxy_run *run)
{
    struct proxy *proxy = run->proxy;
    const struct exchange *exchange = run->exchange;
    const struct proxy_way *way = &run->way;
    const struct head *response = exchange->response.head;
    enum err err = err_of(run);
    struct access_line line = {
        .clock = &proxy->clock,
        .ended_at_us = clock_wall_us(),
        .ray = run->ray,
        .client = run->client_address,
        .host = run->host.len > 0 ? run->host : run->asked->authority,
        .method = run->asked->method,
        .path = run->asked->path,
        .status = response ? response->status : err_edge_status(err),
        .client_version = exchange->client_facts.version,
        .connected = way->attempt_count > 0,
        .origin_version = way->facts.version,
        .origin_address = way->facts.address,
        .origin_connection_id = way->facts.id,
        .origin_connection_reused = way->facts.reused,
        .origin_status = run->origin_status,
        .attempt_count = way->attempt_count,
        .request_bytes = exchange->request.total_bytes,
        .response_bytes = exchange->response.total_bytes,
        .took_us = clock_mono_us() - run->begun_at_us,
        .origin_head_us = run->head_at_us > 0 ? run->head_at_us - run->begun_at_us : 0,
        .err = err,
        .reason = reason_of(run),
        .worker = access_log_worker(proxy->options.access_log),
    };
    if (run->route.document)
        line.zone_id = id_span(&run->route.document->zone_id);
    buf_clear(&proxy->line);
    access_line_write(&line, &proxy->line);
    access_log_write(proxy->options.access_log, buf_span(&proxy->line));
    if (proxy->line.cap > LINE_KEPT_BYTES)
        buf_shrink(&proxy->line);
}

static const struct proxy_step *step_finish(struct proxy_run *run)
{
    struct proxy *proxy = run->proxy;
    proxy_run_unwait(run);
    wake_cancel(&proxy->options.loop->wakeq, &run->wake);
    proxy_run_count_refusal(run, err_of(run));
    if (proxy->options.access_log)
        write_access_line(run);
    if (run->zone_use)
        zone_uses_end(&proxy->zones, run->zone_use);
    if (run->route.document)
        zone_document_unref(&run->route.document);
    list_remove(&proxy->running, &run->node);
    return PROXY_WAIT;
}
