/* SPDX-License-Identifier: Apache-2.0 */
/*
 * propagation.h - the record of who has which revision, and who waits for one.
 *
 * Answers one question: "is revision n applied?"  It is when at least one edge is connected and
 * every connected edge has acknowledged n or more.  What an edge refused (NACK) is kept by zone
 * until the zone's document is newer than what was refused.
 *
 *      publisher's thread                      the server's threads
 *      connected, applied, refused, gone  -->  propagation_read
 *      applied, expire                    -->  wake(wait): at most once for each wait_start
 *
 * Ownership: a wait is the caller's memory, borrowed until its wake ran.
 * Threads:   any; one lock inside.  wake is called under that lock: it may not come back here.
 * Limits:    LIMIT_EDGES, LIMIT_EDGE_REFUSALS, LIMIT_API_WAITING.
 */
#ifndef TRUNKLINE_CONTROL_PUBLISH_PROPAGATION_H
#define TRUNKLINE_CONTROL_PUBLISH_PROPAGATION_H

#include "common/base/list.h"
#include "common/base/span.h"
#include "common/model/id.h"
#include "common/model/limits.h"

#define EDGE_ID_BYTES 64
#define PROPAGATION_PATH_BYTES 96
#define PROPAGATION_TEXT_BYTES 192

struct propagation;

/* What is known of one edge. */
struct propagation_edge {
    char edge_id[EDGE_ID_BYTES];
    uint64_t revision; /* acknowledged */
    uint32_t workers, workers_applied;
    uint64_t took_us;       /* of the newest push, from its BEGIN to its ACK */
    uint64_t applied_at_us; /* wall time of the newest ACK; 0: none since control started */
    bool connected;
};

/* A document that an edge set aside. */
struct propagation_refusal {
    char edge_id[EDGE_ID_BYTES];
    struct id zone_id;
    uint64_t revision;
    char path[PROPAGATION_PATH_BYTES];
    char text[PROPAGATION_TEXT_BYTES];
};

struct propagation_view {
    bool applied;
    size_t edge_count, refusal_count;
    struct propagation_edge edges[LIMIT_EDGES];
    struct propagation_refusal refusals[LIMIT_EDGES]; /* at most one of an edge */
};

struct propagation *propagation_new(void);
/* Nobody waits any more; leaves NULL behind. */
void propagation_free(struct propagation **propagation);

/* The publisher's verbs.  `revision` is what the edge already serves (0: it starts anew). */
void propagation_edge_connected(struct propagation *propagation,
                                const struct propagation_edge *edge);
void propagation_edge_applied(struct propagation *propagation, const struct propagation_edge *edge);
void propagation_edge_refused(struct propagation *propagation,
                              const struct propagation_refusal *refusal);
/* A full feed begins: what was refused before is forgotten. */
void propagation_edge_renewed(struct propagation *propagation, const char *edge_id);
void propagation_edge_gone(struct propagation *propagation, const char *edge_id);
/* Wakes the waits whose deadline has passed. */
void propagation_expire(struct propagation *propagation, uint64_t now_ms);

/* Fills *out (large: not for a stack) for one zone whose document has document_revision; applied
 * means `revision` is everywhere and no edge refused the zone's document. */
struct propagation_question {
    struct id zone_id;
    uint64_t document_revision, revision;
};
void propagation_read(struct propagation *propagation, const struct propagation_question *question,
                      struct propagation_view *out);

struct propagation_wait;
typedef void propagation_wake_fn(struct propagation_wait *wait);

struct propagation_wait {
    struct list_node node; /* zeroed by the caller */
    uint64_t revision;
    uint64_t deadline_ms; /* clock_mono_ms */
    propagation_wake_fn *wake;
};

/* True: wake follows exactly once, from another thread, perhaps already.  False: there is nothing
 * to wait for (applied already, too many wait, or stopped) and wake is not called. */
MUST_USE bool propagation_wait_start(struct propagation *propagation,
                                     struct propagation_wait *wait);

/* Wakes everyone and refuses new waits, for good. */
void propagation_stop(struct propagation *propagation);

#endif
