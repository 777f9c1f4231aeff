/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_connect.c - from a pool's origin to a connection that speaks HTTP.
 *
 *      resolve -> check every address -> race them (origin_race.h) -> TLS -> ALPN -> h1 | h2
 *                                          ^                           |
 *                                          '--- its share is over -----'   all under one deadline
 *
 * The name is resolved once and the addresses that were checked are the ones that are dialled
 * (security.md 4.5).  An address that accepts and then fails TLS decides: another address of the
 * same name is another way to the same server.
 */
#include "common/base/mem.h"
#include "dataplane/h1/h1_origin.h"
#include "dataplane/h2/h2_origin.h"
#include "dataplane/net/transport_tls.h"
#include "dataplane/origin/origin_int.h"

#define SETTINGS_LEAST_MS 200

struct origin_connect {
    struct origin_conn *conn;
    struct resolve_question question;
    struct origin_race race;
    bool resolved;
    struct transport *transport; /* during the TLS handshake */
    struct deadline total, share;
    uint64_t started_at_ms;
};

static struct origin_pools *pools_of(const struct origin_connect *connect)
{
    return connect->conn->pool->pools;
}

static struct loop *loop_of(const struct origin_connect *connect)
{
    return pools_of(connect)->options.loop;
}

static const struct origin *origin_of(const struct origin_connect *connect)
{
    return &connect->conn->pool->origin;
}

/* ---- endings */

static void drop_attempt(struct origin_connect *connect)
{
    deadline_disarm(loop_of(connect), &connect->share);
    origin_race_stop(&connect->race);
    if (connect->transport)
        transport_abort(&connect->transport);
}

static void free_connect(struct origin_connect *connect)
{
    drop_attempt(connect);
    deadline_disarm(loop_of(connect), &connect->total);
    resolve_cancel(&connect->question);
    connect->conn->connect = NULL;
    free(connect);
}

static void fail(struct origin_connect *connect, enum err err, const struct problem *problem)
{
    struct origin_conn *conn = connect->conn;
    struct problem copy;
    if (problem)
        copy = *problem;
    else
        (void)problem_set(&copy, err, "", "%s", err_slug(err));
    free_connect(connect);
    origin_conn_failed(conn, err, &copy);
}

/* SETTINGS come out of the same time as the connection; half of what there is at most, because the
 * other half is for the repeat over HTTP/1.1.  Halves of the whole: few lengths of deadline. */
static uint64_t settings_timeout_ms(const struct origin_pools_options *options, uint64_t left_ms)
{
    uint64_t timeout_ms = options->connect_timeout_ms / 2;
    if (timeout_ms > LIMIT_ORIGIN_SETTINGS_MS)
        timeout_ms = LIMIT_ORIGIN_SETTINGS_MS;
    while (timeout_ms > left_ms / 2 && timeout_ms > SETTINGS_LEAST_MS)
        timeout_ms /= 2;
    return timeout_ms;
}

/* The pool applies the zone's setting when it grants a slot. */
static struct http_conn *open_h2(struct transport *transport, struct origin_conn *conn,
                                 uint64_t left_ms)
{
    const struct origin_pools_options *options = &conn->pool->pools->options;
    struct h2_origin_options h2_options = {
        .streams_max = LIMIT_ORIGIN_STREAMS,
        .read_timeout_ms = options->read_timeout_ms,
        .settings_timeout_ms = settings_timeout_ms(options, left_ms),
        .tunnel_idle_ms = options->tunnel_idle_ms,
    };
    return h2_origin_open(transport, &h2_options, &origin_conn_events, conn);
}

static struct http_conn *open_h1(struct transport *transport, struct origin_conn *conn)
{
    struct h1_origin_options h1_options = {
        .read_timeout_ms = conn->pool->pools->options.read_timeout_ms,
        .tunnel_idle_ms = conn->pool->pools->options.tunnel_idle_ms,
    };
    return h1_origin_open(transport, &h1_options, &origin_conn_events, conn);
}

static void open_http(struct origin_connect *connect, struct transport *transport, bool h2)
{
    struct origin_conn *conn = connect->conn;
    struct address address = connect->race.tries[connect->race.winner].address;
    uint64_t passed_ms = loop_now_ms(loop_of(connect)) - connect->started_at_ms;
    uint64_t total_ms = pools_of(connect)->options.connect_timeout_ms;
    uint64_t left_ms = passed_ms < total_ms ? total_ms - passed_ms : 0;
    connect->transport = NULL;
    free_connect(connect);
    struct http_conn *http = h2 ? open_h2(transport, conn, left_ms) : open_h1(transport, conn);
    origin_conn_opened(conn, http, &address);
}

/* ---- TLS */

static void connect_on_bytes(void *owner, struct span bytes)
{
    (void)owner;
    (void)bytes; /* reading is started by who speaks HTTP */
}

static void connect_on_room(void *owner)
{
    (void)owner;
}

static void connect_on_closed(void *owner, enum err err)
{
    (void)err;
    fail(owner, ERR_ORIGIN_TLS, NULL);
}

static const struct transport_events connect_events = {
    .on_bytes = connect_on_bytes,
    .on_room = connect_on_room,
    .on_ended = connect_on_room,
    .on_closed = connect_on_closed,
};

static void connect_secured(void *owner, enum err err, const struct tls_facts *facts,
                            const struct problem *problem)
{
    struct origin_connect *connect = owner;
    if (err == ERR_OK) {
        open_http(connect, connect->transport, facts->alpn == TLS_ALPN_H2);
        return;
    }
    transport_close(&connect->transport);
    bool told = err == ERR_ORIGIN_CERTIFICATE || err == ERR_ORIGIN_CLIENT_CERTIFICATE;
    fail(connect, told ? err : ERR_ORIGIN_TLS, problem);
}

static void start_tls(struct origin_connect *connect, struct transport *lower)
{
    const struct origin *origin = origin_of(connect);
    struct origin_tls_want want = {
        .verified = origin->tls == ORIGIN_TLS_VERIFIED,
        .client_certificate = origin->client_certificate,
    };
    want.h2_offered = connect->conn->offer == OFFER_ANY && origin->policy == ORIGIN_PROTOCOL_AUTO;
    struct problem problem = {0};
    struct tls_connect tls = {
        .profile = origin_tls_profile(&pools_of(connect)->tls, &want, &problem),
        .server_name = origin->sni,
        .session_key = connect->conn->pool->key,
    };
    if (!tls.profile) {
        transport_abort(&lower);
        fail(connect, ERR_ORIGIN_TLS, &problem);
        return;
    }
    connect->transport =
        transport_tls_connect(lower, &tls, &connect_events, connect, connect_secured);
}

/* ---- TCP */

/* A power of two of shares, so that few lengths of deadline exist. */
static uint64_t share_ms(const struct origin_connect *connect)
{
    uint64_t shares = 1;
    while (shares < connect->race.count)
        shares *= 2;
    uint64_t total_ms = pools_of(connect)->options.connect_timeout_ms;
    return total_ms / shares > 0 ? total_ms / shares : 1;
}

/* The handshake hangs while other addresses could be had. */
static void connect_share_expired(struct deadline *deadline)
{
    struct origin_connect *connect = container_of(deadline, struct origin_connect, share);
    drop_attempt(connect);
    origin_race_spoil(&connect->race);
    origin_race_run(&connect->race);
}

static void race_won(struct origin_race *race, struct transport *transport)
{
    struct origin_connect *connect = container_of(race, struct origin_connect, race);
    if (origin_of(connect)->tls == ORIGIN_TLS_NONE) {
        open_http(connect, transport, false);
        return;
    }
    if (origin_race_open(race))
        deadline_arm(loop_of(connect), &connect->share, share_ms(connect), connect_share_expired);
    start_tls(connect, transport);
}

static void race_lost(struct origin_race *race, enum err err)
{
    fail(container_of(race, struct origin_connect, race), err, NULL);
}

static void connect_total_expired(struct deadline *deadline)
{
    struct origin_connect *connect = container_of(deadline, struct origin_connect, total);
    struct problem problem;
    bool resolving = !connect->resolved;
    enum err err = resolving ? ERR_ORIGIN_RESOLVE : ERR_ORIGIN_CONNECT_TIMEOUT;
    (void)problem_set(&problem, err, "", "%s took too long",
                      resolving            ? "resolving the name"
                      : connect->transport ? "the TLS handshake"
                                           : "connecting");
    fail(connect, err, &problem);
}

/* ---- names */

/* One forbidden address among several refuses the name: it is not there by mistake. */
static enum err check_addresses(struct origin_connect *connect, const struct address *addresses,
                                size_t count, struct problem *problem)
{
    const struct address_policy *policy = pools_of(connect)->options.policy;
    for (size_t i = 0; i < count; i++)
        TRY(address_policy_check_dial(policy, &addresses[i], origin_of(connect)->port, problem));
    return ERR_OK;
}

static void connect_resolved(struct resolve_question *question, enum err err,
                             const struct address *addresses, size_t count)
{
    struct origin_connect *connect = container_of(question, struct origin_connect, question);
    if (err != ERR_OK) {
        fail(connect, ERR_ORIGIN_RESOLVE, NULL);
        return;
    }
    struct problem problem;
    err = check_addresses(connect, addresses, count, &problem);
    if (err != ERR_OK) {
        counters_add(loop_of(connect)->counters, COUNTER_ORIGIN_ADDRESSES_REFUSED, 1);
        fail(connect, err, &problem);
        return;
    }
    connect->resolved = true;
    origin_race_set(&connect->race, addresses, count, (size_t)connect->conn->facts.id);
    origin_race_run(&connect->race);
}

static void connect_start(struct origin_conn *conn)
{
    struct origin_connect *connect = mem_new(struct origin_connect);
    connect->conn = conn;
    conn->connect = connect;
    struct origin_pools *pools = pools_of(connect);
    connect->started_at_ms = loop_now_ms(loop_of(connect));
    connect->race.loop = loop_of(connect);
    connect->race.asides = &conn->pool->asides;
    connect->race.port = conn->pool->origin.port;
    connect->race.won = race_won;
    connect->race.lost = race_lost;
    deadline_arm(loop_of(connect), &connect->total, pools->options.connect_timeout_ms,
                 connect_total_expired);
    resolve_ask(pools->options.resolver, &connect->question, conn->pool->origin.address,
                connect_resolved);
}

static void connect_cancel(struct origin_conn *conn)
{
    free_connect(conn->connect);
}

const struct origin_connector origin_connect_connector = {
    .start = connect_start,
    .cancel = connect_cancel,
};
