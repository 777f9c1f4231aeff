/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_body.c - the JSON body of a request.
 */
#include "control/api/api_body.h"

/* "application/json", with or without parameters.  Scripts often send no type at all, so an absent
 * one is believed; a browser's cross-site form always sends one. */
static bool is_json_type(struct span content_type)
{
    struct span type = span_trim(span_split(&content_type, ';'));
    return type.len == 0 || span_equal_nocase(type, SPAN("application/json"));
}

bool api_body_is_json(const struct api_request *request)
{
    return is_json_type(request->content_type);
}

enum err api_body_parse(struct api_request *request, struct api_reply *reply)
{
    if (!api_body_is_json(request))
        return api_fail(reply, API_ERROR_BODY_NOT_JSON, "", "The Content-Type must be %s",
                        "application/json");
    if (request->body.len == 0)
        return api_fail(reply, API_ERROR_BODY_SYNTAX, "", "%s",
                        "The request body is empty; a JSON object was expected");
    struct problem problem = {0};
    if (json_parse(request->body, &request->json, &problem) != ERR_OK)
        return api_fail(reply, API_ERROR_BODY_SYNTAX, "", "The request body is not valid JSON: %s",
                        problem.text);
    if (!json_is_object(request->json))
        return api_fail(reply, API_ERROR_BODY_SYNTAX, "", "%s",
                        "The request body must be a JSON object (line 1, column 1)");
    return ERR_OK;
}

enum err api_body_decode(struct api_request *request, struct api_reply *reply,
                         const struct json_field *fields, void *out)
{
    return json_decode(request->json, fields, "", out, &reply->problem);
}
