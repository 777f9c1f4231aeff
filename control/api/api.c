/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - the steps that every request takes, and what its answer may hold meanwhile.
 *
 *      split -> match -> authenticate -> permit -> parse -> route->answer -> (error of the route)
 * -> give back
 */
#include "control/api/api.h"

#include "common/base/log.h"
#include "control/api/api_absent.h"
#include "control/api/api_admit.h"
#include "control/api/api_auth.h"
#include "control/api/api_body.h"
#include "control/api/api_etag.h"
#include "control/api/api_idempotency.h"
#include "control/api/api_permit.h"
#include "control/api/api_reply.h"
#include "control/api/api_router.h"

/* What an err means where the route's own table is silent. */
static const struct api_error_map common_errors[] = {
    {ERR_UNAUTHENTICATED, API_ERROR_TOKEN_INVALID},
    {ERR_FORBIDDEN, API_ERROR_NOT_ALLOWED},
    {ERR_NOT_FOUND, API_ERROR_NO_OBJECT},
    {ERR_INVALID, API_ERROR_FIELD},
    {ERR_ORIGIN_ADDRESS, API_ERROR_FIELD},
    {ERR_EXISTS, API_ERROR_CONFLICT},
    {ERR_CONFLICT, API_ERROR_CONFLICT},
    {ERR_PRECONDITION, API_ERROR_PRECONDITION},
    {ERR_LIMIT, API_ERROR_QUOTA},
    {ERR_TOO_LARGE, API_ERROR_BODY_TOO_LARGE},
    {ERR_BUSY, API_ERROR_BUSY},
    {ERR_OUTCOME_UNKNOWN, API_ERROR_BUSY},
    {ERR_DISK_FULL, API_ERROR_DISK_FULL},
    {ERR_OK, API_ERROR_NONE},
};

static const char *const method_names[API_METHOD_COUNT] = {
#define X(name) #name,
    API_METHOD_TABLE(X)
#undef X
};

const char *api_method_name(enum api_method method)
{
    ASSERT(method < API_METHOD_COUNT);
    return method_names[method];
}

enum err api_param_id(const struct api_request *request, size_t index, struct id *out)
{
    ASSERT(index < API_PARAMS_MAX);
    return id_parse(request->params[index], out) == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

enum err api_reader(struct api_request *request, struct store_conn **out)
{
    if (!request->reader)
        TRY(store_read_begin(request->api->store, &request->reader));
    *out = request->reader;
    return ERR_OK;
}

enum err api_change_begin(struct api_request *request, struct api_reply *reply)
{
    ASSERT(request->change == NULL);
    /* What is read after the change must be newer than it. */
    store_read_end(&request->reader);
    TRY(change_begin(request->api->door, &request->actor, &request->change));
    TRY(api_etag_require(request, reply));
    return api_idempotency_claim(request, reply);
}

enum err api_change_commit(struct api_request *request, struct api_reply *reply)
{
    return change_commit(&request->change, &reply->revision, &reply->problem);
}

static enum api_error find_error(const struct api_error_map *map, enum err err)
{
    for (; map && map->err != ERR_OK; map++)
        if (map->err == err)
            return map->error;
    return API_ERROR_NONE;
}

static void settle_error(const struct api_request *request, struct api_reply *reply, enum err err)
{
    if (reply->error == API_ERROR_NONE && request->route)
        reply->error = find_error(request->route->errors, err);
    if (reply->error == API_ERROR_NONE)
        reply->error = find_error(common_errors, err);
    if (reply->error == API_ERROR_NONE) {
        reply->error = API_ERROR_INTERNAL;
        log_error("api_answer_failed", F_SPAN("request_id", id_span(&request->request_id)),
                  F_ERR(err), F_STR("path", reply->problem.path),
                  F_STR("text", reply->problem.text));
        /* The words for a bug of ours are for the log only. */
        reply->problem = (struct problem){0};
    }
    api_reply_error(reply, request->path);
}

static enum err no_route(struct api_reply *reply, struct span below)
{
    struct span name = api_absent_name(below);
    if (name.len > 0)
        return api_fail(reply, API_ERROR_NO_ROUTE, "",
                        "No route for that URI: Trunkline does not have %.*s", SPAN_ARG(name));
    return api_fail(reply, API_ERROR_NO_ROUTE, "", "%s", "No route for that URI");
}

static enum err match_route(struct api_request *request, struct api_reply *reply)
{
    struct span below = request->path;
    struct api_match match = {0};
    enum api_error error = API_ERROR_NO_ROUTE;
    if (span_starts_with(below, SPAN(API_PREFIX "/"))) {
        below = span_skip(below, sizeof(API_PREFIX) - 1);
        error = api_router_match(api_tables, request->method, below, &match);
    }
    if (error == API_ERROR_METHOD) {
        reply->allowed = match.allowed;
        return api_fail(reply, error, "", "%s", "Method not available for that URI.");
    }
    if (error != API_ERROR_NONE)
        return no_route(reply, below);
    request->route = match.route;
    memcpy(request->params, match.params, sizeof(request->params));
    return ERR_OK;
}

static enum err answer(struct api_request *request, struct api_reply *reply)
{
    TRY(match_route(request, reply));
    TRY(api_admit(request, reply));
    if (request->route->permission == PERMISSION_PUBLIC && !api_auth_same_site(request, false))
        return api_fail(reply, API_ERROR_LOGIN_FOREIGN, "", "%s", "must come from the dashboard");
    TRY(api_permit(request, reply));
    if (request->route->takes_json)
        TRY(api_body_parse(request, reply));
    TRY(api_idempotency_begin(request, reply));
    return reply->replayed ? ERR_OK : request->route->answer(request, reply);
}

void api_dispatch(struct api_request *request, struct api_reply *reply)
{
    arena_init(&request->arena, NULL);
    request->query = request->target;
    request->path = span_split(&request->query, '?');

    enum err err = answer(request, reply);
    if (err != ERR_OK)
        settle_error(request, reply, err);
    else
        api_etag_answer(request, reply);

    api_idempotency_keep(request, reply);
    change_abandon(&request->change);
    store_read_end(&request->reader);
    json_decref(request->json);
    request->json = NULL;
    arena_release(&request->arena);
}
