/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.c - passwords at rest: Argon2id, 64 MiB, 3 passes.
 */
#include "control/auth/password.h"

#include <sodium.h>

#include "common/base/log.h"

#define PASSES 3
#define MEMORY_BYTES (64u << 20)

_Static_assert(PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "the text form of libsodium");

static const char *password_text(struct span password)
{
    return password.ptr ? (const char *)password.ptr : "";
}

enum err password_hash(struct span password, char out[PASSWORD_HASH_BYTES])
{
    char text[crypto_pwhash_STRBYTES];
    if (sodium_init() < 0)
        return ERR_INTERNAL;
    if (crypto_pwhash_str_alg(text, password_text(password), password.len, PASSES, MEMORY_BYTES,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        log_error("password_hash_failed", F_U64("memory_bytes", MEMORY_BYTES));
        return ERR_INTERNAL;
    }
    memcpy(out, text, sizeof(text));
    return ERR_OK;
}

enum err password_verify(const char *hash, struct span password)
{
    if (sodium_init() < 0)
        return ERR_INTERNAL;
    int code = crypto_pwhash_str_verify(hash, password_text(password), password.len);
    return code == 0 ? ERR_OK : ERR_UNAUTHENTICATED;
}
