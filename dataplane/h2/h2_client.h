/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_client.h - a visitor's HTTP/2 connection: requests in, exchanges out.
 *
 * Each request becomes an exchange with a client side of this connection and goes to the intake.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_CLIENT_H
#define TRUNKLINE_DATAPLANE_H2_H2_CLIENT_H

#include "dataplane/http/exchange.h"
#include "dataplane/net/transport.h"

struct h2_client;

/* Both events come from the loop, never from inside a verb. */
struct h2_client_events {
    /* The last event: the connection is gone and the h2_client is freed when this returns. */
    void (*on_closed)(void *owner, enum err err);
    /* It has an exchange; it has none any more.  From inside events of the transport and of sides.
     * May be NULL. */
    void (*on_running)(void *owner, bool running);
};

/* Takes transport, whose handshake is done.  facts (the address, SNI, TLS) outlive the connection.
 */
struct h2_client *h2_client_open(struct transport *transport, const struct exchange_intake *intake,
                                 const struct client_facts *facts,
                                 const struct h2_client_events *events, void *owner);

/* Answers what runs and then closes: GOAWAY in two steps (RFC 9113 6.8). */
void h2_client_drain(struct h2_client *conn);
/* Aborts what runs; on_closed follows from the loop. */
void h2_client_close(struct h2_client *conn);
/* The same without a word, and without waiting for the visitor's. */
void h2_client_cut(struct h2_client *conn);

#endif
