/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_router.h - which route a method and a path mean.
 *
 * A pattern is a path whose segments in braces match any one segment.  Routes are tried in order,
 * so a fixed segment stands before a braced one in its table.  Some forty routes: a walk is enough.
 */
#ifndef TRUNKLINE_CONTROL_API_API_ROUTER_H
#define TRUNKLINE_CONTROL_API_API_ROUTER_H

#include "control/api/api.h"

struct api_match {
    const struct api_route *route;
    struct span params[API_PARAMS_MAX]; /* what stood in the place of the braces */
    uint32_t allowed;                   /* 1 << method, of all routes with this path */
};

/* Tables end with a NULL pattern; the list of tables ends with NULL.  `path` is what follows the
 * prefix.  API_ERROR_NONE, API_ERROR_NO_ROUTE or API_ERROR_METHOD (then allowed says which). */
MUST_USE enum api_error api_router_match(const struct api_route *const *tables, struct span method,
                                         struct span path, struct api_match *out);

#endif
