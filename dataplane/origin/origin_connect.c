/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_connect.c - from a pool's origin to a connection that speaks HTTP.
 *
 *      resolve -> check every address -> dial the next address -> TLS -> ALPN -> h1 | h2
 *                                          ^   refused, no route, |
 *                                          '-- its share is over -'        all under one deadline
 *
 * The name is resolved once and the addresses that were checked are the ones that are dialled
 * (security.md 4.5).  An address that accepts and then fails TLS decides: another address of the
 * same name is another way to the same server.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/base/mem.h"
#include "dataplane/h1/h1_origin.h"
#include "dataplane/h2/h2_origin.h"
#include "dataplane/net/transport_tcp.h"
#include "dataplane/net/transport_tls.h"
#include "dataplane/origin/origin_int.h"

struct origin_connect {
    struct origin_conn *conn;
    struct resolve_question question;
    struct address addresses[LIMIT_ORIGIN_ADDRESSES];
    size_t address_count, at; /* at: the next one to dial */
    struct tcp_dial *dial;
    struct transport *transport; /* during the TLS handshake */
    struct deadline total, share;
    enum err last_err;
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
    if (connect->dial)
        tcp_dial_cancel(&connect->dial);
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

/* The pool applies the zone's setting when it grants a slot. */
static struct http_conn *open_h2(struct transport *transport, struct origin_conn *conn)
{
    const struct origin_pools_options *options = &conn->pool->pools->options;
    struct h2_origin_options h2_options = {
        .streams_max = LIMIT_ORIGIN_STREAMS,
        .read_timeout_ms = options->read_timeout_ms,
        .settings_timeout_ms = LIMIT_ORIGIN_SETTINGS_MS,
    };
    if (options->connect_timeout_ms < LIMIT_ORIGIN_SETTINGS_MS)
        h2_options.settings_timeout_ms = options->connect_timeout_ms;
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
    struct address address = connect->addresses[connect->at - 1];
    connect->transport = NULL;
    free_connect(connect);
    struct http_conn *http = h2 ? open_h2(transport, conn) : open_h1(transport, conn);
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

static void dial_next(struct origin_connect *connect);

static void connect_dialled(void *owner, enum err err, struct transport *transport)
{
    struct origin_connect *connect = owner;
    connect->dial = NULL;
    if (err != ERR_OK) {
        connect->last_err = err == ERR_IO ? ERR_ORIGIN_UNREACHABLE : err;
        dial_next(connect);
        return;
    }
    if (origin_of(connect)->tls == ORIGIN_TLS_NONE)
        open_http(connect, transport, false);
    else
        start_tls(connect, transport);
}

static void connect_share_expired(struct deadline *deadline)
{
    struct origin_connect *connect = container_of(deadline, struct origin_connect, share);
    connect->last_err = ERR_ORIGIN_CONNECT_TIMEOUT;
    dial_next(connect);
}

static void connect_total_expired(struct deadline *deadline)
{
    struct origin_connect *connect = container_of(deadline, struct origin_connect, total);
    struct problem problem;
    bool resolving = connect->address_count == 0;
    enum err err = resolving ? ERR_ORIGIN_RESOLVE : ERR_ORIGIN_CONNECT_TIMEOUT;
    (void)problem_set(&problem, err, "", "%s took too long",
                      resolving            ? "resolving the name"
                      : connect->transport ? "the TLS handshake"
                                           : "connecting");
    fail(connect, err, &problem);
}

/* A power of two of shares, so that few lengths of deadline exist. */
static uint64_t share_ms(const struct origin_connect *connect)
{
    uint64_t shares = 1;
    while (shares < connect->address_count)
        shares *= 2;
    uint64_t total_ms = pools_of(connect)->options.connect_timeout_ms;
    return total_ms / shares > 0 ? total_ms / shares : 1;
}

static void fill_sockaddr(const struct address *address, uint16_t port,
                          struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (address_is_v4(address)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address->bytes + 12, 4);
        return;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address->bytes, 16);
}

static void dial_next(struct origin_connect *connect)
{
    drop_attempt(connect);
    if (connect->at == connect->address_count) {
        fail(connect, connect->last_err, NULL);
        return;
    }
    struct sockaddr_storage address;
    fill_sockaddr(&connect->addresses[connect->at++], origin_of(connect)->port, &address);
    connect->dial =
        tcp_dial(loop_of(connect), (struct sockaddr *)&address, connect_dialled, connect);
    if (connect->address_count > 1)
        deadline_arm(loop_of(connect), &connect->share, share_ms(connect), connect_share_expired);
}

/* ---- names */

/* One forbidden address among several refuses the name: it is not there by mistake. */
static enum err check_addresses(struct origin_connect *connect, const struct address *addresses,
                                size_t count, struct problem *problem)
{
    const struct address_policy *policy = pools_of(connect)->options.policy;
    for (size_t i = 0; i < count; i++)
        TRY(address_policy_check(policy, &addresses[i], problem));
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
    ASSERT(count > 0 && count <= countof(connect->addresses));
    struct problem problem;
    err = check_addresses(connect, addresses, count, &problem);
    if (err != ERR_OK) {
        fail(connect, err, &problem);
        return;
    }
    memcpy(connect->addresses, addresses, count * sizeof(*addresses));
    connect->address_count = count;
    dial_next(connect);
}

static void connect_start(struct origin_conn *conn)
{
    struct origin_connect *connect = mem_new(struct origin_connect);
    connect->conn = conn;
    conn->connect = connect;
    struct origin_pools *pools = pools_of(connect);
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
