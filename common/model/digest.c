/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.c - SHA-256, and SHA-1, by OpenSSL.
 */
#include "common/model/digest.h"

#include <openssl/evp.h>

struct digest digest_of(struct span bytes)
{
    struct digest digest;
    unsigned len = 0;
    const void *ptr = bytes.len > 0 ? (const void *)bytes.ptr : "";
    ASSERT(EVP_Digest(ptr, bytes.len, digest.bytes, &len, EVP_sha256(), NULL) == 1);
    ASSERT(len == DIGEST_BYTES);
    return digest;
}

struct digest digest_chain(const struct digest *previous, const struct digest *item)
{
    uint8_t both[2 * DIGEST_BYTES];
    memcpy(both, previous->bytes, DIGEST_BYTES);
    memcpy(both + DIGEST_BYTES, item->bytes, DIGEST_BYTES);
    return digest_of(span_of(both, sizeof(both)));
}

void digest_sha1(struct span bytes, uint8_t out[DIGEST_SHA1_BYTES])
{
    unsigned len = 0;
    const void *ptr = bytes.len > 0 ? (const void *)bytes.ptr : "";
    ASSERT(EVP_Digest(ptr, bytes.len, out, &len, EVP_sha1(), NULL) == 1);
    ASSERT(len == DIGEST_SHA1_BYTES);
}
