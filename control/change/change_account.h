/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_account.h - accounts, and the people that come with a new one.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_ACCOUNT_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_ACCOUNT_H

#include "control/auth/token.h"
#include "control/change/change.h"

#define CHANGE_NAME_BYTES_MAX 100

/* The actor becomes its owner.  Operators only. */
MUST_USE enum err change_account_create(struct change *change, struct span name, struct id *out,
                                        struct problem *problem);

struct change_account_edit {
    struct span name;
    uint64_t zones_max, tokens_max, members_max; /* operators only; 0: the default */
    bool name_given, maxima_given;
};
MUST_USE enum err change_account_edit(struct change *change, const struct id *id,
                                      const struct change_account_edit *edit,
                                      struct problem *problem);
/* ERR_CONFLICT while it has zones. */
MUST_USE enum err change_account_close(struct change *change, const struct id *id,
                                       struct problem *problem);

struct change_user_spec {
    struct span email, password;
    bool platform_wide; /* an operator too */
};

struct change_user_made {
    struct id user_id, account_id, token_id;
    struct token_secret token; /* shown once; the caller wipes it */
};

/* A user with an account of his own and a token.  Operators only. */
MUST_USE enum err change_user_create(struct change *change, const struct change_user_spec *spec,
                                     struct change_user_made *out, struct problem *problem);

/* The first user, operator and owner, the local CA and the origin CA.  ERR_EXISTS when there is a
 * user. */
MUST_USE enum err change_bootstrap(struct change *change, const struct change_user_spec *spec,
                                   struct change_user_made *out, struct problem *problem);

#endif
