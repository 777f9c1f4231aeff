/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c - API tokens: made, recognised, and reduced to what is stored of them.
 */
#include "control/auth/token.h"

#include <openssl/sha.h>
#include <sodium.h>

#include "common/base/mem.h"
#include "common/base/random.h"

#define PREFIX SPAN("tl_")
#define SECRET_BYTES 32
#define CHECKSUM_BYTES 4
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(TOKEN_TEXT_BYTES == 3 + (SECRET_BYTES + CHECKSUM_BYTES) / 3 * 4, "no padding");
_Static_assert(TOKEN_DIGEST_BYTES == SHA256_DIGEST_LENGTH, "SHA-256");

static void checksum(const uint8_t secret[SECRET_BYTES], uint8_t out[CHECKSUM_BYTES])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    (void)SHA256(secret, SECRET_BYTES, digest);
    memcpy(out, digest, CHECKSUM_BYTES);
}

void token_make(struct token_secret *out)
{
    uint8_t bytes[SECRET_BYTES + CHECKSUM_BYTES];
    random_bytes(bytes, SECRET_BYTES);
    checksum(bytes, bytes + SECRET_BYTES);
    memcpy(out->text, PREFIX.ptr, PREFIX.len);
    (void)sodium_bin2base64(out->text + PREFIX.len, sizeof(out->text) - PREFIX.len, bytes,
                            sizeof(bytes), VARIANT);
    mem_wipe(bytes, sizeof(bytes));
}

enum err token_digest(struct span text, uint8_t out[TOKEN_DIGEST_BYTES])
{
    uint8_t bytes[SECRET_BYTES + CHECKSUM_BYTES], expected[CHECKSUM_BYTES];
    size_t len = 0;
    if (text.len != TOKEN_TEXT_BYTES || !span_starts_with(text, PREFIX))
        return ERR_UNAUTHENTICATED;
    struct span body = span_skip(text, PREFIX.len);
    if (sodium_base642bin(bytes, sizeof(bytes), (const char *)body.ptr, body.len, NULL, &len, NULL,
                          VARIANT) != 0 ||
        len != sizeof(bytes))
        return ERR_UNAUTHENTICATED;
    checksum(bytes, expected);
    bool sound = mem_equal_secret(expected, bytes + SECRET_BYTES, CHECKSUM_BYTES);
    mem_wipe(bytes, sizeof(bytes));
    if (!sound)
        return ERR_UNAUTHENTICATED;
    (void)SHA256(text.ptr, text.len, out);
    return ERR_OK;
}
