/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_propagation.h - what the REST interface asks about the edges, and nobody answers by name.
 *
 * The record of who has which revision is kept by a neighbour on the same floor, so the server
 * hands it down as a function (house.md, rule 4).  Without one no edge is known.
 */
#ifndef TRUNKLINE_CONTROL_API_API_PROPAGATION_H
#define TRUNKLINE_CONTROL_API_API_PROPAGATION_H

#include "common/base/arena.h"
#include "common/model/id.h"

struct api_edge {
    struct span edge_id;
    uint64_t revision;
    uint32_t workers, workers_applied;
    uint64_t took_us;
    uint64_t applied_at_us; /* 0: not since control started */
    bool connected;
};

struct api_edge_problem {
    struct span edge_id;
    uint64_t revision;
    struct span path, text;
};

struct api_propagation_question {
    struct id zone_id;
    uint64_t document_revision; /* of the zone */
    uint64_t revision;          /* that should be applied */
};

struct api_propagation_answer {
    bool applied;
    struct api_edge *edges;
    size_t edge_count;
    struct api_edge_problem *problems;
    size_t problem_count;
};

/* What the answer points to is taken from arena. */
typedef void api_propagation_fn(void *record, const struct api_propagation_question *question,
                                struct arena *arena, struct api_propagation_answer *out);

struct api_propagation {
    api_propagation_fn *read; /* NULL: no edge is known */
    void *record;
};

#endif
