/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_record.h - a DNS record, to JSON and from it.
 *
 * CAA and SRV records have their content in pieces as well, under `data`, as the clients that
 * manage them send it.
 */
#ifndef TRUNKLINE_CONTROL_API_API_RECORD_H
#define TRUNKLINE_CONTROL_API_API_RECORD_H

#include "control/api/api.h"
#include "control/change/change_record.h"
#include "control/store/store_records.h"
#include "control/store/store_zones.h"

/* A new value. */
json_t *api_record_json(const struct store_zone *zone, const struct store_record *record);

/* path stands before the members of a problem: "" or "posts[2]". */
MUST_USE enum err api_record_decode(struct api_request *request, struct api_reply *reply,
                                    const json_t *json, const char *path,
                                    struct change_record_spec *out);

/* What an err means for records; ends with {ERR_OK, API_ERROR_NONE}. */
extern const struct api_error_map api_record_errors[];

#endif
