/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_etag.h - two people who edit the same thing: the second one learns that it was changed.
 *
 *      GET                  -> ETag: "5f1c..."            a digest of the answer's body
 *      GET, If-None-Match   -> 304 without a body, when the digest is still that
 *      PATCH.., If-Match    -> 412, when a GET of the same path would not answer that digest now
 *
 * The comparison is made inside the change (api_change_begin): nobody else writes between it and
 * the commit.  Tags are strong (RFC 9110 8.8.3), so W/"..." never matches an If-Match.
 */
#ifndef TRUNKLINE_CONTROL_API_API_ETAG_H
#define TRUNKLINE_CONTROL_API_API_ETAG_H

#include "control/api/api.h"

/* After the answer of a GET: the reply's etag; 304 when the client has this already. */
void api_etag_answer(const struct api_request *request, struct api_reply *reply);

/* ERR_PRECONDITION when the request's If-Match names none of what is there now; while the change
 * is open. */
MUST_USE enum err api_etag_require(const struct api_request *request, struct api_reply *reply);

#endif
