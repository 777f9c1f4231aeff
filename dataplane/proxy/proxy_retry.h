/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_retry.h - may this request be sent again, and where? (flow.md L8, RFC 9110 9.2.2,
 * RFC 9113 8.7)
 *
 * Certainly not acted on (refused, no route, REFUSED_STREAM, above GOAWAY's last id): any method.
 * Perhaps acted on (the connection died): idempotent methods, once.  Never when the answer has
 * begun or the body cannot be sent again.  gRPC is never moved to HTTP/1.1.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_RETRY_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_RETRY_H

#include "dataplane/http/exchange.h"

enum proxy_retry {
    PROXY_GIVE_UP,
    PROXY_OTHER_ORIGIN, /* this one cannot be reached */
    PROXY_FRESH,        /* the same, on a connection of its own time */
    PROXY_FRESH_H1,     /* the same, over HTTP/1.1 */
};

struct proxy_retry_question {
    enum err err;
    bool replayable; /* exchange_can_replay */
    bool idempotent;
    bool seen; /* an origin was handed the request's head */
    bool grpc;
    bool h1_only;          /* it was tried over HTTP/1.1 already */
    unsigned retry_count;  /* so far */
    unsigned repeat_count; /* so far, of those that an origin may have acted on */
};

enum proxy_retry proxy_retry_decide(const struct proxy_retry_question *question);

/* Its next try counts as one that the origin may have acted on. */
bool proxy_retry_repeats(const struct proxy_retry_question *question);

#endif
