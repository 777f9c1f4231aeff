/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_conn.h - one visitor's connection, until it is known what it speaks, and its end.
 *
 *      [client_conn_open]
 *       SHAKING --ALPN--> HTTP (h1_client or h2_client) --on_closed--> gone
 *          '--deadline, bad handshake, peer left ---------------------> gone
 *
 * Ownership: the listener holds it in its list; it frees itself after `gone`.
 * Limits:    LIMIT_CLIENT_HANDSHAKE_MS.
 */
#ifndef TRUNKLINE_DATAPLANE_CLIENT_CLIENT_CONN_H
#define TRUNKLINE_DATAPLANE_CLIENT_CLIENT_CONN_H

#include "common/base/list.h"
#include "dataplane/client/client_listener.h"

struct client_conn;

/* What connections of one listener share; outlives them. */
struct client_conn_owner {
    const struct client_listener_options *options;
    struct list conns;
    uint64_t next_id;
    /* From the loop; conn is freed when it returns, and is in no list. */
    void (*gone)(struct client_conn_owner *owner);
};

/* Takes an accepted fd. */
void client_conn_open(struct client_conn_owner *owner, int fd);

/* Lets it answer what runs, then close.  A new connection still gets its first answer. */
void client_conn_drain(struct list_node *node);
/* Aborts it; gone follows from the loop. */
void client_conn_close(struct list_node *node);

#endif
