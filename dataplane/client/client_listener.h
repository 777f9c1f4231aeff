/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_listener.h - visitors of one worker: accept, TLS by SNI, ALPN, then h1 or h2.
 *
 *      listener -> transport_tcp [-> transport_tls, certificate from `certificates`] --ALPN-->
 * h1_client | h2_client -> intake
 *
 * Limits: those of client_limits.h and client_terms.h.
 */
#ifndef TRUNKLINE_DATAPLANE_CLIENT_CLIENT_LISTENER_H
#define TRUNKLINE_DATAPLANE_CLIENT_CLIENT_LISTENER_H

#include "dataplane/client/client_limits.h"
#include "dataplane/http/exchange.h"
#include "dataplane/net/loop.h"
#include "dataplane/net/tls_profile.h"

struct client_listener;

struct client_listener_options {
    struct loop *loop;
    int fd;                               /* taken: a listening socket */
    bool secure;                          /* TLS, or plain HTTP */
    struct client_limits *limits;         /* of the worker */
    const struct address_ranges *proxies; /* whose PROXY headers are believed; NULL: nobody's */
    tls_select_fn *select;                /* the certificate for an SNI (upward call) */
    void *select_owner;
    struct exchange_intake intake;
};

struct client_listener *client_listener_open(const struct client_listener_options *options);

/* Stops accepting; lets connections answer what runs and close (GOAWAY, connection: close).
 * Idempotent. */
void client_listener_drain(struct client_listener *listener);
/* Aborts what is left.  drained is called, from the loop, when the last connection is gone; the
 * listener is freed then. */
void client_listener_close(struct client_listener **listener, void (*closed)(void *owner),
                           void *owner);
/* Connections open now. */
size_t client_listener_conns(const struct client_listener *listener);

#endif
