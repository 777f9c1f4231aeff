/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_knowledge.h - what was learned about an origin that others should know: which protocol it
 * speaks, and what the edge decided because of it.
 *
 *      worker --knowledge--> supervisor --knowledge--> the other workers, and a file
 *             --event------>            --event------> control: the zone's owner sees it
 *
 * Knowledge has two places for each origin, and a newer fact replaces the older one in its place:
 *
 *      negotiated   ALPN said h2, or not          H2, H1
 *      resting      HTTP/2 is left alone           REQUIRED (the origin said so), SUSPENDED (it
 * broke)
 *
 * Times are wall seconds, because they are shared and kept; whoever reads them clamps them to the
 * longest time that the fact may hold, so that a clock that jumps does no lasting harm.
 */
#ifndef TRUNKLINE_COMMON_MODEL_ORIGIN_KNOWLEDGE_H
#define TRUNKLINE_COMMON_MODEL_ORIGIN_KNOWLEDGE_H

#include "common/model/digest.h"
#include "common/model/id.h"
#include "common/model/limits.h"

/* name, number on the wire, place, longest time */
#define ORIGIN_FACT_TABLE(X)                             \
    X(H1, 1, NEGOTIATED, LIMIT_ORIGIN_PROTOCOL_MS)       \
    X(H2, 2, NEGOTIATED, LIMIT_ORIGIN_PROTOCOL_MS)       \
    X(H1_REQUIRED, 3, RESTING, LIMIT_ORIGIN_PROTOCOL_MS) \
    X(H2_SUSPENDED, 4, RESTING, LIMIT_ORIGIN_SUSPENDED_MAX_MS)

enum origin_fact {
#define X(name, number, place, longest_ms) ORIGIN_FACT_##name = (number),
    ORIGIN_FACT_TABLE(X)
#undef X
};

enum origin_fact_place { ORIGIN_PLACE_NEGOTIATED, ORIGIN_PLACE_RESTING, ORIGIN_PLACE_COUNT };

struct origin_knowledge {
    struct digest origin; /* of its key (origin.h) */
    enum origin_fact fact;
    uint32_t count;   /* H2_SUSPENDED: how many times in a row */
    uint64_t until_s; /* H2_SUSPENDED with 0: HTTP/2 works again */
};

/* slug, number on the wire */
#define ORIGIN_REASON_TABLE(X)                                                               \
    X(H2_PROTOCOL_ERRORS, 1, "h2_protocol_errors") /* frames against RFC 9113 */             \
    X(H2_NO_SETTINGS, 2, "h2_no_settings")         /* ALPN said h2, no SETTINGS came */      \
    X(H2_NOT_SPOKEN, 3, "h2_not_spoken")           /* ALPN said h2, something else came */   \
    X(H2_RESETS, 4, "h2_resets")                   /* one stream after the other reset */    \
    X(H2_GOAWAYS, 5, "h2_goaways")                 /* GOAWAY with errors, again and again */ \
    X(H2_CLOSED, 7, "h2_closed")                   /* ALPN said h2, then it closed */        \
    X(H2_RESUMED, 6, "h2_resumed")                 /* an answer came over HTTP/2 again */

enum origin_reason {
    ORIGIN_REASON_NONE,
#define X(name, number, slug) ORIGIN_REASON_##name = (number),
    ORIGIN_REASON_TABLE(X)
#undef X
};

#define ORIGIN_PLACE_TEXT_BYTES (LIMIT_HOSTNAME_BYTES + 16)

/* What an edge decided by itself. */
struct origin_event {
    struct id zone_id;
    enum origin_reason reason;
    uint64_t at_s, until_s; /* until: 0 for H2_RESUMED */
    struct span origin;     /* "address:port", at most ORIGIN_PLACE_TEXT_BYTES */
    struct span sni;        /* may be empty */
};

/* False for a number that is no fact. */
bool origin_fact_known(uint32_t number);
enum origin_fact_place origin_fact_place(enum origin_fact fact);
/* How long the fact still holds: 0 when it is over, never more than it may. */
uint64_t origin_fact_left_ms(enum origin_fact fact, uint64_t until_s, uint64_t now_s);

/* False for a number that is no reason. */
bool origin_reason_known(uint32_t number);
/* "h2_no_settings" */
const char *origin_reason_slug(enum origin_reason reason);

#endif
