/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_origin.h - an HTTP/1.1 connection to an origin: one exchange at a time, kept alive between
 * them.
 *
 * Any surplus byte, an early answer, an unread request body or a strange framing closes the
 * connection after the exchange (security.md, threat 1).  A byte that arrives while it is idle
 * closes it at once.
 */
#ifndef TRUNKLINE_DATAPLANE_H1_H1_ORIGIN_H
#define TRUNKLINE_DATAPLANE_H1_H1_ORIGIN_H

#include "dataplane/http/http_conn.h"
#include "dataplane/net/transport.h"

struct h1_origin_options {
    uint64_t tunnel_idle_ms;  /* for a tunnel that is silent in both directions */
    uint64_t read_timeout_ms; /* for the head of an answer, and between bytes of its body */
};

/* Takes transport; the connection is open.  Freed after events->on_closed. */
struct http_conn *h1_origin_open(struct transport *transport,
                                 const struct h1_origin_options *options,
                                 const struct http_conn_events *events, void *owner);

#endif
