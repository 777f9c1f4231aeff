/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_int.h - what the files of this room share: one exchange on its way through the steps.
 *
 * A step decides and returns the next one, or PROXY_WAIT; what it waited for (a slot, a refusal, a
 * failed origin) goes on with the step that the run stands at.  Whatever a run needs lives in the
 * exchange's arena and is gone with it.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_INT_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_INT_H

#include "dataplane/net/deadline.h"
#include "dataplane/origin/origin_pick.h"
#include "dataplane/proxy/access_line.h"
#include "dataplane/proxy/proxy.h"
#include "dataplane/proxy/proxy_ray.h"
#include "dataplane/proxy/proxy_retry.h"
#include "dataplane/proxy/zone_use.h"

#define PROXY_STEPS(X) \
    X(route)           \
    X(admit)           \
    X(acquire)         \
    X(relay)           \
    X(pause)           \
    X(redirect)        \
    X(answer_locally)  \
    X(finish)
#define PROXY_WAIT NULL

struct proxy_run;
struct proxy_step;
typedef const struct proxy_step *proxy_step_fn(struct proxy_run *run);

struct proxy_step {
    const char *name;
    proxy_step_fn *run;
};

#define X(name) extern const struct proxy_step proxy_step_##name;
PROXY_STEPS(X)
#undef X

/* Where the request is sent, and what has been tried. */
struct proxy_way {
    struct origin *origins; /* of the matched hostname */
    size_t origin_count;
    size_t picked;
    uint64_t tried;         /* origins whose dial failed */
    unsigned attempt_count; /* slots it got */
    struct proxy_retry_counts counts;
    uint64_t asked_at_ms;   /* for a connection, last */
    uint64_t connecting_ms; /* spent on connections that failed */
    bool again;             /* the same origin, on a fresh connection */
    bool h1_only;
    bool misdirected;               /* an origin answered 421 */
    struct origin_conn_facts facts; /* of the last connection */
};

struct proxy_run {
    struct list_node node; /* in proxy->running */
    struct proxy *proxy;
    struct exchange *exchange;
    const struct proxy_step *step; /* where it stands */
    struct wake wake;
    struct origin_ticket ticket;
    struct zone_use *zone_use;  /* NULL until it is admitted */
    struct route route;         /* document is NULL until a zone was found */
    struct span host;           /* the visitor's, normalised */
    struct span client_address; /* the same visitor's, behind trusted proxies too */
    const struct head *asked;   /* the head as the visitor sent it */
    struct head *sent;          /* the head as origins get it */
    struct span ray;
    struct proxy_way way;
    struct deadline wait; /* of a pause, or of a dial that another address could replace */
    enum err err;         /* why the last attempt failed, or why we answer ourselves */
    struct span reason;   /* what about TLS, for whoever set the origin up */
    bool grpc;
    bool secure; /* the visitor came by TLS, to us or to a trusted proxy */
    bool answering;
    int origin_status; /* 0: no answer */
    uint64_t begun_at_us, head_at_us;
};

struct proxy {
    struct proxy_options options;
    struct span edge_id;
    struct list running;
    struct zone_uses zones;
    struct proxy_rays rays;
    struct access_clock clock;
    struct buf line;     /* scratch for access lines */
    struct buf page;     /* scratch for error pages */
    uint64_t date_s;     /* of date_text */
    char date_text[32];  /* "Sun, 22 Nov 2026 13:29:25 GMT" */
    uint64_t told_at_ms; /* when a failure of ours was logged last */
};

/* It waits for nothing any more: no slot, no pause. */
void proxy_run_unwait(struct proxy_run *run);
/* What it asked for last was no connection: the time is gone. */
void proxy_run_count_connecting(struct proxy_run *run);
/* Counts why a visitor's request was not served, when that was its own doing. */
void proxy_run_count_refusal(const struct proxy_run *run, enum err err);
/* Goes on with the step that it stands at. */
void proxy_run_steps(struct proxy_run *run);

/* The client is still there to be answered. */
static inline bool proxy_run_wanted(const struct proxy_run *run)
{
    return run->exchange->client != NULL;
}

#endif
