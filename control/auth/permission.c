/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permission.c - answers one question: may this caller do that to this object?
 */
#include "control/auth/permission.h"

static const struct permission_row permission_rows[PERMISSION_COUNT] = {
#define X(name, slug, object, least, also, group, group_name) \
    {#name, (slug), PERMISSION_OF_##object, ROLE_##least, PERMISSION_##also, (group), (group_name)},
    PERMISSION_TABLE(X)
#undef X
};

static const struct role_row role_rows[ROLE_COUNT] = {
#define X(name, word, id, title, text) {(word), (id), (title), (text)},
    ROLE_TABLE(X)
#undef X
};

const struct permission_row *permission_row(enum permission permission)
{
    ASSERT(permission < PERMISSION_COUNT);
    return &permission_rows[permission];
}

const struct role_row *role_row(enum role role)
{
    ASSERT(role < ROLE_COUNT);
    return &role_rows[role];
}

enum err role_parse(struct span word, enum role *out)
{
    for (unsigned role = ROLE_VIEWER; role <= ROLE_OWNER; role++) {
        if (!span_equal(word, span_str(role_rows[role].word)))
            continue;
        *out = (enum role)role;
        return ERR_OK;
    }
    return ERR_INVALID;
}

bool permission_granted(enum permission permission, enum role role)
{
    return role >= permission_row(permission)->least;
}
