/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.h - bound sockets and accepting from them.
 *
 * The supervisor binds (SO_REUSEPORT, one socket per worker slot) and keeps the sockets; a worker
 * only accepts from the one it was handed, so that what queues on it survives the worker.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_LISTEN_H
#define TRUNKLINE_DATAPLANE_NET_LISTEN_H

#include <sys/socket.h>

#include "dataplane/net/loop.h"

/* "127.0.0.1:8443", "[::1]:8443", "0.0.0.0:0".  Binds, listens, non-blocking, close-on-exec.  The
 * problem says which address and why (in use, not ours, no permission, not an address). */
MUST_USE enum err listen_bind(const char *address, int *out_fd, struct problem *problem);
/* Whether another process listens there already, which SO_REUSEPORT would hide: two edges would
 * share the visitors between them.  ERR_IO, as listen_bind's. */
MUST_USE enum err listen_probe(const char *address, struct problem *problem);
/* A connection to such an address, which waits: for commands, never on a loop.  The problem says
 * why there is none. */
MUST_USE enum err listen_reach(const char *address, int *out_fd, struct problem *problem);
/* The bound address as text ("127.0.0.1:43211"). */
void listen_address(int fd, char *out, size_t out_bytes);
/* 0: not a socket. */
uint16_t listen_port(int fd);
/* Two descriptors of one socket. */
bool listen_same(int a, int b);

struct listener;

struct listener_events {
    /* fd is the owner's from here on.  False: it takes no more for now. */
    bool (*on_accept)(void *owner, int fd, const struct sockaddr_storage *peer);
    /* There is no descriptor for who comes next. */
    void (*on_starved)(void *owner);
};

/* Takes fd.  Accepts at most LIMIT_ACCEPT_BUDGET connections per turn.  Out of descriptors, or told
 * to, it pauses for 100 ms: who comes meanwhile waits in the kernel's queue. */
struct listener *listener_open(struct loop *loop, int fd, const struct listener_events *events,
                               void *owner);
/* Stops accepting and closes this process's copy of the socket. */
void listener_close(struct listener **listener);

#endif
