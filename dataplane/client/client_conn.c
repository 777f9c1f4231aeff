/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_conn.c - from an accepted socket to HTTP.
 */
#include "dataplane/client/client_conn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/model/address_policy.h"
#include "dataplane/h1/h1_client.h"
#include "dataplane/h2/h2_client.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/proxy_peek.h"
#include "dataplane/net/transport_tcp.h"
#include "dataplane/net/transport_tls.h"

struct client_conn {
    struct list_node node;
    struct client_conn_owner *owner;
    struct client_seat seat;
    struct proxy_peek *peek;     /* while it may say who the visitor is */
    int fd;                      /* the same; -1 */
    struct transport *transport; /* while shaking hands */
    struct h1_client *h1;
    struct h2_client *h2;
    struct deadline handshake;
    bool draining;      /* since before it spoke HTTP */
    struct wake ending; /* what is left of a connection that never spoke HTTP */
    struct client_facts facts;
    char address[ADDRESS_TEXT_BYTES];
    char *sni;                   /* owned; facts.sni points to it */
    struct tls_profile *profile; /* a reference; facts.certificate points to it */
};

static struct loop *loop_of(const struct client_conn *conn)
{
    return conn->owner->options->loop;
}

static struct client_conn *conn_of(struct list_node *node)
{
    return container_of(node, struct client_conn, node);
}

static void free_conn(struct client_conn *conn)
{
    struct client_conn_owner *owner = conn->owner;
    deadline_disarm(loop_of(conn), &conn->handshake);
    wake_cancel(&loop_of(conn)->wakeq, &conn->ending);
    client_limits_leave(owner->options->limits, &conn->seat);
    list_remove(&owner->conns, &conn->node);
    tls_profile_unref(&conn->profile);
    free(conn->sni);
    free(conn);
    owner->gone(owner);
}

static void conn_ended(struct wake *wake)
{
    free_conn(container_of(wake, struct client_conn, ending));
}

/* ---- HTTP */

static void conn_on_http_closed(void *owner, enum err err)
{
    (void)err;
    free_conn(owner);
}

static void conn_on_running(void *owner, bool running)
{
    struct client_conn *conn = owner;
    if (running)
        client_limits_run(conn->owner->options->limits, &conn->seat);
    else
        client_limits_wait(conn->owner->options->limits, &conn->seat);
}

static const struct h1_client_events h1_events = {.on_closed = conn_on_http_closed,
                                                  .on_running = conn_on_running};
static const struct h2_client_events h2_events = {.on_closed = conn_on_http_closed,
                                                  .on_running = conn_on_running};

static void open_http(struct client_conn *conn, enum http_version version)
{
    const struct exchange_intake *intake = &conn->owner->options->intake;
    struct transport *transport = conn->transport;
    conn->transport = NULL;
    conn->facts.version = version;
    deadline_disarm(loop_of(conn), &conn->handshake);
    if (version == HTTP_2)
        conn->h2 = h2_client_open(transport, intake, &conn->facts, &h2_events, conn);
    else
        conn->h1 = h1_client_open(transport, intake, &conn->facts, &h1_events, conn);
    if (conn->draining)
        client_conn_drain(&conn->node);
}

/* ---- the handshake */

static void conn_on_bytes(void *owner, struct span bytes)
{
    (void)owner;
    (void)bytes; /* reading is started by who speaks HTTP */
}

static void conn_on_nothing(void *owner)
{
    (void)owner;
}

static void conn_on_closed(void *owner, enum err err)
{
    struct client_conn *conn = owner;
    (void)err;
    transport_close(&conn->transport);
    free_conn(conn);
}

static const struct transport_events shaking_events = {
    .on_bytes = conn_on_bytes,
    .on_room = conn_on_nothing,
    .on_ended = conn_on_nothing,
    .on_closed = conn_on_closed,
};

/* As hosts are written everywhere else: without the root's dot. */
static void keep_sni(struct client_conn *conn, struct span sni)
{
    if (span_ends_with(sni, SPAN(".")))
        sni.len--;
    if (sni.len == 0)
        return;
    conn->sni = mem_alloc(sni.len);
    memcpy(conn->sni, sni.ptr, sni.len);
    conn->facts.sni = span_of(conn->sni, sni.len);
}

static bool profile_covers(const void *certificate, struct span host)
{
    return tls_profile_covers(certificate, host);
}

static void conn_secured(void *owner, enum err err, const struct tls_facts *facts,
                         const struct problem *problem)
{
    struct client_conn *conn = owner;
    (void)problem; /* strangers fail handshakes all day */
    struct counters *counters = loop_of(conn)->counters;
    if (err != ERR_OK) {
        counters_add(counters, COUNTER_CLIENT_HANDSHAKES_FAILED, 1);
        if (err == ERR_HOST_UNKNOWN)
            counters_add(counters, COUNTER_CLIENT_NAMES_UNKNOWN, 1);
        transport_close(&conn->transport);
        free_conn(conn);
        return;
    }
    counters_add(counters, COUNTER_CLIENT_HANDSHAKES, 1);
    if (facts->resumed)
        counters_add(counters, COUNTER_CLIENT_HANDSHAKES_RESUMED, 1);
    keep_sni(conn, facts->sni);
    conn->facts.tls_version = facts->version;
    conn->facts.certificate = conn->profile = tls_profile_ref(facts->profile);
    conn->facts.covers = profile_covers;
    open_http(conn, facts->alpn == TLS_ALPN_H2 ? HTTP_2 : HTTP_1_1);
}

static void handshake_expired(struct deadline *deadline)
{
    struct client_conn *conn = container_of(deadline, struct client_conn, handshake);
    counters_add(loop_of(conn)->counters, COUNTER_CLIENT_HANDSHAKES_LATE, 1);
    client_conn_close(&conn->node);
}

static void shake_hands(struct client_conn *conn, int fd)
{
    const struct client_listener_options *options = conn->owner->options;
    struct tls_accept accept = {.select = options->select, .select_owner = options->select_owner};
    struct transport *tcp = transport_tcp_accept(options->loop, fd, &shaking_events, conn);
    transport_tcp_watch(tcp, &client_terms_of(options->intake.terms)->pace);
    conn->transport = tcp;
    if (options->secure)
        conn->transport = transport_tls_accept(tcp, &accept, &shaking_events, conn, conn_secured);
    else
        open_http(conn, HTTP_1_1);
}

/* ---- whose connection it is */

static struct address address_of(const struct sockaddr_storage *peer)
{
    struct address address = {.bytes = {[10] = 0xff, [11] = 0xff}};
    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
        memcpy(address.bytes + 12, &v4->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
        memcpy(address.bytes, &v6->sin6_addr, 16);
    }
    return address;
}

static bool is_proxy(const struct client_listener_options *options, const struct address *address)
{
    return options->proxies && address_ranges_hold(options->proxies, address);
}

/* A proxy stands for many visitors: their limits are not its own. */
static bool charge(const struct client_listener_options *options, struct client_seat *seat,
                   const struct address *address)
{
    return is_proxy(options, address) ||
           client_limits_charge(options->limits, seat, address, options->secure);
}

static void name_visitor(struct client_conn *conn, const struct address *address)
{
    address_format(address, conn->address);
    conn->facts.address = span_str(conn->address);
    conn->facts.proxied = is_proxy(conn->owner->options, address);
}

static void conn_peeked(void *owner, enum err err, const struct proxy_header *header)
{
    struct client_conn *conn = owner;
    const struct client_listener_options *options = conn->owner->options;
    int fd = conn->fd;
    conn->peek = NULL;
    conn->fd = -1;
    bool fine = err == ERR_OK || err == ERR_NOT_FOUND;
    if (err == ERR_PROTOCOL)
        counters_add(loop_of(conn)->counters, COUNTER_PROXY_HEADERS_BROKEN, 1);
    if (header->visitor_told && fine) {
        name_visitor(conn, &header->visitor);
        fine = charge(options, &conn->seat, &header->visitor);
    }
    if (fine) {
        shake_hands(conn, fd);
    } else {
        (void)close(fd);
        free_conn(conn);
    }
}

static void seat_evicted(struct client_seat *seat)
{
    struct client_conn *conn = container_of(seat, struct client_conn, seat);
    if (conn->h2)
        h2_client_cut(conn->h2);
    else
        client_conn_close(&conn->node);
}

void client_conn_open(struct client_conn_owner *owner, int fd, const struct sockaddr_storage *peer)
{
    const struct client_listener_options *options = owner->options;
    const struct client_terms *terms = client_terms_of(options->intake.terms);
    struct address address = address_of(peer);
    struct client_seat seat = {.evict = seat_evicted};
    if (!charge(options, &seat, &address)) {
        (void)close(fd);
        return;
    }
    struct client_conn *conn = mem_new(struct client_conn);
    conn->owner = owner;
    conn->seat = seat;
    conn->fd = -1;
    wake_init(&conn->ending, conn_ended);
    list_push_back(&owner->conns, &conn->node);
    client_limits_enter(options->limits, &conn->seat);
    name_visitor(conn, &address);
    conn->facts.secure = options->secure;
    conn->facts.connection_id = ++owner->next_id;
    deadline_arm(options->loop, &conn->handshake, terms->head_ms, handshake_expired);
    if (!conn->facts.proxied) {
        shake_hands(conn, fd);
        return;
    }
    conn->fd = fd;
    conn->peek = proxy_peek_open(options->loop, fd, conn_peeked, conn);
}

void client_conn_drain(struct list_node *node)
{
    struct client_conn *conn = conn_of(node);
    if (conn->h2)
        h2_client_drain(conn->h2);
    else if (conn->h1)
        h1_client_drain(conn->h1);
    else
        conn->draining = true;
}

void client_conn_close(struct list_node *node)
{
    struct client_conn *conn = conn_of(node);
    if (conn->h2) {
        h2_client_close(conn->h2);
    } else if (conn->h1) {
        h1_client_close(conn->h1);
    } else {
        if (conn->transport)
            transport_abort(&conn->transport);
        if (conn->peek) {
            proxy_peek_close(&conn->peek);
            (void)close(conn->fd);
        }
        wake_post(&loop_of(conn)->wakeq, &conn->ending);
    }
}
