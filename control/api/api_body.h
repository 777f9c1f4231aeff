/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_body.h - the JSON body of a request: its type, its syntax, its fields.
 */
#ifndef TRUNKLINE_CONTROL_API_API_BODY_H
#define TRUNKLINE_CONTROL_API_API_BODY_H

#include "common/base/json.h"
#include "control/api/api.h"

/* Parses request->body into request->json.  415/6006 for another Content-Type, 400/6005 with line
 * and column for what does not parse or is not an object. */
MUST_USE enum err api_body_parse(struct api_request *request, struct api_reply *reply);

/* Whether Content-Type says so, or says nothing. */
bool api_body_is_json(const struct api_request *request);

/* json_decode of request->json; a problem is API_ERROR_FIELD unless the route's table says
 * otherwise. */
MUST_USE enum err api_body_decode(struct api_request *request, struct api_reply *reply,
                                  const struct json_field *fields, void *out);

#endif
