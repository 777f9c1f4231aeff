/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publisher.h - brings each revision to each edge: one thread, one loop, one Unix socket.
 *
 * The publisher is level-triggered: it knows "edge E has r, the newest is n" and nothing else.
 * Bursts coalesce, a reconnecting edge says what it has, and a slow or dead edge holds no other.
 *
 *      any thread   publisher_on_revision(42) --uv_async--.
 *                                                         v
 *      edge <== edge_link (one per connection) <== store's feed (own read connection)
 *        '--- ACK / NACK ---> propagation (who has which revision; read by the server's threads)
 *
 * Ownership: borrows the store and the seal key until close; owns its thread, socket and record.
 * Threads:   open and close from one thread; publisher_on_revision from any.
 * Limits:    LIMIT_EDGES, LIMIT_LINK_OUT_BYTES, LIMIT_LINK_HEARTBEAT_MS, LIMIT_LINK_SILENCE_MS.
 */
#ifndef TRUNKLINE_CONTROL_PUBLISH_PUBLISHER_H
#define TRUNKLINE_CONTROL_PUBLISH_PUBLISHER_H

#include "common/base/err.h"

struct propagation;
struct publisher;
struct store;

#define PUBLISHER_EDGE_USERS_MAX 16

struct publisher_options {
    const char *socket_path;       /* made 0660; its directory must not be writable by others */
    const char *const *edge_users; /* names that may connect, beside root and our own user */
    size_t edge_user_count;        /* <= PUBLISHER_EDGE_USERS_MAX */
    struct store *store;
};

/* Listens and starts the thread.  The problem says which: a path too long, a socket on which
 * another control answers, a user that does not exist, a directory that others can write. */
MUST_USE enum err publisher_open(const struct publisher_options *options, struct publisher **out,
                                 struct problem *problem);

/* Revision n was committed; any thread, returns at once. */
void publisher_on_revision(struct publisher *publisher, uint64_t revision);

/* Lent until close. */
struct propagation *publisher_propagation(struct publisher *publisher);

/* Closes the links, joins the thread, removes the socket; leaves NULL behind. */
void publisher_close(struct publisher **publisher);

#endif
