/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_propagation.c - the publisher's record, in the words of the api.
 */
#include "control/server/server_int.h"

#include "common/base/mem.h"

static void copy_edges(const struct propagation_view *view, struct arena *arena,
                       struct api_propagation_answer *out)
{
    out->edge_count = view->edge_count;
    out->edges = arena_calloc(arena, view->edge_count, sizeof(out->edges[0]));
    for (size_t i = 0; i < view->edge_count; i++) {
        const struct propagation_edge *edge = &view->edges[i];
        out->edges[i] = (struct api_edge){
            .edge_id = arena_copy(arena, span_str(edge->edge_id)),
            .revision = edge->revision,
            .workers = edge->workers,
            .workers_applied = edge->workers_applied,
            .took_us = edge->took_us,
            .applied_at_us = edge->applied_at_us,
            .connected = edge->connected,
        };
    }
}

static void copy_problems(const struct propagation_view *view, struct arena *arena,
                          struct api_propagation_answer *out)
{
    out->problem_count = view->refusal_count;
    out->problems = arena_calloc(arena, view->refusal_count, sizeof(out->problems[0]));
    for (size_t i = 0; i < view->refusal_count; i++) {
        const struct propagation_refusal *refusal = &view->refusals[i];
        out->problems[i] = (struct api_edge_problem){
            .edge_id = arena_copy(arena, span_str(refusal->edge_id)),
            .revision = refusal->revision,
            .path = arena_copy(arena, span_str(refusal->path)),
            .text = arena_copy(arena, span_str(refusal->text)),
        };
    }
}

void server_propagation_read(void *record, const struct api_propagation_question *question,
                             struct arena *arena, struct api_propagation_answer *out)
{
    const struct propagation_question asked = {question->zone_id, question->document_revision,
                                               question->revision};
    struct propagation_view *view = mem_new(struct propagation_view);
    propagation_read(record, &asked, view);
    out->applied = view->applied;
    copy_edges(view, arena, out);
    copy_problems(view, arena, out);
    mem_free(&view);
}
