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
#include "control/store/store_tokens.h"
#include "control/store/store_users.h"

#define JSON_BYTES_MAX 4096
#define CA_NAME "Trunkline local CA"

static enum err add_member(struct change *change, const struct id *account_id,
                           const struct id *user_id)
{
    const struct store_member member = {*account_id, *user_id, "owner"};
    return store_member_insert(change->conn, &member);
}

static enum err add_account(struct change *change, struct span name, struct id *out)
{
    const struct store_account account = {
        .id = id_new(), .name = name, .created_at_us = change->now_us};
    TRY(store_account_insert(change->conn, &account));
    struct buf json;
    buf_init(&json, JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "id", id_span(&account.id));
    change_json_text(&json, "name", name);
    buf_append_byte(&json, '}');
    const struct change_entry entry = {
        .action = "account.create", .account_id = account.id, .new_json = &json};
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    *out = account.id;
    return err;
}

enum err change_account_create(struct change *change, struct span name, struct id *out,
                               struct problem *problem)
{
    TRY(change_permit(change, &(struct id){{0}}, PERMISSION_ACCOUNT_CREATE, problem));
    if (name.len == 0 || name.len > CHANGE_NAME_BYTES_MAX)
        return problem_set(problem, ERR_INVALID, "name", "must have 1 to %d bytes",
                           CHANGE_NAME_BYTES_MAX);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < ' ' || name.ptr[i] == 0x7f)
            return problem_set(problem, ERR_INVALID, "name", "must not contain control characters");
    TRY(add_account(change, name, out));
    if (change->actor.scope.user_id.text[0] == '\0')
        return ERR_OK;
    return add_member(change, out, &change->actor.scope.user_id);
}

/* One '@' with something on both sides, no blanks, no control characters. */
static enum err check_email(struct span email, struct problem *problem)
{
    struct span domain = email, local = span_split(&domain, '@');
    bool sound = local.len > 0 && domain.len > 0 && span_find(domain, '@') == domain.len &&
                 email.len <= CHANGE_EMAIL_BYTES_MAX;
    for (size_t i = 0; i < email.len; i++)
        sound = sound && email.ptr[i] > ' ' && email.ptr[i] != 0x7f && email.ptr[i] != '"';
    if (sound)
        return ERR_OK;
    return problem_set(problem, ERR_INVALID, "email", "is not an email address");
}

static enum err check_password(struct span password, struct problem *problem)
{
    size_t characters = 0;
    /* Bytes that continue a UTF-8 character do not count. */
    for (size_t i = 0; i < password.len; i++)
        characters += (password.ptr[i] & 0xc0) != 0x80 ? 1 : 0;
    if (characters < PASSWORD_CHARACTERS_MIN)
        return problem_set(problem, ERR_INVALID, "password", "must have at least %d characters",
                           PASSWORD_CHARACTERS_MIN);
    if (password.len > LIMIT_PASSWORD_BYTES)
        return problem_set(problem, ERR_INVALID, "password", "must have at most %d bytes",
                           LIMIT_PASSWORD_BYTES);
    return ERR_OK;
}

static enum err add_user(struct change *change, const struct change_user_spec *spec,
                         struct span email, struct change_user_made *out)
{
    char hash[PASSWORD_HASH_BYTES];
    TRY(password_hash(spec->password, hash));
    const struct store_user user = {
        .id = id_new(),
        .email = email,
        .password_hash = span_str(hash),
        .platform_wide = spec->platform_wide,
        .created_at_us = change->now_us,
    };
    TRY(store_user_insert(change->conn, &user));
    out->user_id = user.id;
    struct buf json;
    buf_init(&json, JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "id", id_span(&user.id));
    change_json_text(&json, "email", email);
    change_json_bool(&json, "operator", user.platform_wide);
    buf_append_byte(&json, '}');
    const struct change_entry entry = {.action = "user.create", .new_json = &json};
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    return err;
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
    TRY(check_email(spec->email, problem));
    TRY(check_password(spec->password, problem));
    struct span email = arena_copy_lower(&change->arena, spec->email);
    enum err err = add_user(change, spec, email, out);
    if (err == ERR_EXISTS)
        return problem_set(problem, err, "email", "there is a user with this email address");
    TRY(err);
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
