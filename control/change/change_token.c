/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_token.c - API tokens of users and accounts come, change, get another secret, and go.
 */
#include "control/change/change_token.h"

#include "control/change/change_int.h"
#include "control/change/token_policy.h"
#include "control/store/store_tokens.h"
#include "control/store/store_users.h"

static enum err permit(struct change *change, const struct change_token_owner *owner,
                       struct problem *problem)
{
    if (owner->account)
        return change_permit(change, &owner->id, PERMISSION_ACCOUNT_TOKEN_EDIT, problem);
    return change_permit(change, &(struct id){{0}}, PERMISSION_USER_TOKEN_EDIT, problem);
}

/* The user that an account's tokens act as: not an owner, so that no administrator makes himself
 * more than he is. */
static enum err need_account_user(struct change *change, const struct id *account_id)
{
    const struct store_user user = {.id = *account_id,
                                    .email = id_span(account_id),
                                    .account = true,
                                    .created_at_us = change->now_us};
    const struct store_member member = {.id = id_new(),
                                        .account_id = *account_id,
                                        .user_id = *account_id,
                                        .role = "administrator",
                                        .created_at_us = change->now_us};
    struct store_user known;
    enum err err = store_user_get(change->conn, account_id, &change->arena, &known);
    if (err != ERR_NOT_FOUND)
        return err;
    TRY(store_user_insert(change->conn, &user));
    return store_member_insert(change->conn, &member);
}

static enum err check_quota(struct change *change, const struct change_token_owner *owner,
                            struct problem *problem)
{
    const struct store_scope all = change_all();
    struct store_account account = {.tokens_max = 0};
    uint64_t count = 0, count_max = LIMIT_USER_TOKENS;
    if (owner->account)
        TRY(store_account_get(change->conn, &all, &owner->id, &change->arena, &account));
    if (account.tokens_max > 0)
        count_max = account.tokens_max;
    TRY(store_token_count(change->conn, &owner->id, &count));
    if (count < count_max)
        return ERR_OK;
    return problem_set(problem, ERR_LIMIT, "", "at most %llu tokens",
                       (unsigned long long)count_max);
}

/* An account's token is nobody's: it has no user of its own to look at. */
static enum err check_policies(const struct policies *policies, bool account,
                               struct problem *problem)
{
    for (size_t i = 0; account && i < policies->count; i++)
        for (size_t k = 0; k < policies->rows[i].resource_count; k++)
            if (policies->rows[i].resources[k].kind <= POLICY_USER)
                return problem_set(problem, ERR_INVALID, "policies",
                                   "an account's token has no resources of a user");
    return ERR_OK;
}

/* What the spec says, as the store keeps it; text is in the change's arena. */
static enum err fill(struct change *change, const struct change_token_spec *spec, bool account,
                     struct store_token *out, struct problem *problem)
{
    struct policies policies;
    struct token_networks networks;
    struct buf text;
    if (spec->name.len == 0 || spec->name.len > CHANGE_TOKEN_NAME_BYTES_MAX)
        return problem_set(problem, ERR_INVALID, "name", "must have 1 to %d bytes",
                           CHANGE_TOKEN_NAME_BYTES_MAX);
    TRY(token_policies_read(spec->policies, &change->arena, &policies, problem));
    TRY(check_policies(&policies, account, problem));
    TRY(token_condition_read(spec->condition, &networks, problem));
    if (spec->ends_at_us != 0 && spec->ends_at_us <= spec->not_before_us)
        return problem_set(problem, ERR_INVALID, "expires_on", "lies before not_before");
    buf_init(&text, LIMIT_API_BODY_BYTES);
    token_policies_write(spec->policies, &text);
    out->policies = arena_copy(&change->arena, buf_span(&text));
    buf_clear(&text);
    token_condition_write(spec->condition, &text);
    out->condition = arena_copy(&change->arena, buf_span(&text));
    buf_release(&text);
    out->name = spec->name;
    out->disabled = spec->disabled;
    out->not_before_us = spec->not_before_us;
    out->ends_at_us = spec->ends_at_us;
    out->modified_at_us = change->now_us;
    return ERR_OK;
}

static void describe(struct buf *out, const struct store_token *token)
{
    buf_init(out, LIMIT_API_BODY_BYTES);
    buf_append_byte(out, '{');
    change_json_text(out, "id", id_span(&token->id));
    change_json_text(out, "user_id", id_span(&token->user_id));
    change_json_text(out, "name", token->name);
    change_json_bool(out, "disabled", token->disabled);
    change_json_number(out, "expires_on_us", token->ends_at_us);
    if (token->policies.len > 0) {
        buf_append_str(out, ",\"policies\":");
        buf_append(out, token->policies);
    }
    buf_append_byte(out, '}');
}

static enum err audit(struct change *change, const char *action,
                      const struct change_token_owner *owner, const struct store_token *before,
                      const struct store_token *after)
{
    struct buf old_json = {0}, new_json = {0};
    if (before)
        describe(&old_json, before);
    if (after)
        describe(&new_json, after);
    const struct change_entry entry = {
        .action = action,
        .account_id = owner->account ? owner->id : (struct id){{0}},
        .old_json = before ? &old_json : NULL,
        .new_json = after ? &new_json : NULL,
    };
    enum err err = change_audit(change, &entry);
    buf_release(&old_json);
    buf_release(&new_json);
    return err;
}

static enum err find(struct change *change, const struct change_token_owner *owner,
                     const struct id *id, struct store_token *out, struct problem *problem)
{
    TRY(permit(change, owner, problem));
    enum err err = store_token_get(change->conn, &owner->id, id, &change->arena, out);
    return err == ERR_NOT_FOUND ? problem_set(problem, err, "", "no such token") : err;
}

enum err change_token_create(struct change *change, const struct change_token_owner *owner,
                             const struct change_token_spec *spec, struct change_token_made *out,
                             struct problem *problem)
{
    struct digest digest;
    struct store_token token = {
        .id = id_new(), .user_id = owner->id, .created_at_us = change->now_us};
    TRY(permit(change, owner, problem));
    TRY(check_quota(change, owner, problem));
    TRY(fill(change, spec, owner->account, &token, problem));
    if (owner->account)
        TRY(need_account_user(change, &owner->id));
    token_make(&out->secret);
    TRY(token_digest(span_str(out->secret.text), digest.bytes));
    TRY(store_token_insert(change->conn, &token, &digest));
    out->id = token.id;
    return audit(change, "token.create", owner, NULL, &token);
}

enum err change_token_edit(struct change *change, const struct change_token_owner *owner,
                           const struct id *id, const struct change_token_spec *spec,
                           struct problem *problem)
{
    struct store_token before;
    TRY(find(change, owner, id, &before, problem));
    struct store_token after = before;
    TRY(fill(change, spec, owner->account, &after, problem));
    TRY(store_token_update(change->conn, &after));
    return audit(change, "token.edit", owner, &before, &after);
}

enum err change_token_roll(struct change *change, const struct change_token_owner *owner,
                           struct change_token_made *token, struct problem *problem)
{
    struct store_token row;
    struct digest digest;
    TRY(find(change, owner, &token->id, &row, problem));
    token_make(&token->secret);
    TRY(token_digest(span_str(token->secret.text), digest.bytes));
    TRY(store_token_roll(change->conn, &token->id, &digest));
    return audit(change, "token.roll", owner, NULL, &row);
}

enum err change_token_delete(struct change *change, const struct change_token_owner *owner,
                             const struct id *id, struct problem *problem)
{
    struct store_token row;
    TRY(find(change, owner, id, &row, problem));
    TRY(store_token_delete(change->conn, id));
    return audit(change, "token.delete", owner, &row, NULL);
}
