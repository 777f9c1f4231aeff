/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy.h - what happens to an exchange between its two sides: the one place that decides.
 *
 *      begin ~> route -> admit -> acquire -> relay -> finish
 *                 |        |        |  ^       |
 *                 |        |        |  '-retry-'          before any response byte, when L8 allows
 *                 '--------'--------'--> answer_locally, redirect -> finish
 *
 * Each step is a function that returns the next one, or waits.  Every exchange passes finish
 * exactly once.
 *
 * Threads: one proxy per worker loop.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_H

#include "common/model/address_policy.h"
#include "dataplane/http/exchange.h"
#include "dataplane/origin/origin_pool.h"
#include "dataplane/proxy/access_log.h"
#include "dataplane/route/router.h"

struct proxy;

struct proxy_options {
    struct loop *loop;
    struct router *router;
    struct origin_pools *pools;
    struct access_log *access_log;        /* may be NULL: none is written */
    const struct address_ranges *proxies; /* whose X-Forwarded-For is believed; NULL: nobody's */
    const char *edge_id;                  /* for CF-Ray's suffix and CDN-Loop */
    uint64_t upload_bytes_max;            /* of a request body; 0: no limit */
    uint64_t zone_exchanges_max;          /* of one zone at once; 0: LIMIT_ZONE_EXCHANGES */
    uint64_t connect_timeout_ms;          /* over all attempts; 0: LIMIT_ORIGIN_CONNECT_MS */
    uint16_t https_port;                  /* where this edge listens for TLS */
};

struct proxy *proxy_new(const struct proxy_options *options);
void proxy_free(struct proxy **proxy);

/* What the client codecs are given. */
struct exchange_intake proxy_intake(struct proxy *proxy, struct exchange_pools *pools);

/* Exchanges that have begun and not finished. */
size_t proxy_running(const struct proxy *proxy);

#endif
