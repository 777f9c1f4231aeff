/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_conn.h - one visitor's connection, until it is known what it speaks, and its end.
 *
 *      [client_conn_open]
 *       PEEKING --PROXY header, or none--> SHAKING --ALPN--> HTTP (h1_client or h2_client)
 *          |  (a trusted proxy's alone)       |                '--on_closed--> gone
 *          '----------------------------------'--deadline, too many of this address,
 *                                                bad handshake, peer left -----> gone
 *
 * Ownership: the listener holds it in its list; it frees itself after `gone`.
 * Limits:    client_limits.h; the terms' head_ms for a PROXY header and a handshake.
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
void client_conn_open(struct client_conn_owner *owner, int fd, const struct sockaddr_storage *peer);

/* Lets it answer what runs, then close.  A new connection still gets its first answer. */
void client_conn_drain(struct list_node *node);
/* Aborts it; gone follows from the loop. */
void client_conn_close(struct list_node *node);

#endif
