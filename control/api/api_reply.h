/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_reply.h - the envelope: {success, errors, messages, result, result_info}.
 *
 * `errors` and `messages` are always arrays and empty on success: some clients fail on anything
 * else.  Numbers are JSON integers, times are RFC 3339 UTC with microseconds.
 */
#ifndef TRUNKLINE_CONTROL_API_API_REPLY_H
#define TRUNKLINE_CONTROL_API_API_REPLY_H

#include "control/api/api_page.h"

/* Takes result (NULL: null).  Returns ERR_OK, so that an answer ends with it. */
enum err api_reply_result(struct api_reply *reply, json_t *result);

/* Takes result, an array. */
enum err api_reply_page(struct api_reply *reply, json_t *result, const struct api_page *page);

/* Takes result, an array, and what result_info says of it. */
enum err api_reply_listed(struct api_reply *reply, json_t *result, json_t *described);

/* The answer to a change: result and the revision it made. */
enum err api_reply_changed(struct api_reply *reply, json_t *result, uint64_t revision);

/* Writes the envelope of reply->error.  `path` is the request's, for "Could not route to ...". */
void api_reply_error(struct api_reply *reply, struct span path);

/* New JSON values from ours. */
json_t *api_json_text(struct span text);
json_t *api_json_id(const struct id *id);
json_t *api_json_u64(uint64_t value);
/* null for 0. */
json_t *api_json_time(uint64_t unix_us);

#endif
