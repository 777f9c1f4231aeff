/* SPDX-License-Identifier: Apache-2.0 */
/*
 * totp.c - time-based one-time passwords (RFC 6238), and recovery codes.
 */
#include "control/auth/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/text.h"

#define STEP_S 30
#define MAC_BYTES 20

void totp_secret_make(uint8_t out[TOTP_SECRET_BYTES])
{
    random_bytes(out, TOTP_SECRET_BYTES);
}

void totp_text(struct span bytes, char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    ASSERT(bytes.len % 5 == 0);
    for (size_t i = 0; i < bytes.len; i += 5) {
        uint64_t group = 0;
        for (size_t k = 0; k < 5; k++)
            group = group << 8 | bytes.ptr[i + k];
        for (unsigned shift = 40; shift > 0; shift -= 5)
            *out++ = alphabet[group >> (shift - 5) & 31];
    }
    *out = '\0';
}

void recovery_code_make(char out[RECOVERY_CODE_BYTES + 1])
{
    uint8_t bytes[RECOVERY_CODE_BYTES / 8 * 5];
    random_bytes(bytes, sizeof(bytes));
    totp_text(span_of(bytes, sizeof(bytes)), out);
    mem_wipe(bytes, sizeof(bytes));
}

void totp_code(struct span secret, uint64_t step, char out[TOTP_CODE_DIGITS + 1])
{
    uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    for (unsigned i = 0; i < 8; i++)
        counter[i] = (uint8_t)(step >> (56 - 8 * i));
    ASSERT(HMAC(EVP_sha1(), secret.ptr, (int)secret.len, counter, sizeof(counter), mac, &len));
    ASSERT(len == MAC_BYTES);
    /* RFC 4226 5.3: four bytes from where the last nibble points, without the sign. */
    size_t at = mac[MAC_BYTES - 1] & 15;
    uint32_t number = ((uint32_t)(mac[at] & 0x7f) << 24) | ((uint32_t)mac[at + 1] << 16) |
                      ((uint32_t)mac[at + 2] << 8) | mac[at + 3];
    (void)text_format(out, TOTP_CODE_DIGITS + 1, "%06u", number % 1000000);
}

enum err totp_check(struct span secret, struct span code, uint64_t now_s, uint64_t used_step,
                    uint64_t *step_out)
{
    uint64_t now = now_s / STEP_S;
    enum err err = ERR_UNAUTHENTICATED;
    if (code.len != TOTP_CODE_DIGITS)
        return err;
    for (uint64_t step = now - 1; step <= now + 1; step++) {
        char expected[TOTP_CODE_DIGITS + 1];
        totp_code(secret, step, expected);
        if (!mem_equal_secret(expected, code.ptr, TOTP_CODE_DIGITS) || step <= used_step)
            continue;
        *step_out = step;
        err = ERR_OK;
    }
    return err;
}
