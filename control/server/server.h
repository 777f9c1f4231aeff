/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - the REST service's socket: HTTP/1.1 in, one api_dispatch per request, one answer out.
 *
 * libmicrohttpd ends here.  The server collects a request (head, body up to LIMIT_API_BODY_BYTES),
 * refuses what is ambiguous (two lengths, two hosts, a length beside a coding), asks the api, and
 * queues the reply.  A reply may say "ask me again when revision n is everywhere": the connection
 * is then suspended, no thread waits, and the publisher's record of the edges wakes it.
 *
 *      MHD threads:  collect -> api_dispatch -> queue
 *                                   |  ^
 *                         suspended v  | resumed: applied, late, or the server stops
 *                                propagation (publisher's thread)
 *
 * Ownership: the server copies what it needs of its options; propagation outlives the server.
 * Threads:   open and close from one thread; the daemon has threads of its own.
 * Limits:    LIMIT_API_CONNS, LIMIT_API_CONNS_PER_ADDRESS, LIMIT_API_IDLE_S, LIMIT_API_BODY_BYTES,
 *            LIMIT_API_WAITING, LIMIT_API_WAIT_MS.
 */
#ifndef TRUNKLINE_CONTROL_SERVER_SERVER_H
#define TRUNKLINE_CONTROL_SERVER_SERVER_H

#include "common/base/err.h"

struct api;
struct propagation;
struct server;

struct server_options {
    const char *listen;   /* "127.0.0.1:8080", "[::1]:8080"; port 0: any free one */
    const char *tls_cert; /* PEM files, both or neither */
    const char *tls_key;
    const struct api *api; /* borrowed until close; its propagation members are set here */
    struct propagation *propagation; /* borrowed; NULL: nothing is propagated (tests) */
};

/* Binds, listens and logs `server_listening`.  ERR_IO or ERR_INVALID with a problem that names what
 * is wrong: an address that does not parse, a port in use, a key that cannot be read. */
MUST_USE enum err server_open(const struct server_options *options, struct server **out,
                              struct problem *problem);

/* The port that was bound. */
uint16_t server_port(const struct server *server);

/* Answers who waits, lets running requests end, and leaves NULL behind. */
void server_close(struct server **server);

#endif
