/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - SHA-256: documents, the chain of revisions, tokens at rest.  SHA-1 where a protocol
 * wants it.
 */
#ifndef TRUNKLINE_COMMON_MODEL_DIGEST_H
#define TRUNKLINE_COMMON_MODEL_DIGEST_H

#include "common/base/span.h"

#define DIGEST_BYTES 32

struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

struct digest digest_of(struct span bytes);
/* SHA-256(previous || item): one link of a chain. */
struct digest digest_chain(const struct digest *previous, const struct digest *item);

/* For RFC 6455 4.2.2 alone: proves nothing. */
#define DIGEST_SHA1_BYTES 20
void digest_sha1(struct span bytes, uint8_t out[DIGEST_SHA1_BYTES]);

static inline bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

static inline struct span digest_span(const struct digest *d)
{
    return span_of(d->bytes, DIGEST_BYTES);
}

#endif
