/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_conn.c - from an accepted socket to HTTP.
 */
#include "dataplane/client/client_conn.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/base/mem.h"
#include "common/model/address_policy.h"
#include "dataplane/h1/h1_client.h"
#include "dataplane/h2/h2_client.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/transport_tcp.h"
#include "dataplane/net/transport_tls.h"

struct client_conn {
    struct list_node node;
    struct client_conn_owner *owner;
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

static const struct h1_client_events h1_events = {.on_closed = conn_on_http_closed};
static const struct h2_client_events h2_events = {.on_closed = conn_on_http_closed};

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

static void format_peer(const struct sockaddr_storage *peer, char out[ADDRESS_TEXT_BYTES])
{
    struct address address = {.bytes = {[10] = 0xff, [11] = 0xff}};
    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
        memcpy(address.bytes + 12, &v4->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
        memcpy(address.bytes, &v6->sin6_addr, 16);
    }
    address_format(&address, out);
}

void client_conn_open(struct client_conn_owner *owner, int fd)
{
    const struct client_listener_options *options = owner->options;
    struct client_conn *conn = mem_new(struct client_conn);
    conn->owner = owner;
    wake_init(&conn->ending, conn_ended);
    list_push_back(&owner->conns, &conn->node);

    struct transport *tcp = transport_tcp_accept(options->loop, fd, &shaking_events, conn);
    struct sockaddr_storage peer;
    conn->transport = tcp;
    if (!transport_tcp_peer(tcp, &peer)) {
        client_conn_close(&conn->node);
        return;
    }
    format_peer(&peer, conn->address);
    conn->facts.address = span_str(conn->address);
    conn->facts.secure = options->secure;
    conn->facts.connection_id = ++owner->next_id;
    if (!options->secure) {
        open_http(conn, HTTP_1_1);
        return;
    }
    struct tls_accept accept = {.select = options->select, .select_owner = options->select_owner};
    deadline_arm(options->loop, &conn->handshake, LIMIT_CLIENT_HANDSHAKE_MS, handshake_expired);
    conn->transport = transport_tls_accept(tcp, &accept, &shaking_events, conn, conn_secured);
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
        wake_post(&loop_of(conn)->wakeq, &conn->ending);
    }
}
