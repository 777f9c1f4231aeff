/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permission.h - answers one question: may this caller do that to this object?
 *
 * A caller has a role for the object and, when he came with a limited token, the token's policies;
 * both must grant.  What neither of them says anything about is not there for him: ABSENT becomes
 * the same 404 as an object that never was.
 *
 *      role none, or no policy about the object  -> ABSENT
 *      role too small, or no policy that allows  -> REFUSED
 *      else                                      -> GRANTED
 *
 * Everybody asks permission_decide; who the caller is to the object is found out in
 * control/change/access.h.
 */
#ifndef TRUNKLINE_CONTROL_AUTH_PERMISSION_H
#define TRUNKLINE_CONTROL_AUTH_PERMISSION_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/model/id.h"
#include "control/auth/permission_table.h"

/* clang-format off */
enum permission {
#define X(name, slug, object, least, also, group, group_name) PERMISSION_##name,
    PERMISSION_TABLE(X)
#undef X
    PERMISSION_COUNT
};

/* What a person is to an object.  Ordered: a later one has what the earlier ones have. */
enum role {
#define X(name, word, id, title, text) ROLE_##name,
    ROLE_TABLE(X)
#undef X
    ROLE_COUNT
};
/* clang-format on */

enum permission_object {
    PERMISSION_OF_ANYONE,
    PERMISSION_OF_CALLER,
    PERMISSION_OF_USER,
    PERMISSION_OF_ACCOUNT,
    PERMISSION_OF_ZONE,
    PERMISSION_OF_PLATFORM,
};

struct permission_row {
    const char *name; /* "ZONE_READ" */
    const char *slug;
    enum permission_object object;
    enum role least;
    enum permission also;
    const char *group, *group_name;
};

const struct permission_row *permission_row(enum permission permission);

struct role_row {
    const char *word, *id, *title, *text;
};
const struct role_row *role_row(enum role role);
static inline const char *role_word(enum role role)
{
    return role_row(role)->word;
}

/* By the word that the store has, of members only; ERR_INVALID for another. */
MUST_USE enum err role_parse(struct span word, enum role *out);

/* The role alone, of a caller without a limited token. */
bool permission_granted(enum permission permission, enum role role);

#endif
