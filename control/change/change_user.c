/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_user.c - a person: who he is, and what he proves it with.
 */
#include "control/change/change_user.h"

#include "common/base/clock.h"
#include "common/base/hex.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "control/auth/password.h"
#include "control/change/change_int.h"
#include "control/store/store_factors.h"
#include "control/store/store_logins.h"
#include "control/store/store_users.h"

#define JSON_BYTES_MAX 4096

/* One '@' with something on both sides, no blanks, no control characters. */
enum err change_check_email(struct span email, struct problem *problem)
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

enum err change_check_password(struct span password, struct problem *problem)
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

/* Which user, and what else is worth saying. */
static enum err audit_user(struct change *change, const char *action, const struct store_user *user)
{
    struct buf json;
    buf_init(&json, JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "id", id_span(&user->id));
    change_json_text(&json, "email", user->email);
    change_json_bool(&json, "operator", user->platform_wide);
    buf_append_byte(&json, '}');
    const struct change_entry entry = {.action = action, .new_json = &json};
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    return err;
}

enum err change_user_add(struct change *change, struct span email, struct span password_hash,
                         struct id *out)
{
    const struct store_user user = {
        .id = id_new(),
        .email = email,
        .password_hash = password_hash,
        .created_at_us = change->now_us,
    };
    TRY(store_user_insert(change->conn, &user));
    *out = user.id;
    return audit_user(change, "user.create", &user);
}

/* A person for a change of him; not the user of an account. */
static enum err get_person(struct change *change, const struct id *user_id, struct store_user *out)
{
    TRY(store_user_get(change->conn, user_id, &change->arena, out));
    return out->account ? ERR_FORBIDDEN : ERR_OK;
}

static enum err get_self(struct change *change, struct store_user *out, struct problem *problem)
{
    TRY(change_permit(change, &(struct id){{0}}, PERMISSION_USER_EDIT, problem));
    return get_person(change, &change->actor.scope.user_id, out);
}

enum err change_user_edit(struct change *change, const struct change_user_edit *edit,
                          struct problem *problem)
{
    struct store_user user;
    TRY(get_self(change, &user, problem));
    if (edit->first_name_given)
        user.first_name = edit->first_name;
    if (edit->last_name_given)
        user.last_name = edit->last_name;
    if (edit->telephone_given)
        user.telephone = edit->telephone;
    if (edit->country_given)
        user.country = edit->country;
    if (edit->zipcode_given)
        user.zipcode = edit->zipcode;
    user.modified_at_us = change->now_us;
    TRY(store_user_update(change->conn, &user));
    return audit_user(change, "user.edit", &user);
}

enum err change_password_set(struct change *change, const struct id *user_id,
                             struct span password_hash, const struct id *but_login)
{
    struct store_user user;
    TRY(get_person(change, user_id, &user));
    user.password_hash = password_hash;
    user.modified_at_us = change->now_us;
    TRY(store_user_update(change->conn, &user));
    TRY(store_logins_end(change->conn, user_id, but_login));
    return audit_user(change, "user.password", &user);
}

enum err change_operator_set(struct change *change, const struct id *user_id, bool platform_wide)
{
    struct store_user user;
    TRY(get_person(change, user_id, &user));
    user.platform_wide = platform_wide;
    user.modified_at_us = change->now_us;
    TRY(store_user_update(change->conn, &user));
    return audit_user(change, "user.operator", &user);
}

enum err change_key_roll(struct change *change, const struct id *user_id,
                         char out[CHANGE_KEY_CHARACTERS + 1])
{
    struct store_user user;
    uint8_t bytes[CHANGE_KEY_CHARACTERS / 2 + 1];
    char text[2 * sizeof(bytes) + 1];
    TRY(get_person(change, user_id, &user));
    random_bytes(bytes, sizeof(bytes));
    hex_encode(span_of(bytes, sizeof(bytes)), text);
    memcpy(out, text, CHANGE_KEY_CHARACTERS);
    out[CHANGE_KEY_CHARACTERS] = '\0';
    const struct store_key key = {
        .id = id_new(), .user_id = *user_id, .created_at_us = change->now_us};
    const struct digest digest = digest_of(span_str(out));
    mem_wipe(bytes, sizeof(bytes));
    mem_wipe(text, sizeof(text));
    TRY(store_key_put(change->conn, &key, span_str(out), &digest));
    return audit_user(change, "user.key", &user);
}

enum err change_key_viewed(struct change *change, const struct id *user_id)
{
    struct store_user user;
    TRY(get_person(change, user_id, &user));
    return audit_user(change, "user.key_view", &user);
}

enum err change_factor_begin(struct change *change, uint8_t secret[TOTP_SECRET_BYTES],
                             struct problem *problem)
{
    struct store_user user;
    TRY(get_self(change, &user, problem));
    if (user.second_factor)
        return problem_set(problem, ERR_CONFLICT, "", "there is a second factor: remove it first");
    totp_secret_make(secret);
    TRY(store_factor_put(change->conn, &user.id, span_of(secret, TOTP_SECRET_BYTES)));
    return audit_user(change, "user.second_factor_begin", &user);
}

/* Takes the step of the code, so that it is good once. */
static enum err use_code(struct change *change, const struct id *user_id, struct span code,
                         bool confirming)
{
    struct store_factor factor;
    struct buf secret;
    uint64_t step = 0;
    buf_init(&secret, 64);
    enum err err = store_factor_open(change->conn, user_id, &factor, &secret);
    if (err == ERR_OK && factor.confirmed == confirming)
        err = ERR_UNAUTHENTICATED;
    if (err == ERR_OK)
        err = totp_check(buf_span(&secret), code, clock_wall_s(), factor.used_step, &step);
    if (secret.len > 0)
        mem_wipe(secret.ptr, secret.len);
    buf_release(&secret);
    TRY(err);
    return store_factor_update(change->conn, user_id, &(struct store_factor){true, step});
}

enum err change_factor_confirm(struct change *change, struct span code,
                               struct change_recovery_codes *out, struct problem *problem)
{
    struct store_user user;
    TRY(get_self(change, &user, problem));
    enum err err = use_code(change, &user.id, code, true);
    if (err == ERR_NOT_FOUND || err == ERR_UNAUTHENTICATED)
        return problem_set(problem, ERR_INVALID, "code", "is not the authenticator's code of now");
    TRY(err);
    for (size_t i = 0; i < CHANGE_RECOVERY_CODES; i++) {
        recovery_code_make(out->texts[i]);
        const struct digest digest = digest_of(span_str(out->texts[i]));
        TRY(store_recovery_put(change->conn, &user.id, &digest));
    }
    return audit_user(change, "user.second_factor", &user);
}

enum err change_factor_remove(struct change *change, const struct id *user_id)
{
    struct store_user user;
    TRY(get_person(change, user_id, &user));
    TRY(store_factor_delete(change->conn, user_id));
    return audit_user(change, "user.second_factor_remove", &user);
}

enum err change_factor_use(struct change *change, const struct id *user_id, struct span code)
{
    if (code.len == TOTP_CODE_DIGITS)
        return use_code(change, user_id, code, false);
    const struct digest digest = digest_of(code);
    enum err err = code.len == RECOVERY_CODE_BYTES
                       ? store_recovery_use(change->conn, user_id, &digest)
                       : ERR_NOT_FOUND;
    return err == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : err;
}
