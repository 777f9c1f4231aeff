/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_edges.c - /zones/{zone}/propagation: which edges and workers have applied a change.
 *
 * With `wait` the answer comes when the revision is applied or `timeout` has passed, whichever is
 * first: the request is put aside by the server and dispatched again, with `waited` set.
 */
#include "common/base/text.h"
#include "control/api/api_query.h"
#include "control/api/api_reply.h"
#include "control/api/api_routes.h"
#include "control/api/api_zone.h"

#define WAIT_MS_NORMAL 5000

static json_t *edge_json(const struct api_edge *edge)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "id", api_json_text(edge->edge_id), "revision",
        api_json_u64(edge->revision), "workers", api_json_u64(edge->workers), "workers_applied",
        api_json_u64(edge->workers_applied), "took_ms", api_json_u64((edge->took_us + 999) / 1000),
        "applied_at", api_json_time(edge->applied_at_us), "connected", edge->connected);
}

static json_t *problem_json(const struct api_edge_problem *problem)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "edge", api_json_text(problem->edge_id), "revision",
                     api_json_u64(problem->revision), "path", api_json_text(problem->path), "text",
                     api_json_text(problem->text));
}

static json_t *propagation_json(const struct api_propagation_question *question,
                                const struct api_propagation_answer *answer)
{
    json_t *edges = json_array(), *problems = json_array();
    for (size_t i = 0; i < answer->edge_count; i++)
        json_array_append_new(edges, edge_json(&answer->edges[i]));
    for (size_t i = 0; i < answer->problem_count; i++)
        json_array_append_new(problems, problem_json(&answer->problems[i]));
    return json_pack("{s:o, s:o, s:b, s:o, s:o}", "zone_id", api_json_id(&question->zone_id),
                     "revision", api_json_u64(question->revision), "applied", answer->applied,
                     "edges", edges, "problems", problems);
}

static enum err read_wait(struct api_request *request, struct api_reply *reply,
                          struct api_propagation_question *question, uint64_t *wait_ms)
{
    struct span text;
    *wait_ms = 0;
    if (!api_query_get(request, "wait", &text))
        return ERR_OK;
    if (text_parse_u64(text, INT64_MAX, &question->revision) != ERR_OK)
        return api_fail(reply, API_ERROR_FIELD, "wait", "%s",
                        "must be a revision, as X-Config-Revision told it");
    *wait_ms = WAIT_MS_NORMAL;
    if (api_query_get(request, "timeout", &text) &&
        text_parse_duration(text, LIMIT_API_WAIT_MS, wait_ms) != ERR_OK)
        return api_fail(reply, API_ERROR_FIELD, "timeout", "must be a time like 5s, at most %ds",
                        LIMIT_API_WAIT_MS / 1000);
    return ERR_OK;
}

static enum err propagation_details(struct api_request *request, struct api_reply *reply)
{
    struct store_zone zone;
    TRY(api_zone_read(request, &zone));
    struct api_propagation_question question = {zone.id, zone.revision, zone.revision};
    uint64_t wait_ms;
    TRY(read_wait(request, reply, &question, &wait_ms));
    struct api_propagation_answer answer = {0};
    const struct api_propagation *propagation = &request->api->propagation;
    if (propagation->read)
        propagation->read(propagation->record, &question, &request->arena, &answer);
    if (propagation->read && !answer.applied && answer.problem_count == 0 && !request->waited &&
        wait_ms > 0) {
        reply->wait = (struct api_wait){question.revision, wait_ms};
        return ERR_OK;
    }
    return api_reply_result(reply, propagation_json(&question, &answer));
}

const struct api_route api_edges_routes[] = {
    {API_GET, "/zones/{zone}/propagation", PERMISSION_ZONE_READ, propagation_details, NULL, false},
    API_ROUTES_END,
};
