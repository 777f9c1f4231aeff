/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - the field lines of one message, in order, names in lower case.
 *
 * Names and values are borrowed spans; whoever adds them keeps the bytes alive as long as the list
 * (usually: copies them into the same arena first).  Known names carry their id, so that rules look
 * at an integer.
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_FIELDS_H
#define TRUNKLINE_DATAPLANE_HTTP_FIELDS_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/limits.h"
#include "dataplane/http/field_table.h"

enum field_flag { FIELD_HOP = 1, FIELD_EDGE = 2, FIELD_NOTRAIL = 4 };

enum field_id {
    FIELD_OTHER,
#define X(id, text, flags) FIELD_##id,
    FIELD_TABLE(X)
#undef X
        FIELD_ID_COUNT
};

/* What a field counts beside its name and value (RFC 9113 6.5.2). */
#define FIELD_OVERHEAD_BYTES 32

struct field {
    struct span name, value;
    enum field_id id;
};

struct fields {
    struct field *items;
    uint32_t count, cap;
    uint32_t crumbs; /* cookie lines past the first: LIMIT_FIELDS counts them as one */
    size_t bytes;    /* names and values and FIELD_OVERHEAD_BYTES a field */
    struct arena *arena;
};

void fields_init(struct fields *fields, struct arena *arena);

/* name is lower case already.  ERR_REQUEST_HEAD_TOO_LARGE past LIMIT_FIELDS or LIMIT_HEAD_BYTES. */
MUST_USE enum err fields_add(struct fields *fields, struct span name, struct span value);

/* The id of a lower-case name. */
enum field_id field_id_of(struct span name);
unsigned field_flags(enum field_id id);
struct span field_text(enum field_id id);

/* The first with this id, or NULL. */
const struct field *fields_find(const struct fields *fields, enum field_id id);
size_t fields_count(const struct fields *fields, enum field_id id);

/* True when a comma list in any line of this id has this member (case-insensitive), e.g.
 * connection: close. */
bool fields_list_has(const struct fields *fields, enum field_id id, struct span member);

/* RFC 9110 5.1 and 5.5: a token; no control character but HTAB, no CR, LF, NUL, not blank at the
 * ends. */
bool field_name_valid(struct span name);
bool field_value_valid(struct span value);

#endif
