/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.h - passwords at rest: Argon2id, 64 MiB, 3 passes.
 *
 * Both calls take about 100 ms of a core and 64 MiB: bound how many run at once.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_PASSWORD_H
#define TRUNKLINE_CONTROL_AUTH_PASSWORD_H

#include "common/base/err.h"
#include "common/base/span.h"

#define PASSWORD_CHARACTERS_MIN 8
#define PASSWORD_HASH_BYTES 128

/* NUL-terminated "$argon2id$..." into out; ERR_INTERNAL when there is no memory for it. */
MUST_USE enum err password_hash(struct span password, char out[PASSWORD_HASH_BYTES]);
/* ERR_UNAUTHENTICATED when it is not the password of this hash. */
MUST_USE enum err password_verify(const char *hash, struct span password);

#endif
