/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_router.c - which route a method and a path mean.
 */
#include "control/api/api_router.h"

static bool match_pattern(struct span pattern, struct span path, struct span *params)
{
    size_t count = 0;
    while (pattern.len > 0 && path.len > 0) {
        struct span wanted = span_split(&pattern, '/');
        struct span given = span_split(&path, '/');
        if (wanted.len > 0 && wanted.ptr[0] == '{') {
            if (given.len == 0)
                return false;
            ASSERT(count < API_PARAMS_MAX);
            params[count++] = given;
        } else if (!span_equal(wanted, given)) {
            return false;
        }
    }
    return pattern.len == 0 && path.len == 0;
}

static void consider(const struct api_route *route, struct span method, struct span path,
                     struct api_match *out)
{
    struct span params[API_PARAMS_MAX] = {0};
    if (!match_pattern(span_str(route->pattern), path, params))
        return;
    out->allowed |= 1u << route->method;
    if (out->route || !span_equal(method, span_str(api_method_name(route->method))))
        return;
    out->route = route;
    memcpy(out->params, params, sizeof(params));
}

enum api_error api_router_match(const struct api_route *const *tables, struct span method,
                                struct span path, struct api_match *out)
{
    *out = (struct api_match){0};
    /* "/zones/" is no other thing than "/zones". */
    if (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    if (span_equal(method, SPAN("HEAD")))
        method = SPAN("GET");
    for (; *tables; tables++)
        for (const struct api_route *route = *tables; route->pattern; route++)
            consider(route, method, path, out);
    if (out->route)
        return API_ERROR_NONE;
    return out->allowed ? API_ERROR_METHOD : API_ERROR_NO_ROUTE;
}
