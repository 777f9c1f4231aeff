/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.h - one server of a tenant, with everything that changes how far it is trusted.
 *
 * The key of a pool is the encoding of all fields: two exchanges share a connection only when
 * not one of them differs (design.md, "The pool").
 */
#ifndef TRUNKLINE_COMMON_MODEL_ORIGIN_H
#define TRUNKLINE_COMMON_MODEL_ORIGIN_H

#include "common/base/buf.h"
#include "common/model/id.h"

enum origin_tls {
    ORIGIN_TLS_NONE,       /* plain HTTP/1.1 */
    ORIGIN_TLS_UNVERIFIED, /* ssl full: any certificate */
    ORIGIN_TLS_VERIFIED,   /* ssl strict: chain, name and dates */
};

enum origin_protocol_policy {
    ORIGIN_PROTOCOL_H1,   /* offer http/1.1 only */
    ORIGIN_PROTOCOL_AUTO, /* offer h2 and http/1.1, speak what ALPN says */
};

struct origin {
    struct id zone_id;
    struct span address; /* an IP literal, or the name a CNAME record points to */
    struct span sni;     /* the name offered and, when verified, expected */
    uint16_t port;
    enum origin_tls tls;
    enum origin_protocol_policy policy;
    struct id client_certificate; /* shown to the origin; empty: none */
    uint32_t streams_max;         /* a hostname's own limit; 0: the zone's, which may change */
};

/* Appends the canonical key bytes; equal origins, and only they, have equal keys. */
void origin_encode_key(const struct origin *origin, struct buf *out);

#endif
