/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_peek.h - takes a PROXY header off an accepted socket, before anybody reads from it.
 *
 * The bytes are looked at where they lie, in the kernel, and only those of the header are taken:
 * TLS, or HTTP, finds the socket as if there had been none.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_PROXY_PEEK_H
#define TRUNKLINE_DATAPLANE_NET_PROXY_PEEK_H

#include "dataplane/net/loop.h"
#include "dataplane/net/proxy_protocol.h"

struct proxy_peek;

/* ERR_OK with a header; ERR_NOT_FOUND: there is none; ERR_PROTOCOL: a broken one; ERR_CLOSED: the
 * peer has gone.  The peek is gone before it is told. */
typedef void proxy_peeked_fn(void *owner, enum err err, const struct proxy_header *header);

/* fd stays the caller's.  Exactly once, from the loop, unless it was closed first. */
struct proxy_peek *proxy_peek_open(struct loop *loop, int fd, proxy_peeked_fn *peeked, void *owner);
/* The caller may close fd then. */
void proxy_peek_close(struct proxy_peek **peek);

#endif
