/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what a limited token may: permissions on resources, granted or taken away.
 *
 * A policy that denies wins over all that allow.  A resource covers what lies in it: an account has
 * its zones.  A token never has more than its user has.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_POLICY_H
#define TRUNKLINE_CONTROL_AUTH_POLICY_H

#include "control/auth/permission.h"

enum policy_kind {
    POLICY_USERS, /* all: no id */
    POLICY_USER,
    POLICY_ACCOUNTS,
    POLICY_ACCOUNT,
    POLICY_ZONES,
    POLICY_ZONES_OF, /* an account */
    POLICY_ZONE,
};

struct policy_resource {
    enum policy_kind kind;
    struct id id;
};

struct policy {
    bool denying;
    uint64_t permissions; /* 1 << enum permission */
    const struct policy_resource *resources;
    size_t resource_count;
};

struct policies {
    const struct policy *rows;
    size_t count;
};

/* A user, an account, or a zone with its account; the others are empty. */
struct policy_object {
    struct id user_id, account_id, zone_id;
};

/* Whether a permission group of this id carries something; *out is what. */
bool policy_group(struct span id, uint64_t *out);

/* Whether any of them allows it, on whatever. */
bool policies_mention(const struct policies *policies, enum permission permission);
bool policies_grant(const struct policies *policies, enum permission permission,
                    const struct policy_object *object);

#endif
