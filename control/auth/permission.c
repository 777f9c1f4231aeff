/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permission.c - answers one question: may this role do that?
 */
#include "control/auth/permission.h"

struct permission_row {
    const char *slug;
    bool owner, operating;
};

static const struct permission_row rows[PERMISSION_COUNT] = {
#define X(name, slug, owner, operating) {(slug), (owner), (operating)},
    PERMISSION_TABLE(X)
#undef X
};

enum err role_parse(struct span word, enum role *out)
{
    if (!span_equal(word, SPAN("owner")))
        return ERR_INVALID;
    *out = ROLE_OWNER;
    return ERR_OK;
}

const char *permission_slug(enum permission permission)
{
    return rows[permission].slug;
}

bool permission_granted(enum permission permission, enum role role)
{
    switch (role) {
    case ROLE_NONE:
        return false;
    case ROLE_OWNER:
        return rows[permission].owner;
    case ROLE_OPERATOR:
        return rows[permission].operating;
    }
    UNREACHABLE();
}
