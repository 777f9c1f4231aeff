/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_origin.h - an HTTP/2 connection to an origin: many exchanges at once (RFC 9113).
 *
 * slots_max starts at min(streams_max, LIMIT_ORIGIN_STREAMS_UNTOLD), follows the origin's
 * SETTINGS_MAX_CONCURRENT_STREAMS, up and down, and 0 means wait.  Nothing waits inside nghttp2:
 * what has no slot is not submitted.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_ORIGIN_H
#define TRUNKLINE_DATAPLANE_H2_H2_ORIGIN_H

#include "dataplane/http/http_conn.h"
#include "dataplane/net/transport.h"

struct h2_origin_options {
    uint32_t streams_max; /* the zone's setting */
    uint64_t read_timeout_ms;
    uint64_t settings_timeout_ms; /* no SETTINGS by then: ERR_ORIGIN_H2_BROKEN */
    uint64_t tunnel_idle_ms; /* for a tunnel that is silent in both directions; 0: the limit's */
};

/* Takes transport (ALPN said h2); writes the preface.  Freed after events->on_closed. */
struct http_conn *h2_origin_open(struct transport *transport,
                                 const struct h2_origin_options *options,
                                 const struct http_conn_events *events, void *owner);

#endif
