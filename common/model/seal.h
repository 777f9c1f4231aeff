/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - private keys at rest: XChaCha20-Poly1305 under a key that lives beside the store,
 * never in it.
 *
 * `bound_to` (a zone's id and a certificate's id) is authenticated with the secret, so that a row
 * that was swapped for another does not open.
 */
#ifndef TRUNKLINE_COMMON_MODEL_SEAL_H
#define TRUNKLINE_COMMON_MODEL_SEAL_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define SEAL_KEY_BYTES 32
#define SEAL_OVERHEAD_BYTES 41 /* form 1, nonce 24, tag 16 */

struct seal_key {
    uint8_t bytes[SEAL_KEY_BYTES];
};

/* Reads the key file (exactly 64 hex digits and a newline); makes it, 0400, when it is absent and
 * `create` is set.  A file that others can read is refused. */
MUST_USE enum err seal_key_load(const char *path, bool create, struct seal_key *out,
                                struct problem *problem);
void seal_key_wipe(struct seal_key *key);

/* Appends the sealed bytes. */
void seal_close(const struct seal_key *key, struct span bound_to, struct span secret,
                struct buf *out);
/* Appends the secret; ERR_CORRUPT when key, binding or bytes are not those of seal_close,
 * ERR_TOO_LARGE past out's ceiling.  The caller wipes what it got. */
MUST_USE enum err seal_open(const struct seal_key *key, struct span bound_to, struct span sealed,
                            struct buf *out);

#endif
