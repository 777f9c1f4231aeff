/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_account.c - accounts, and the people that come with a new one.
 */
#include "control/change/change_account.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/certificate.h"
#include "control/auth/password.h"
#include "control/change/change_int.h"
#include "control/change/change_user.h"
#include "control/store/store_tokens.h"
#include "control/store/store_users.h"

#define JSON_BYTES_MAX 4096
#define CA_NAME "Trunkline local CA"

static enum err add_member(struct change *change, const struct id *account_id,
                           const struct id *user_id)
{
    const struct store_member member = {
        .id = id_new(),
        .account_id = *account_id,
        .user_id = *user_id,
        .role = "owner",
        .created_at_us = change->now_us,
    };
    return store_member_insert(change->conn, &member);
}

static enum err audit_account(struct change *change, const char *action,
                              const struct store_account *account)
{
    struct buf json;
    buf_init(&json, JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "id", id_span(&account->id));
    change_json_text(&json, "name", account->name);
    change_json_number(&json, "zones_max", account->zones_max);
    buf_append_byte(&json, '}');
    const struct change_entry entry = {
        .action = action, .account_id = account->id, .new_json = &json};
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    return err;
}

static enum err add_account(struct change *change, struct span name, struct id *out)
{
    const struct store_account account = {
        .id = id_new(), .name = name, .created_at_us = change->now_us};
    TRY(store_account_insert(change->conn, &account));
    *out = account.id;
    return audit_account(change, "account.create", &account);
}

static enum err check_name(struct span name, struct problem *problem)
{
    if (name.len == 0 || name.len > CHANGE_NAME_BYTES_MAX)
        return problem_set(problem, ERR_INVALID, "name", "must have 1 to %d bytes",
                           CHANGE_NAME_BYTES_MAX);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < ' ' || name.ptr[i] == 0x7f)
            return problem_set(problem, ERR_INVALID, "name", "must not contain control characters");
    return ERR_OK;
}

static enum err find_account(struct change *change, const struct id *id, enum permission permission,
                             struct store_account *out, struct problem *problem)
{
    const struct store_scope all = change_all();
    TRY(change_permit(change, id, permission, problem));
    enum err err = store_account_get(change->conn, &all, id, &change->arena, out);
    return err == ERR_NOT_FOUND ? problem_set(problem, err, "", "no such account") : err;
}

enum err change_account_edit(struct change *change, const struct id *id,
                             const struct change_account_edit *edit, struct problem *problem)
{
    struct store_account account;
    TRY(find_account(change, id, PERMISSION_ACCOUNT_EDIT, &account, problem));
    if (edit->name_given) {
        TRY(check_name(edit->name, problem));
        account.name = edit->name;
    }
    if (edit->maxima_given) {
        TRY(change_permit(change, &(struct id){{0}}, PERMISSION_PLATFORM, problem));
        account.zones_max = edit->zones_max;
        account.tokens_max = edit->tokens_max;
        account.members_max = edit->members_max;
    }
    TRY(store_account_update(change->conn, &account));
    return audit_account(change, "account.edit", &account);
}

enum err change_account_close(struct change *change, const struct id *id, struct problem *problem)
{
    struct store_account account;
    TRY(find_account(change, id, PERMISSION_ACCOUNT_CLOSE, &account, problem));
    enum err err = store_account_delete(change->conn, id);
    if (err == ERR_NOT_FOUND)
        return problem_set(problem, ERR_CONFLICT, "", "the account has domains: remove them first");
    TRY(err);
    return audit_account(change, "account.delete", &account);
}

enum err change_account_create(struct change *change, struct span name, struct id *out,
                               struct problem *problem)
{
    TRY(change_permit(change, &(struct id){{0}}, PERMISSION_ACCOUNT_CREATE, problem));
    TRY(check_name(name, problem));
    TRY(add_account(change, name, out));
    if (change->actor.scope.user_id.text[0] == '\0')
        return ERR_OK;
    return add_member(change, out, &change->actor.scope.user_id);
}

static enum err add_token(struct change *change, struct change_user_made *out)
{
    struct digest digest;
    token_make(&out->token);
    TRY(token_digest(span_str(out->token.text), digest.bytes));
    const struct store_token token = {
        .id = id_new(),
        .user_id = out->user_id,
        .name = SPAN("first token"),
        .created_at_us = change->now_us,
    };
    TRY(store_token_insert(change->conn, &token, &digest));
    out->token_id = token.id;
    struct buf json;
    buf_init(&json, JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "id", id_span(&token.id));
    change_json_text(&json, "user_id", id_span(&token.user_id));
    buf_append_byte(&json, '}');
    const struct change_entry entry = {.action = "token.create", .new_json = &json};
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    return err;
}

enum err change_user_create(struct change *change, const struct change_user_spec *spec,
                            struct change_user_made *out, struct problem *problem)
{
    char name[CHANGE_EMAIL_BYTES_MAX + sizeof("'s account")];
    TRY(change_permit(change, &(struct id){{0}}, PERMISSION_ACCOUNT_CREATE, problem));
    TRY(change_check_email(spec->email, problem));
    TRY(change_check_password(spec->password, problem));
    struct span email = arena_copy_lower(&change->arena, spec->email);
    char hash[PASSWORD_HASH_BYTES];
    TRY(password_hash(spec->password, hash));
    enum err err = change_user_add(change, email, span_str(hash), &out->user_id);
    if (err == ERR_EXISTS)
        return problem_set(problem, err, "email", "there is a user with this email address");
    TRY(err);
    if (spec->platform_wide)
        TRY(change_operator_set(change, &out->user_id, true));
    size_t len = text_format(name, sizeof(name), "%.*s's account", SPAN_ARG(email));
    TRY(add_account(change, span_of(name, len), &out->account_id));
    TRY(add_member(change, &out->account_id, &out->user_id));
    return add_token(change, out);
}

static enum err add_local_ca(struct change *change)
{
    struct buf chain, key;
    buf_init(&chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&key, LIMIT_PRIVATE_KEY_BYTES);
    enum err err = certificate_make_ca(CA_NAME, change->now_us / 1000000, &chain, &key);
    if (err == ERR_OK)
        err = store_ca_put(change->conn, buf_span(&chain), buf_span(&key));
    if (key.len > 0)
        mem_wipe(key.ptr, key.len);
    buf_release(&key);
    buf_release(&chain);
    return err;
}

enum err change_bootstrap(struct change *change, const struct change_user_spec *spec,
                          struct change_user_made *out, struct problem *problem)
{
    uint64_t users = 0;
    TRY(store_user_count(change->conn, &users));
    if (users > 0)
        return problem_set(problem, ERR_EXISTS, "store", "already has a user");
    TRY(add_local_ca(change));
    TRY(change_origin_ca_make(change));
    return change_user_create(change, spec, out, problem);
}
