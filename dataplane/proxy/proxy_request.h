/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_request.h - the head that origins get: what the visitor sent, without what a visitor must
 * not say, with what the edge says.
 *
 * Set: CF-Connecting-IP, X-Forwarded-Proto, CF-Ray, CF-Visitor.  Appended to: X-Forwarded-For,
 * CDN-Loop (RFC 8586).  Hop-by-hop fields are gone already (head_check_request).
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_REQUEST_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_REQUEST_H

#include "dataplane/http/exchange.h"

struct proxy_request {
    const struct head *asked;
    struct span client_address; /* the visitor's */
    struct span peer_address;   /* whose connection it came on: the same, or a trusted proxy's */
    bool secure;
    struct span ray;
    struct span edge_id;
};

/* A new head in the arena; it shares the spans of the old one.  Authority and scheme are left as
 * they were: they depend on the origin. */
struct head *proxy_request_head(const struct proxy_request *request, struct arena *arena);

/* This edge's id stands in CDN-Loop already: the request has come around. */
bool proxy_request_looped(const struct fields *fields, struct span edge_id);

#endif
