/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.h - names to addresses, on the loop, cached by TTL, bounded.
 *
 * c-ares asks the configured servers; IP literals are answered without it.  Concurrent questions
 * for one name share one query.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_RESOLVE_H
#define TRUNKLINE_DATAPLANE_NET_RESOLVE_H

#include "common/model/address_policy.h"
#include "common/model/limits.h"
#include "dataplane/net/loop.h"

struct resolver;
struct resolve_question;

/* addresses are lent until the callback returns; 1 to LIMIT_ORIGIN_ADDRESSES of them when err is
 * ERR_OK, else ERR_ORIGIN_RESOLVE. */
typedef void resolved_fn(struct resolve_question *question, enum err err,
                         const struct address *addresses, size_t count);

/* Embedded in the asker; zeroed before the first use. */
struct resolve_question {
    struct list_node node;
    resolved_fn *resolved;
    struct resolver *resolver;
    void *entry;
};

/* servers: "1.1.1.1:53,9.9.9.9" or NULL for the system's. */
MUST_USE enum err resolver_open(struct loop *loop, const char *servers, struct resolver **out,
                                struct problem *problem);
void resolver_close(struct resolver **resolver);

/* Exactly one callback follows, always from the loop, unless resolve_cancel comes first. */
void resolve_ask(struct resolver *resolver, struct resolve_question *question, struct span name,
                 resolved_fn *resolved);
void resolve_cancel(struct resolve_question *question);

#endif
