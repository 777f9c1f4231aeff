/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_record_data.h - which words of a record's content are which member of its `data`.
 *
 *      "data": {"algorithm": 4, "type": 2, "fingerprint": "ab.."}  <->  "content": "4 2 ab.."
 *
 * Tools that keep infrastructure as code write structured types (CAA, SRV, SSHFP, TLSA, LOC, ...)
 * by members and read them back so; numbers may come as text.  A list of each type's members in the
 * order of its presentation format (RFC 1035 5.1 and each type's own) serves both ways.
 */
#ifndef TRUNKLINE_CONTROL_API_API_RECORD_DATA_H
#define TRUNKLINE_CONTROL_API_API_RECORD_DATA_H

#include "common/base/json.h"
#include "control/api/api.h"
#include "control/change/change_record.h"
#include "control/store/store_records.h"

/* NULL for a type without members, and for content that was written in another form. */
json_t *api_record_data_json(const struct store_record *record);

/* Sets content from `data`, in the arena.  A number that is absent is 0, but the priority that
 * stands beside `data`.  A type without members leaves spec as it is. */
MUST_USE enum err api_record_data_decode(const json_t *data, struct arena *arena,
                                         struct change_record_spec *spec, struct problem *problem);

#endif
