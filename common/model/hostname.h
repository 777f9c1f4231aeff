/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostname.h - one written form for every hostname: lower case, A-labels, no trailing dot.
 *
 * Two tenants must never own two spellings of one name, so everything that compares hostnames
 * compares normalised ones only.
 */
#ifndef TRUNKLINE_COMMON_MODEL_HOSTNAME_H
#define TRUNKLINE_COMMON_MODEL_HOSTNAME_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/model/limits.h"

struct hostname {
    char text[LIMIT_HOSTNAME_BYTES + 1]; /* NUL-terminated */
    size_t len;
};

enum hostname_form {
    HOSTNAME_EXACT,    /* "www.example.com" */
    HOSTNAME_WILDCARD, /* also "*.example.com": the star is the whole first label */
};

/* Letters, digits, hyphen and underscore in labels of 1 to 63; an all-numeric last label is an
 * address, not a name.  ERR_INVALID with a text that says what is wrong. */
MUST_USE enum err hostname_parse(struct span text, enum hostname_form form, struct hostname *out,
                                 struct problem *problem);

/* True when name is zone or lies below it. */
bool hostname_within(struct span name, struct span zone);

/* "a.b.c" gives "*.b.c"; false when there is no label left to replace. */
MUST_USE bool hostname_wildcard_of(struct span name, struct hostname *out);

static inline struct span hostname_span(const struct hostname *name)
{
    return span_of(name->text, name->len);
}

#endif
