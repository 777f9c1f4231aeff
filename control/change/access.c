/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.c - what a caller is to an account or a zone, and so what he may do to it.
 */
#include "control/change/access.h"

#include "control/store/store_accounts.h"
#include "control/store/store_zones.h"

/* Asks for the membership whatever came before: a zone of another account takes as long as none. */
static enum err find_role(struct store_conn *conn, const struct change_actor *actor,
                          const struct id *account_id, enum role *out)
{
    struct store_member member;
    *out = ROLE_NONE;
    enum err err = store_member_get(conn, account_id, &actor->scope.user_id, &member);
    if (err == ERR_OK && role_parse(span_str(member.role), out) != ERR_OK)
        err = ERR_CORRUPT;
    if (actor->scope.platform_wide)
        *out = ROLE_OPERATOR;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err access_check(struct store_conn *conn, const struct change_actor *actor,
                      enum permission permission, const struct access_object *object)
{
    struct access_object whole = *object;
    enum role role;
    enum err found = ERR_OK;
    if (whole.zone_id.text[0] != '\0' && whole.account_id.text[0] == '\0')
        found = store_zone_account(conn, &whole.zone_id, &whole.account_id);
    if (found != ERR_OK && found != ERR_NOT_FOUND)
        return found;
    TRY(find_role(conn, actor, &whole.account_id, &role));
    /* Nothing is named: the platform itself, which everybody knows to be there. */
    bool named = object->account_id.text[0] != '\0' || object->zone_id.text[0] != '\0';
    if (named && (found == ERR_NOT_FOUND || role == ROLE_NONE))
        return ERR_NOT_FOUND;
    return permission_granted(permission, role) ? ERR_OK : ERR_FORBIDDEN;
}
