/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - one request with its response: two flows, two sides, one observer, at most one
 * fault.
 *
 *      client side --put--> [ request flow  ] --consume--> origin side
 *      client side <-consume- [ response flow ] <--put---- origin side
 *
 * The laws L1 to L9 of flow.md section 3 hold; dataplane/README.md repeats them with the test that
 * guards each. Before an origin side exists the request flow simply fills: that is the admission
 * buffer.  The request head stays, and consumed body bytes are kept up to LIMIT_REPLAY_BYTES, so
 * that another origin side can be given the same request.
 *
 * Ownership: freed when both sides have detached (L5); right before, the observer gets on_done
 * exactly once. Everything about one exchange lives in its arena. Threads:   one loop. Limits:
 * LIMIT_FLOW_BYTES (up to LIMIT_FLOW_BYTES_MAX by side_grow, LIMIT_WORKER_FLOW_BYTES together),
 * LIMIT_REPLAY_BYTES.
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_EXCHANGE_H
#define TRUNKLINE_DATAPLANE_HTTP_EXCHANGE_H

#include "dataplane/http/client_terms.h"
#include "dataplane/http/side.h"

/* What all exchanges of one loop share; the worker makes it. */
struct exchange_pools {
    struct wakeq *wakeq;
    struct arena_pool *arenas;
    struct chunk_pool *chunks;
    size_t exchange_count; /* alive now */
    size_t grown_bytes;    /* what their flows may hold beyond LIMIT_FLOW_BYTES each */
};

/* Who the visitor is; copied into the arena when the exchange is made. */
struct client_facts {
    struct span address;     /* "203.0.113.7" */
    struct span sni;         /* empty over plain HTTP */
    const char *tls_version; /* NULL over plain HTTP */
    /* Whether the connection's certificate is one for a host.  Both are lent while the exchange has
     * its client side; NULL over plain HTTP. */
    bool (*covers)(const void *certificate, struct span host);
    const void *certificate;
    enum http_version version;
    bool secure;
    bool proxied; /* by a trusted proxy: its X-Forwarded-For says who the visitor is */
    uint64_t connection_id;
    uint64_t stream_id; /* 0 for HTTP/1.1 */
};

enum side_fault { FAULT_OF_NONE, FAULT_OF_CLIENT, FAULT_OF_ORIGIN };
struct fault {
    enum err err;
    enum side_fault side;
};

/* The proxy's view of an exchange.  on_response_head and on_done compute only; the others may
 * decide, from the wake queue (they are deferred like side events). */
struct exchange_observer_ops {
    /* True: this answer does not count, and its side fails with ERR_ORIGIN_MISDIRECTED.  May be
     * NULL. */
    bool (*refuses_answer)(void *observer, const struct head *head);
    void (*on_response_head)(void *observer,
                             struct head *head); /* rewrite before the client side sees it */
    void (*on_origin_failed)(void *observer,
                             enum err err); /* no origin side now: attach one, or a reply */
    void (*on_client_gone)(
        void *observer);             /* the client side detached while no origin side was there */
    void (*on_done)(void *observer); /* last; the arena is freed when it returns */
};

/* Why the codec that read the request refuses it; err is ERR_OK while it does not. */
struct refusal {
    enum err err;
    struct span reason; /* "content-length: more than one"; empty: nothing more is known */
};

/* How long the zone waits for its origins; 0: as the edge does. */
struct origin_terms {
    uint64_t read_timeout_ms;
    uint64_t ping_ms; /* between PINGs on its HTTP/2 connection; 0: none */
};

/* 1xx heads that the client side has not been told of yet. */
struct interim_queue {
    struct head *heads[LIMIT_INTERIM_ANSWERS];
    uint32_t count, taken;
};

struct exchange {
    struct exchange_pools *pools;
    struct arena arena;
    struct flow request, response;
    struct side *client, *origin;
    const struct exchange_observer_ops *observer_ops;
    void *observer;
    unsigned observer_events;
    struct wake observer_wake;
    struct fault fault;
    struct refusal refusal;
    enum err origin_err; /* what the last origin side failed with */
    struct interim_queue interims;
    struct origin_terms origin_terms;
    uint64_t request_bytes_max; /* of the body; 0: no limit */
    bool request_refused;       /* it is too large, which the observer has not been told */
    bool interim_seen;          /* limits what may be repeated (L8) */
    bool origin_may_have_acted; /* a byte of the request was consumed by an origin side */
    struct client_facts client_facts;
};

/* Where new exchanges go: given to the client codecs at construction (upward call). */
struct exchange_intake {
    /* The exchange has a client side and a request head.  Returns at once; decides from the wake
     * queue. */
    void (*begin)(void *owner, struct exchange *exchange);
    /* The same for a request that exchange_refuse was called for: it must not reach an origin.  Its
     * head holds what could be read of it.  NULL: the codec answers in a few words of its own. */
    void (*refuse)(void *owner, struct exchange *exchange);
    void *owner;
    struct exchange_pools *pools;
    const struct client_terms *terms; /* NULL: the defaults */
};

/* A new exchange with its client side attached.  facts are copied. */
struct exchange *exchange_new(struct exchange_pools *pools, struct side *client,
                              const struct side_ops *ops, const struct client_facts *facts);

void exchange_observe(struct exchange *exchange, const struct exchange_observer_ops *ops,
                      void *observer);

/* side gets on_head, and on_bytes when bytes or the end wait.  No origin side is attached.  The
 * request is rewound if a side before consumed any of it: only when exchange_can_replay.  A client
 * side whose head expects `100 Continue` gets on_room: its body is wanted from now on. */
void exchange_attach_origin(struct exchange *exchange, struct side *side,
                            const struct side_ops *ops);

/* The request can be given to another origin side: the response is IDLE and no consumed byte was
 * forgotten. */
bool exchange_can_replay(const struct exchange *exchange);

/* The request asks for no tunnel any more: its flow ends with its head (now the head that origins
 * get).  Before an origin side was attached. */
void exchange_strip_tunnel(struct exchange *exchange);

/* Keeps what is wrong with the request, for its answer and its line in the log. */
void exchange_refuse(struct exchange *exchange, enum err err, const struct problem *problem);

/* An origin side asks before side_put_head of a final answer. */
static inline bool exchange_refuses_answer(const struct exchange *exchange, const struct head *head)
{
    return exchange->observer_ops && exchange->observer_ops->refuses_answer &&
           exchange->observer_ops->refuses_answer(exchange->observer, head);
}

/* A body of more than bytes_max (0: no limit) fails the exchange with ERR_REQUEST_BODY_TOO_LARGE as
 * soon as that is seen: the origin's side is aborted, and the observer is asked for an answer while
 * there is none.  False when it is too large already. */
MUST_USE bool exchange_limit_request(struct exchange *exchange, uint64_t bytes_max);

/* Fails both flows and aborts the attached sides: a deadline of the proxy, a drain that has ended.
 */
void exchange_fail(struct exchange *exchange, enum err err, enum side_fault side);

#endif
