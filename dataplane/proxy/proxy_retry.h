/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_retry.h - may this request be sent again, and where? (flow.md L8, RFC 9110 9.2.2,
 * RFC 9113 8.7)
 *
 * Certainly not acted on (no connection, REFUSED_STREAM, above GOAWAY's last id): any method.
 * Perhaps acted on (the connection died): idempotent methods, once.  Never when the answer has
 * begun or the body cannot be sent again.  gRPC is never moved to HTTP/1.1.
 *
 *      a dial failed             another address of the hostname, as long as one is untried
 *      handed back by GOAWAY     LIMIT_RETURNS times: the origin has spent nothing on it
 *      anything else             LIMIT_RETRIES times, and within the origin's budget
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

/* So far. */
struct proxy_retry_counts {
    unsigned tries;   /* decisions to try the same origin again, but for returns */
    unsigned repeats; /* of these, those that an origin may have acted on */
    unsigned returns; /* the origin handed it back unprocessed */
};

struct proxy_retry_question {
    enum err err;
    bool replayable; /* exchange_can_replay */
    bool idempotent;
    bool seen; /* an origin was handed the request's head */
    bool grpc;
    bool h1_only; /* it was tried over HTTP/1.1 already */
    struct proxy_retry_counts counts;
};

enum proxy_retry proxy_retry_decide(const struct proxy_retry_question *question);

/* Counts the retry that was decided. */
void proxy_retry_count(const struct proxy_retry_question *question,
                       struct proxy_retry_counts *counts);

/* The retry is one of those that the origin's budget is for (dataplane/origin/origin_budget.h). */
bool proxy_retry_charged(const struct proxy_retry_question *question);

/* How long to wait before the next try; 0 before the first one.  roll is random. */
uint64_t proxy_retry_pause_ms(const struct proxy_retry_counts *counts, uint64_t roll);

#endif
