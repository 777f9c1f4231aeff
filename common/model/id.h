/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id.h - identities: 128 random bits, shown as 32 lowercase hex digits.
 */
#ifndef TRUNKLINE_COMMON_MODEL_ID_H
#define TRUNKLINE_COMMON_MODEL_ID_H

#include "common/base/err.h"
#include "common/base/span.h"

#define ID_TEXT_BYTES 32

/* NUL-terminated, so that it can be logged and bound as it is.  An empty id is "no id". */
struct id {
    char text[ID_TEXT_BYTES + 1];
};

struct id id_new(void);
/* ERR_INVALID unless it is 32 lowercase hex digits. */
MUST_USE enum err id_parse(struct span text, struct id *out);

static inline bool id_equal(struct id a, struct id b)
{
    return memcmp(a.text, b.text, sizeof(a.text)) == 0;
}

static inline struct span id_span(const struct id *id)
{
    return span_of(id->text, strlen(id->text));
}

#endif
