/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_member.h - people are invited into an account, change what they are there, and leave.
 *
 *      change_member_invite -> link with a secret -> change_invitation_accept -> member
 *
 * An account keeps an owner: the last one is neither removed nor made less (ERR_CONFLICT).  Only
 * owners make, change and remove owners.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_MEMBER_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_MEMBER_H

#include "common/model/digest.h"
#include "control/auth/token.h"
#include "control/change/change.h"

struct change_member_role {
    enum role role;
    bool zones_limited;
    struct span zones; /* ids with commas: editors and viewers only */
};

struct change_invitation {
    struct id id;
    struct token_secret secret; /* shown once; the caller wipes it */
};

MUST_USE enum err change_member_invite(struct change *change, const struct id *account_id,
                                       struct span email, const struct change_member_role *role,
                                       struct change_invitation *out, struct problem *problem);
/* Of a member; an invitation is withdrawn and made anew instead. */
MUST_USE enum err change_member_edit(struct change *change, const struct id *account_id,
                                     const struct id *id, const struct change_member_role *role,
                                     struct problem *problem);
/* A member or an invitation. */
MUST_USE enum err change_member_delete(struct change *change, const struct id *account_id,
                                       const struct id *id, struct problem *problem);

/* The actor's own: leaves the account, or does not accept. */
MUST_USE enum err change_membership_end(struct change *change, const struct id *id,
                                        struct problem *problem);
/* The actor was invited by his email address and accepts. */
MUST_USE enum err change_membership_accept(struct change *change, const struct id *id,
                                           struct problem *problem);

/* Whoever has the link: a person with this email is made with the password's hash when there is
 * none, else becomes the member.  ERR_NOT_FOUND when the link is no (more) good. */
MUST_USE enum err change_invitation_accept(struct change *change,
                                           const struct digest *secret_digest,
                                           struct span password_hash, struct problem *problem);

#endif
