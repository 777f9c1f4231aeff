/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_fields.h - header blocks: nghttp2's names and values to heads, and heads to nghttp2_nv.
 *
 *      in    h2_fields_take one by one -> pseudo-header fields into the head, the rest into fields;
 *            h2_fields_join_cookies at the end of the block (RFC 9113 8.2.3)
 *      out   h2_fields_request | _response | _trailers -> struct h2_block, lent to nghttp2_submit_*
 *
 * A request block is not copied by nghttp2 (NO_COPY): names and values lie in the exchange's arena,
 * and a request whose exchange ends before the HEADERS frame left is cancelled inside nghttp2.  An
 * answer's values are copied, because its HEADERS frame can be in the queue when the exchange goes.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_FIELDS_H
#define TRUNKLINE_DATAPLANE_H2_H2_FIELDS_H

#include <nghttp2/nghttp2.h>

#include "dataplane/http/head.h"

/* LIMIT_FIELDS, the pseudo-header fields, content-length; more (cookie lines) go to the arena. */
#define H2_BLOCK_INLINE (LIMIT_FIELDS + 8)

struct h2_block {
    nghttp2_nv *items;
    size_t count;
    nghttp2_nv storage[H2_BLOCK_INLINE];
};

/* One field of a head (head != NULL) or of a trailer section.  Copies into the fields' arena what
 * is not in HPACK's static table. */
MUST_USE enum err h2_fields_take(struct head *head, struct fields *fields, nghttp2_rcbuf *name,
                                 nghttp2_rcbuf *value);
/* All cookie lines become one, with "; " between. */
void h2_fields_join_cookies(struct fields *fields);

/* block is uninitialised memory before; arena holds what has to be made. */
void h2_fields_request(struct h2_block *block, const struct head *head, struct arena *arena);
void h2_fields_response(struct h2_block *block, const struct head *head, struct arena *arena);
void h2_fields_trailers(struct h2_block *block, const struct fields *trailers, struct arena *arena);

#endif
