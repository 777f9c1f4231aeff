/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.c - what a caller is to an account or a zone, and so what he may do to it.
 */
#include "control/change/access.h"

#include "common/base/buf.h"
#include "control/store/store_members.h"
#include "control/store/store_zones.h"

#define REACH_BYTES_MAX 65536

_Static_assert(LIMIT_TOKEN_POLICIES *LIMIT_POLICY_RESOURCES *(ID_TEXT_BYTES + sizeof("\"\",")) <
                   REACH_BYTES_MAX,
               "a token's ids have room");

/* What a member is: of a zone that he was not given, and for all but a look at an account of which
 * he has some zones, nothing. */
static enum err limit_role(struct store_conn *conn, const struct store_member *member,
                           const struct id *zone_id, enum role *role)
{
    bool given = true;
    if (!member->zones_limited || zone_id->text[0] == '\0')
        return ERR_OK;
    TRY(store_member_has_zone(conn, &member->id, zone_id, &given));
    if (!given)
        *role = ROLE_NONE;
    return ERR_OK;
}

/* Asks for the membership whatever came before: a zone of another account takes as long as none. */
static enum err find_role(struct store_conn *conn, const struct change_actor *actor,
                          const struct access_object *object, struct store_member *member,
                          enum role *out)
{
    *out = ROLE_NONE;
    enum err err = store_member_get(conn, &object->account_id, &actor->scope.user_id, member);
    if (err == ERR_OK && role_parse(span_str(member->role), out) != ERR_OK)
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        err = limit_role(conn, member, &object->zone_id, out);
    if (actor->scope.platform_wide)
        *out = ROLE_OPERATOR;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err decide(const struct change_actor *actor, enum permission permission,
                       const struct access_object *object)
{
    const struct permission_row *row = permission_row(permission);
    const struct policy_object about = {
        .user_id = row->object == PERMISSION_OF_USER ? actor->scope.user_id : (struct id){{0}},
        .account_id = object->account_id,
        .zone_id = object->zone_id,
    };
    if (!actor->policies || row->object == PERMISSION_OF_CALLER)
        return ERR_OK;
    if (row->object == PERMISSION_OF_PLATFORM)
        return ERR_FORBIDDEN;
    return policies_grant(actor->policies, permission, &about) ? ERR_OK : ERR_FORBIDDEN;
}

enum err access_check_own(const struct change_actor *actor, enum permission permission)
{
    ASSERT(permission_row(permission)->object != PERMISSION_OF_ZONE);
    if (permission_row(permission)->least == ROLE_OPERATOR && !actor->scope.platform_wide)
        return ERR_FORBIDDEN;
    return decide(actor, permission, &(struct access_object){{{0}}, {{0}}});
}

enum err access_check(struct store_conn *conn, const struct change_actor *actor,
                      enum permission permission, const struct access_object *object)
{
    struct access_object whole = *object;
    struct store_member member = {.zones_limited = false};
    enum role role;
    enum err found = ERR_OK;
    if (whole.zone_id.text[0] != '\0' && whole.account_id.text[0] == '\0')
        found = store_zone_account(conn, &whole.zone_id, &whole.account_id);
    if (found != ERR_OK && found != ERR_NOT_FOUND)
        return found;
    TRY(find_role(conn, actor, &whole, &member, &role));
    if (found == ERR_NOT_FOUND || role == ROLE_NONE)
        return ERR_NOT_FOUND;
    bool part = member.zones_limited && whole.zone_id.text[0] == '\0' && role != ROLE_OPERATOR;
    part = part && permission != PERMISSION_ACCOUNT_READ && permission != PERMISSION_CALLER;
    if (!permission_granted(permission, role) || part)
        return ERR_FORBIDDEN;
    return decide(actor, permission, &whole);
}

static void append_id(struct buf *list, const struct id *id)
{
    buf_appendf(list, "%s\"%s\"", list->len > 1 ? "," : "", id->text);
}

static void reach_resource(const struct policy_resource *resource, struct store_reach *reach,
                           struct buf *accounts, struct buf *zones)
{
    switch (resource->kind) {
    case POLICY_USERS:
    case POLICY_USER:
        break;
    case POLICY_ACCOUNTS:
        reach->accounts_all = reach->zones_all = true;
        break;
    case POLICY_ZONES:
        reach->zones_all = true;
        break;
    case POLICY_ACCOUNT:
    case POLICY_ZONES_OF:
        append_id(accounts, &resource->id);
        break;
    case POLICY_ZONE:
        append_id(zones, &resource->id);
        break;
    }
}

static struct span close_list(struct arena *arena, struct buf *list)
{
    buf_append_byte(list, ']');
    ASSERT(!list->overflowed);
    struct span out = arena_copy(arena, buf_span(list));
    buf_release(list);
    return out;
}

const struct store_reach *access_reach(const struct policies *policies, enum permission permission,
                                       struct arena *arena)
{
    struct store_reach *out = arena_new(arena, struct store_reach), but = {0};
    struct buf lists[4]; /* accounts, zones, and those taken away */
    for (size_t i = 0; i < countof(lists); i++) {
        buf_init(&lists[i], REACH_BYTES_MAX);
        buf_append_byte(&lists[i], '[');
    }
    for (size_t i = 0; i < policies->count; i++) {
        const struct policy *policy = &policies->rows[i];
        for (size_t k = 0; (policy->permissions >> permission & 1) && k < policy->resource_count;
             k++)
            reach_resource(&policy->resources[k], policy->denying ? &but : out,
                           &lists[policy->denying ? 2 : 0], &lists[policy->denying ? 3 : 1]);
    }
    out->accounts = close_list(arena, &lists[0]);
    out->zones = close_list(arena, &lists[1]);
    out->but_accounts = close_list(arena, &lists[2]);
    out->but_zones = close_list(arena, &lists[3]);
    if (but.accounts_all || but.zones_all)
        *out = (struct store_reach){false, false, SPAN("[]"), SPAN("[]"), SPAN("[]"), SPAN("[]")};
    return out;
}
