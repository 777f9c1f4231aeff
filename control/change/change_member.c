/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_member.c - people are invited into an account, change what they are there, and leave.
 */
#include "control/change/change_member.h"

#include "control/change/change_int.h"
#include "control/change/change_user.h"
#include "control/store/store_users.h"

#define JSON_BYTES_MAX 16384

static void describe(struct buf *out, const struct store_member *member)
{
    buf_init(out, JSON_BYTES_MAX);
    buf_append_byte(out, '{');
    change_json_text(out, "id", id_span(&member->id));
    change_json_text(out, "email", member->email);
    change_json_text(out, "role", span_str(member->role));
    if (member->zones_limited)
        change_json_text(out, "zones", member->zones);
    buf_append_byte(out, '}');
}

static enum err audit(struct change *change, const char *action, const struct store_member *before,
                      const struct store_member *after)
{
    struct buf old_json = {0}, new_json = {0};
    struct id account_id = {""};
    if (before) {
        describe(&old_json, before);
        account_id = before->account_id;
    }
    if (after) {
        describe(&new_json, after);
        account_id = after->account_id;
    }
    const struct change_entry entry = {
        .action = action,
        .account_id = account_id,
        .old_json = before ? &old_json : NULL,
        .new_json = after ? &new_json : NULL,
    };
    enum err err = change_audit(change, &entry);
    buf_release(&old_json);
    buf_release(&new_json);
    return err;
}

static bool is_owner(const struct store_member *member)
{
    return span_equal(span_str(member->role), span_str(role_word(ROLE_OWNER)));
}

/* Owners are the business of owners. */
static enum err permit(struct change *change, const struct id *account_id, bool owner,
                       struct problem *problem)
{
    TRY(change_permit(change, account_id, PERMISSION_ACCOUNT_EDIT, problem));
    if (!owner)
        return ERR_OK;
    return change_permit(change, account_id, PERMISSION_OWNER_EDIT, problem);
}

static enum err keep_an_owner(struct change *change, const struct store_member *leaving,
                              struct problem *problem)
{
    uint64_t owners = 0;
    if (!is_owner(leaving) || leaving->user_id.text[0] == '\0')
        return ERR_OK;
    TRY(store_owner_count(change->conn, &leaving->account_id, &owners));
    if (owners > 1)
        return ERR_OK;
    return problem_set(problem, ERR_CONFLICT, "",
                       "is the last owner: make someone else owner first");
}

/* Each zone is one of the account's. */
static enum err check_zones(struct change *change, const struct id *account_id,
                            const struct change_member_role *role, struct problem *problem)
{
    struct span rest = role->zones;
    size_t count = 0;
    while (role->zones_limited && rest.len > 0) {
        struct id id, account = {{0}};
        enum err err = id_parse(span_split(&rest, ','), &id);
        if (err == ERR_OK)
            err = store_zone_account(change->conn, &id, &account);
        if (err != ERR_OK && err != ERR_INVALID && err != ERR_NOT_FOUND)
            return err;
        if (err != ERR_OK || !id_equal(account, *account_id))
            return problem_set(problem, ERR_INVALID, "zones", "has one that is not the account's");
        count++;
    }
    if (role->zones_limited && (count == 0 || count > LIMIT_MEMBER_ZONES))
        return problem_set(problem, ERR_INVALID, "zones", "must be 1 to %d zones",
                           LIMIT_MEMBER_ZONES);
    if (role->zones_limited && role->role > ROLE_EDITOR)
        return problem_set(problem, ERR_INVALID, "roles",
                           "only editors and viewers are limited to zones");
    return ERR_OK;
}

static void set_role(struct store_member *member, const struct change_member_role *role)
{
    ASSERT(span_to_cstr(span_str(role_word(role->role)), member->role, sizeof(member->role)));
    member->zones_limited = role->zones_limited;
    member->zones = role->zones_limited ? role->zones : SPAN("");
}

static enum err check_quota(struct change *change, const struct id *account_id,
                            struct problem *problem)
{
    const struct store_scope all = change_all();
    const struct store_member_query query = {
        .account_id = *account_id, .members = true, .invitations = true, .page = {1, 1, false}};
    struct store_member_list list;
    struct store_account account;
    TRY(store_account_get(change->conn, &all, account_id, &change->arena, &account));
    TRY(store_member_list(change->conn, &query, &change->arena, &list));
    uint64_t count_max = account.members_max ? account.members_max : LIMIT_ACCOUNT_MEMBERS;
    if (list.total_count < count_max)
        return ERR_OK;
    return problem_set(problem, ERR_LIMIT, "", "at most %llu members",
                       (unsigned long long)count_max);
}

static enum err check_newcomer(struct change *change, const struct store_member *member,
                               struct problem *problem)
{
    struct store_user user;
    struct store_member known;
    enum err err = store_user_find(change->conn, member->email, &change->arena, &user);
    if (err == ERR_OK)
        err = store_member_get(change->conn, &member->account_id, &user.id, &known);
    if (err == ERR_OK)
        return problem_set(problem, ERR_EXISTS, "email", "is a member already");
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err change_member_invite(struct change *change, const struct id *account_id, struct span email,
                              const struct change_member_role *role, struct change_invitation *out,
                              struct problem *problem)
{
    struct digest digest;
    struct store_member member = {
        .id = id_new(),
        .account_id = *account_id,
        .email = arena_copy_lower(&change->arena, email),
        .created_at_us = change->now_us,
        .ends_at_us = change->now_us + LIMIT_INVITATION_S * UINT64_C(1000000),
    };
    TRY(permit(change, account_id, role->role == ROLE_OWNER, problem));
    TRY(change_check_email(member.email, problem));
    TRY(check_zones(change, account_id, role, problem));
    TRY(check_quota(change, account_id, problem));
    TRY(check_newcomer(change, &member, problem));
    set_role(&member, role);
    token_make(&out->secret);
    TRY(token_digest(span_str(out->secret.text), digest.bytes));
    enum err err = store_invitation_insert(change->conn, &member, &digest);
    if (err == ERR_EXISTS)
        return problem_set(problem, err, "email", "is invited already");
    TRY(err);
    out->id = member.id;
    return audit(change, "member.invite", NULL, &member);
}

static enum err find(struct change *change, const struct id *account_id, const struct id *id,
                     struct store_member *out, struct problem *problem)
{
    enum err err = store_member_find(change->conn, id, &change->arena, out);
    if (err == ERR_OK && !id_equal(out->account_id, *account_id))
        err = ERR_NOT_FOUND;
    return err == ERR_NOT_FOUND ? problem_set(problem, err, "", "no such member") : err;
}

enum err change_member_edit(struct change *change, const struct id *account_id, const struct id *id,
                            const struct change_member_role *role, struct problem *problem)
{
    struct store_member before;
    TRY(permit(change, account_id, role->role == ROLE_OWNER, problem));
    TRY(find(change, account_id, id, &before, problem));
    TRY(permit(change, account_id, is_owner(&before), problem));
    TRY(check_zones(change, account_id, role, problem));
    if (before.user_id.text[0] == '\0')
        return problem_set(problem, ERR_CONFLICT, "", "has not accepted yet: invite again");
    if (role->role != ROLE_OWNER)
        TRY(keep_an_owner(change, &before, problem));
    struct store_member after = before;
    set_role(&after, role);
    TRY(store_member_update(change->conn, &after));
    return audit(change, "member.edit", &before, &after);
}

static enum err remove_member(struct change *change, const char *action,
                              const struct store_member *member, struct problem *problem)
{
    TRY(keep_an_owner(change, member, problem));
    TRY(member->user_id.text[0] == '\0' ? store_invitation_delete(change->conn, &member->id)
                                        : store_member_delete(change->conn, &member->id));
    return audit(change, action, member, NULL);
}

enum err change_member_delete(struct change *change, const struct id *account_id,
                              const struct id *id, struct problem *problem)
{
    struct store_member member;
    TRY(permit(change, account_id, false, problem));
    TRY(find(change, account_id, id, &member, problem));
    TRY(permit(change, account_id, is_owner(&member), problem));
    return remove_member(change, "member.delete", &member, problem);
}

/* A membership or an invitation of the actor himself. */
static enum err find_own(struct change *change, const struct id *id, struct store_member *out,
                         struct store_user *user, struct problem *problem)
{
    TRY(change_permit(change, &(struct id){{0}}, PERMISSION_MEMBERSHIP_EDIT, problem));
    TRY(store_user_get(change->conn, &change->actor.scope.user_id, &change->arena, user));
    enum err err = store_member_find(change->conn, id, &change->arena, out);
    if (err == ERR_OK && !span_equal(out->email, user->email))
        err = ERR_NOT_FOUND;
    return err == ERR_NOT_FOUND ? problem_set(problem, err, "", "no such membership") : err;
}

enum err change_membership_end(struct change *change, const struct id *id, struct problem *problem)
{
    struct store_member member;
    struct store_user user;
    TRY(find_own(change, id, &member, &user, problem));
    return remove_member(change, "membership.end", &member, problem);
}

static enum err join(struct change *change, const struct store_member *invited,
                     const struct id *user_id, struct problem *problem)
{
    struct store_member member = *invited;
    member.user_id = *user_id;
    member.created_at_us = change->now_us;
    TRY(store_invitation_delete(change->conn, &invited->id));
    enum err err = store_member_insert(change->conn, &member);
    if (err == ERR_EXISTS)
        return problem_set(problem, err, "", "is a member already");
    TRY(err);
    return audit(change, "member.accept", NULL, &member);
}

enum err change_membership_accept(struct change *change, const struct id *id,
                                  struct problem *problem)
{
    struct store_member member;
    struct store_user user;
    TRY(find_own(change, id, &member, &user, problem));
    if (member.user_id.text[0] != '\0')
        return problem_set(problem, ERR_CONFLICT, "status", "is accepted already");
    if (member.ends_at_us <= change->now_us)
        return problem_set(problem, ERR_NOT_FOUND, "", "the invitation has ended");
    return join(change, &member, &user.id, problem);
}

enum err change_invitation_accept(struct change *change, const struct digest *secret_digest,
                                  struct span password_hash, struct problem *problem)
{
    struct id id;
    struct store_member member;
    struct store_user user;
    enum err err = store_invitation_find(change->conn, secret_digest, change->now_us, &id);
    if (err == ERR_NOT_FOUND)
        return problem_set(problem, err, "", "the invitation is not good any more");
    TRY(err);
    TRY(store_member_find(change->conn, &id, &change->arena, &member));
    err = store_user_find(change->conn, member.email, &change->arena, &user);
    if (err == ERR_NOT_FOUND)
        err = change_user_add(change, member.email, password_hash, &user.id);
    TRY(err);
    change->actor.scope.user_id = user.id;
    return join(change, &member, &user.id, problem);
}
