/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error_page.h - what a visitor reads when the edge answers instead of an origin.
 *
 * A page in HTML, or an object in JSON for those who ask for it: the status, the error's name, one
 * plain sentence, the exchange's id and the time.  Nothing of the request is repeated, and nothing
 * of the tenant's origin is told but the kind of failure and, of TLS, which rule it broke.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_ERROR_PAGE_H
#define TRUNKLINE_DATAPLANE_PROXY_ERROR_PAGE_H

#include "common/base/buf.h"
#include "dataplane/http/fields.h"

#define ERROR_PAGE_BYTES_MAX 8192

struct error_page {
    enum err err;
    struct span ray;
    struct span reason; /* empty: none is known */
    uint64_t unix_us;
    bool json;
};

/* Appends the body. */
void error_page_write(const struct error_page *page, struct buf *out);

/* `accept` names application/json and not text/html. */
bool error_page_wants_json(const struct fields *fields);

/* The page in one sentence, plain ASCII. */
const char *error_page_sentence(enum err err);

#endif
