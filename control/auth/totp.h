/* SPDX-License-Identifier: Apache-2.0 */
/*
 * totp.h - time-based one-time passwords (RFC 6238: SHA-1, 30 s, 6 digits), as authenticators know
 * them.
 *
 * A code is good in its own step and the one before and after; each step once.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_TOTP_H
#define TRUNKLINE_CONTROL_AUTH_TOTP_H

#include "common/base/err.h"
#include "common/base/span.h"

#define TOTP_SECRET_BYTES 20
#define TOTP_SECRET_TEXT_BYTES 32 /* base32 */
#define TOTP_CODE_DIGITS 6
#define RECOVERY_CODE_BYTES 16 /* base32 of 80 bits */

void totp_secret_make(uint8_t out[TOTP_SECRET_BYTES]);
/* Base32 (RFC 4648 6), NUL-terminated; 5 bytes make 8 characters. */
void totp_text(struct span bytes, char *out);
/* 16 characters, NUL-terminated. */
void recovery_code_make(char out[RECOVERY_CODE_BYTES + 1]);

/* The code of one step, NUL-terminated. */
void totp_code(struct span secret, uint64_t step, char out[TOTP_CODE_DIGITS + 1]);
/* ERR_UNAUTHENTICATED unless code is that of a step near now that is newer than used_step;
 * *step_out is it. */
MUST_USE enum err totp_check(struct span secret, struct span code, uint64_t now_s,
                             uint64_t used_step, uint64_t *step_out);

#endif
