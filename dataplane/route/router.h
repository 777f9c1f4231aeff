/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router.h - hostname in, zone and origins out; knows no HTTP.
 *
 *      router_match -> zone_cache                       -> replica_reader
 *                      (hot hostnames, absent ones too,     (SQLite, read-only,
 *                       bounded)                             on a cache miss)
 *
 * The replica is read on a cache miss only.  A zone that was found is immutable and referenced: a
 * running exchange keeps the one it was routed by, whatever changes meanwhile.
 *
 * Limits: LIMIT_ZONE_CACHE, LIMIT_ZONE_CACHE_BYTES.
 */
#ifndef TRUNKLINE_DATAPLANE_ROUTE_ROUTER_H
#define TRUNKLINE_DATAPLANE_ROUTE_ROUTER_H

#include "common/model/origin.h"
#include "common/model/zone_document.h"

struct router;

struct router_options {
    const char *replica_path;
    const struct seal_key *edge_key; /* opens the private keys in the replica; copied */
};

/* A replica that is not there yet is not an error: nothing matches until router_forget_all, which
 * the supervisor's word about a new replica leads to, finds one. */
MUST_USE enum err router_open(const struct router_options *options, struct router **out,
                              struct problem *problem);
void router_close(struct router **router);

struct route {
    struct zone_document *document; /* a reference; the caller unrefs */
    const struct zone_hostname *hostname;
};

/* host is a normalised hostname without port.  ERR_HOST_UNKNOWN when no zone has it; ERR_IO or
 * ERR_CORRUPT when the replica cannot be read (503 for the visitor, a log line for the operator).
 */
MUST_USE enum err router_match(struct router *router, struct span host, struct route *out);

/* How a visitor who asks for host is spoken to, from the cache: cheap. */
MUST_USE enum err router_visitor_tls(struct router *router, struct span host,
                                     struct visitor_tls *out);
/* The same with its certificate: chain and key appended as PEM (the caller wipes the key).  What
 * the caller makes of them he may keep by the certificate's id. */
MUST_USE enum err router_visitor_certificate(struct router *router, struct span host,
                                             struct visitor_tls *out, struct buf *chain_out,
                                             struct buf *key_out);

/* One certificate, whatever it is for: chain and key appended as PEM (the caller wipes the key).
 * ERR_NOT_FOUND. */
MUST_USE enum err router_certificate_by_id(struct router *router, const struct id *id,
                                           struct buf *chain_out, struct buf *key_out);
/* Appends the CA that signs for origins, as PEM.  ERR_NOT_FOUND. */
MUST_USE enum err router_origin_ca(struct router *router, struct buf *out);

/* Forgets what is cached of these zones: the next match reads the replica.  zone_ids are
 * zone_count times ID_TEXT_BYTES characters. */
void router_forget(struct router *router, struct span zone_ids, size_t zone_count);
/* Forgets all, and opens the replica anew when its path names another file by now. */
void router_forget_all(struct router *router);

/* How the i-th origin of a matched hostname is spoken to, for a visitor's host: port, TLS, SNI and
 * protocol policy from the zone's settings.  Spans borrow from route and host. */
void route_origin(const struct route *route, size_t index, struct span host, struct origin *out);

#endif
