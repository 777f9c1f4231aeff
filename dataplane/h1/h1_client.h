/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_client.h - a visitor's HTTP/1.1 connection: requests in, exchanges out.
 *
 * Each request becomes an exchange with a client side of this connection and goes to the intake.
 */
#ifndef TRUNKLINE_DATAPLANE_H1_H1_CLIENT_H
#define TRUNKLINE_DATAPLANE_H1_H1_CLIENT_H

#include "dataplane/http/exchange.h"
#include "dataplane/net/transport.h"

struct h1_client;

/* Both events come from the loop, never from inside a verb. */
struct h1_client_events {
    /* The last event: the connection is gone and the h1_client is freed when this returns. */
    void (*on_closed)(void *owner, enum err err);
    /* It has an exchange; it has none any more.  From inside events of the transport and of sides.
     * May be NULL. */
    void (*on_running)(void *owner, bool running);
};

/* Takes transport, whose handshake is done.  facts (the address, SNI, TLS) outlive the connection.
 */
struct h1_client *h1_client_open(struct transport *transport, const struct exchange_intake *intake,
                                 const struct client_facts *facts,
                                 const struct h1_client_events *events, void *owner);

/* Answers what runs and then closes: `connection: close` on the next answer; at once when idle. */
void h1_client_drain(struct h1_client *conn);
/* Aborts what runs; on_closed follows from the loop. */
void h1_client_close(struct h1_client *conn);

#endif
