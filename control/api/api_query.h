/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_query.h - the query of a request, read by name.
 *
 * Values are percent-decoded into the request's arena.  Nothing is kept between calls: a query is
 * short (the server bounds the head) and is walked once for each name.
 */
#ifndef TRUNKLINE_CONTROL_API_API_QUERY_H
#define TRUNKLINE_CONTROL_API_API_QUERY_H

#include "control/api/api.h"

/* The first value of name; false (and *out empty) when it is not there or its escapes are broken.
 */
bool api_query_get(struct api_request *request, const char *name, struct span *out);

/* The values of name, both repeated and in comma lists, at most out_max; returns how many. */
size_t api_query_list(struct api_request *request, const char *name, struct span *out,
                      size_t out_max);

/* A whole number within [min, max]; absent gives fallback.  API_ERROR_FIELD otherwise. */
struct api_query_range {
    uint64_t min, max, fallback;
};
MUST_USE enum err api_query_u64(struct api_request *request, struct api_reply *reply,
                                const char *name, const struct api_query_range *range,
                                uint64_t *out);

#endif
