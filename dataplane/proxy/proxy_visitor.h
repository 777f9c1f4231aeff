/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_visitor.h - who the visitor is, and how he came, behind proxies that the operator trusts.
 *
 *      X-Forwarded-For: forged, 203.0.113.7, 10.0.0.2      the peer is 10.0.0.1
 *                               ^ the visitor  ^ trusted                ^ trusted
 *
 * Each proxy wrote down whom it had heard: from the right, the first address that is none of ours
 * is the visitor's.  What stands left of it is the visitor's own invention.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_VISITOR_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_VISITOR_H

#include "common/base/arena.h"
#include "common/model/address_policy.h"
#include "dataplane/http/fields.h"

/* peer is a trusted proxy's address, and the answer where the list tells nobody else. */
struct span proxy_visitor_address(const struct fields *fields, const struct address_ranges *proxies,
                                  struct span peer, struct arena *arena);

/* Whether the visitor speaks TLS with whoever he speaks to.  The peer is a trusted proxy and its
 * X-Forwarded-Proto says so, the last one where a visitor has sent others; else it is as with us.
 */
bool proxy_visitor_secure(const struct fields *fields, bool secure);

#endif
