/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - API tokens: 256 random bits with a prefix that secret scanners know and a checksum.
 *
 *      "tl_" + base64url(32 random bytes + first 4 bytes of their SHA-256)      51 characters
 *
 * The text is shown once; what is stored and looked up is its SHA-256.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_TOKEN_H
#define TRUNKLINE_CONTROL_AUTH_TOKEN_H

#include "common/base/err.h"
#include "common/base/span.h"

#define TOKEN_TEXT_BYTES 51
#define TOKEN_DIGEST_BYTES 32

struct token_secret {
    char text[TOKEN_TEXT_BYTES + 1]; /* NUL-terminated; mem_wipe when done */
};

void token_make(struct token_secret *out);

/* SHA-256 of the text, for store_token_find.  ERR_UNAUTHENTICATED when prefix, length, alphabet or
 * checksum are not those of a token: no store need be asked. */
MUST_USE enum err token_digest(struct span text, uint8_t out[TOKEN_DIGEST_BYTES]);

#endif
