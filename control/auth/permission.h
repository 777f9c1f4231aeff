/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permission.h - answers one question: may this role do that?
 *
 * Which objects a person sees at all is not asked here: the store's queries carry his scope, and
 * what he does not see is not found.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_PERMISSION_H
#define TRUNKLINE_CONTROL_AUTH_PERMISSION_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "control/auth/permission_table.h"

enum permission {
#define X(name, slug, owner, operating) PERMISSION_##name,
    PERMISSION_TABLE(X)
#undef X
        PERMISSION_COUNT
};

/* What a person is to an account. */
enum role {
    ROLE_NONE,
    ROLE_OWNER,
    ROLE_OPERATOR, /* of the platform: of every account */
};

/* "owner"; ERR_INVALID for another word. */
MUST_USE enum err role_parse(struct span word, enum role *out);
const char *permission_slug(enum permission permission);
bool permission_granted(enum permission permission, enum role role);

#endif
