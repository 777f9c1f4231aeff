/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_user.h - a person: who he is, and what he proves it with.
 *
 * The actor changes himself, or the operator at the console changes him.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_USER_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_USER_H

#include "common/base/buf.h"
#include "common/model/digest.h"
#include "control/auth/totp.h"
#include "control/change/change.h"

#define CHANGE_EMAIL_BYTES_MAX 254
#define CHANGE_PERSON_BYTES_MAX 60
#define CHANGE_KEY_CHARACTERS 37
#define CHANGE_RECOVERY_CODES 10

MUST_USE enum err change_check_email(struct span email, struct problem *problem);
MUST_USE enum err change_check_password(struct span password, struct problem *problem);

/* The hash is Argon2id's text; "" for a person who cannot log in. */
MUST_USE enum err change_user_add(struct change *change, struct span email,
                                  struct span password_hash, struct id *out);

struct change_user_edit {
    struct span first_name, last_name, telephone, country, zipcode;
    bool first_name_given, last_name_given, telephone_given, country_given, zipcode_given;
};
/* The actor himself. */
MUST_USE enum err change_user_edit(struct change *change, const struct change_user_edit *edit,
                                   struct problem *problem);

/* Ends all logins but one. */
MUST_USE enum err change_password_set(struct change *change, const struct id *user_id,
                                      struct span password_hash, const struct id *but_login);
MUST_USE enum err change_operator_set(struct change *change, const struct id *user_id,
                                      bool platform_wide);

/* Another global key; 37 hex digits, NUL-terminated; the caller wipes it. */
MUST_USE enum err change_key_roll(struct change *change, const struct id *user_id,
                                  char out[CHANGE_KEY_CHARACTERS + 1]);

/* Says in the audit that somebody looked at it. */
MUST_USE enum err change_key_viewed(struct change *change, const struct id *user_id);

/* A secret that is good once a code of it was shown.  ERR_CONFLICT when there is a confirmed one.
 */
MUST_USE enum err change_factor_begin(struct change *change, uint8_t secret[TOTP_SECRET_BYTES],
                                      struct problem *problem);
struct change_recovery_codes {
    char texts[CHANGE_RECOVERY_CODES][RECOVERY_CODE_BYTES + 1];
};
/* ERR_UNAUTHENTICATED for a wrong code. */
MUST_USE enum err change_factor_confirm(struct change *change, struct span code,
                                        struct change_recovery_codes *out, struct problem *problem);
/* ERR_NOT_FOUND when there is none. */
MUST_USE enum err change_factor_remove(struct change *change, const struct id *user_id);
/* A code or a recovery code of this user, which is used up.  ERR_UNAUTHENTICATED. */
MUST_USE enum err change_factor_use(struct change *change, const struct id *user_id,
                                    struct span code);

#endif
