/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_token.h - API tokens of users and accounts come, change, get another secret, and go.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_TOKEN_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_TOKEN_H

#include <jansson.h>

#include "control/auth/token.h"
#include "control/change/change.h"

#define CHANGE_TOKEN_NAME_BYTES_MAX 120

/* Whose: the actor's own, or an account's. */
struct change_token_owner {
    struct id id;
    bool account;
};

struct change_token_spec {
    struct span name;
    const json_t *policies, *condition; /* condition: may be NULL */
    uint64_t not_before_us, ends_at_us; /* 0: none */
    bool disabled;
};

struct change_token_made {
    struct id id;
    struct token_secret secret; /* shown once; the caller wipes it */
};

MUST_USE enum err change_token_create(struct change *change, const struct change_token_owner *owner,
                                      const struct change_token_spec *spec,
                                      struct change_token_made *out, struct problem *problem);
MUST_USE enum err change_token_edit(struct change *change, const struct change_token_owner *owner,
                                    const struct id *id, const struct change_token_spec *spec,
                                    struct problem *problem);
/* The old secret is refused from the commit on. */
MUST_USE enum err change_token_roll(struct change *change, const struct change_token_owner *owner,
                                    struct change_token_made *token, struct problem *problem);
MUST_USE enum err change_token_delete(struct change *change, const struct change_token_owner *owner,
                                      const struct id *id, struct problem *problem);

#endif
