/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_login.h - people log in and out; who guesses waits.
 *
 *      login_try (a place among the tries, whose hash) -> the hash is checked elsewhere
 *          -> login_begin (right)  or  login_refuse (wrong)
 *
 * A try counts before its outcome is known, so that a thousand at once are not a thousand guesses;
 * what was right is taken off again.  An account's tries wait 1, 2, 4 .. LIMIT_LOGIN_WAIT_S after
 * LIMIT_LOGIN_FREE_TRIES; an address and everybody together have so many a minute.  A device that
 * its user logged in from before counts for itself: nobody locks him out.  All of it is in the
 * store, by email address, whether there is such a user or not.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_LOGIN_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_LOGIN_H

#include "common/model/digest.h"
#include "control/auth/password.h"
#include "control/auth/token.h"
#include "control/change/change.h"
#include "control/store/store_logins.h"

struct login_try {
    struct span email;
    struct span ip;
    struct digest device;
    bool device_given;
};

struct login_found {
    struct id user_id; /* empty: there is no such user */
    bool known_device;
    bool second_factor;
    char password_hash[PASSWORD_HASH_BYTES]; /* somebody's anyway */
    uint64_t wait_s;                         /* with ERR_LIMIT */
};

/* Takes a place; ERR_LIMIT when it has to wait. */
MUST_USE enum err change_login_try(const struct change_door *door, const struct login_try *try_,
                                   struct login_found *out);
/* The same without taking one: what is known of the user. */
MUST_USE enum err change_login_find(const struct change_door *door, const struct login_try *try_,
                                    struct login_found *out);

struct login_made {
    struct id id;
    struct token_secret secret, device; /* the caller wipes them */
};

/* The password is right and so is the code (empty without a second factor): a login, the tries
 * forgotten.  ERR_UNAUTHENTICATED for a wrong code, or when the password was changed since. */
MUST_USE enum err change_login_begin(struct change *change, const struct login_try *try_,
                                     const struct login_found *found, struct span code,
                                     struct login_made *out);
/* The password was right, for something else than a login: its try is taken off again.
 * ERR_CONFLICT when it was changed since. */
MUST_USE enum err change_login_proved(struct change *change, const struct login_try *try_,
                                      const struct login_found *found);
/* Says in the audit that it was wrong. */
MUST_USE enum err change_login_refuse(struct change *change, const struct login_try *try_,
                                      const struct login_found *found);
/* The one that the browser had before. */
MUST_USE enum err change_login_replace(struct change *change, const struct store_login *older);
/* One of the actor's. */
MUST_USE enum err change_login_end(struct change *change, const struct id *id,
                                   struct problem *problem);

/* Tokens and logins that were used: written together, now and then, and without audit. */
struct login_use {
    struct id id;
    uint64_t at_us;
};
MUST_USE enum err change_uses_write(const struct change_door *door, const struct login_use *uses,
                                    size_t count);

#endif
