/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_protocol.h - the header by which a load balancer tells whose connection it passes on.
 *
 *      v1   PROXY TCP4 203.0.113.7 192.0.2.1 51000 443 CR LF        (107 bytes at most)
 *      v2   12 bytes of signature | 2:command | family:transport | length | addresses, TLVs
 *
 * https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt.  Sans I/O: bytes in, one verdict
 * out.  What does not begin as a header does is no header; what begins so and goes on otherwise is
 * broken.
 *
 * Limits: LIMIT_PROXY_HEADER_BYTES.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_PROXY_PROTOCOL_H
#define TRUNKLINE_DATAPLANE_NET_PROXY_PROTOCOL_H

#include "common/model/address_policy.h"
#include "common/model/limits.h"

struct proxy_header {
    struct address visitor;
    bool visitor_told; /* false: the balancer speaks for itself (LOCAL, UNKNOWN) */
    size_t len;        /* of the header; what follows is the connection's */
};

/* ERR_MORE: so far it could be a header.  ERR_NOT_FOUND: it is none.  ERR_PROTOCOL: broken. */
MUST_USE enum err proxy_protocol_parse(struct span bytes, struct proxy_header *out);

#endif
