/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_tcp.h - a transport over one TCP connection, accepted or dialled.
 *
 * TCP_NODELAY always; keep-alive 30 s idle, 15 s interval.  Writes first and asks for writability
 * only when the kernel is full.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TRANSPORT_TCP_H
#define TRUNKLINE_DATAPLANE_NET_TRANSPORT_TCP_H

#include <sys/socket.h>

#include "common/base/pace.h"
#include "dataplane/net/transport.h"

/* Takes an accepted, non-blocking fd.  Reading starts with transport_read_start. */
struct transport *transport_tcp_accept(struct loop *loop, int fd,
                                       const struct transport_events *events, void *owner);

/* A dial in progress. */
struct tcp_dial;
/* err: ERR_OK with a transport that the callee owns; ERR_ORIGIN_REFUSED (RST),
 * ERR_ORIGIN_UNREACHABLE (no route), ERR_ORIGIN_CONNECT_TIMEOUT (the kernel gave up), ERR_BUSY (no
 * descriptor), ERR_IO. */
typedef void tcp_dialled_fn(void *owner, enum err err, struct transport *transport);

/* Exactly one callback follows, from the loop, unless tcp_dial_cancel comes first. */
struct tcp_dial *tcp_dial(struct loop *loop, const struct sockaddr *address,
                          tcp_dialled_fn *dialled, void *owner);
void tcp_dial_cancel(struct tcp_dial **dial);

/* The peer must take what is written to it at this pace, or the connection is dead (ERR_TIMEOUT)
 * and is reset when its owner lets go of it. */
void transport_tcp_watch(struct transport *t, const struct pace_terms *terms);

#endif
