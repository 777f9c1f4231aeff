/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_login.c - people log in and out; who guesses waits.
 */
#include "control/change/change_login.h"

#include "common/base/clock.h"
#include "common/base/hex.h"
#include "common/model/address_policy.h"
#include "control/change/change_int.h"
#include "control/change/change_user.h"
#include "control/store/store_tokens.h"
#include "control/store/store_users.h"

#define JSON_BYTES_MAX 2048
#define KEY_BYTES 80
#define MINUTE_US UINT64_C(60000000)
#define DAY_US UINT64_C(86400000000)

/* Nobody's password, at the cost of everybody's: without a user the check takes as long. */
#define NOBODY                                               \
    "$argon2id$v=19$m=65536,t=3,p=1$NP0xpWxtguhu2RBF8fs2Iw$" \
    "3aN+AaQA1MswPhbN793c2AAVaeg1VZELq1umjYjw7bA"

/* A key of the store's tries: what it is, a digest or an address. */
struct try_key {
    char text[KEY_BYTES];
    uint64_t per_minute_max; /* 0: waits instead */
};

struct try_keys {
    struct try_key keys[3];
    size_t count;
};

static struct try_key digest_key(char kind, const struct digest *digest)
{
    struct try_key key = {.per_minute_max = 0};
    key.text[0] = kind;
    key.text[1] = ':';
    hex_encode(digest_span(digest), key.text + 2);
    return key;
}

/* The account's, or that of the device which its user is known by. */
static struct try_key waiting_key(const struct login_try *try_, bool known_device)
{
    if (known_device)
        return digest_key('d', &try_->device);
    struct digest digest = digest_of(try_->email);
    return digest_key('e', &digest);
}

static struct try_keys keys_of(const struct login_try *try_, bool known_device)
{
    struct try_keys out = {.count = 1};
    out.keys[0] = waiting_key(try_, known_device);
    if (known_device)
        return out;
    struct address address;
    struct digest ip = digest_of(address_network(try_->ip, &address));
    out.keys[1] = digest_key('a', &ip);
    out.keys[1].per_minute_max = LIMIT_LOGIN_TRIES_PER_ADDRESS;
    out.keys[2] = (struct try_key){"all", LIMIT_LOGIN_TRIES};
    out.count = 3;
    return out;
}

static uint64_t wait_us(uint64_t tries)
{
    if (tries < LIMIT_LOGIN_FREE_TRIES)
        return 0;
    uint64_t doublings = tries - LIMIT_LOGIN_FREE_TRIES;
    uint64_t wait_s = doublings < 6 ? UINT64_C(1) << doublings : LIMIT_LOGIN_WAIT_S;
    return wait_s * 1000000;
}

/* What has counted so far becomes what counts with this try; *left_us is how long it must wait. */
static struct store_tries count_try(const struct try_key *key, struct store_tries so_far,
                                    uint64_t now_us, uint64_t *left_us)
{
    uint64_t age_us = now_us > so_far.at_us ? now_us - so_far.at_us : 0;
    uint64_t lasts_us = key->per_minute_max > 0 ? MINUTE_US : DAY_US;
    if (age_us >= lasts_us)
        so_far = (struct store_tries){0, now_us};
    uint64_t needed_us = key->per_minute_max == 0             ? wait_us(so_far.count)
                         : so_far.count < key->per_minute_max ? 0
                                                              : MINUTE_US;
    *left_us = so_far.count > 0 && needed_us > age_us ? needed_us - age_us : 0;
    return (struct store_tries){so_far.count + 1, key->per_minute_max > 0 ? so_far.at_us : now_us};
}

/* ERR_LIMIT with the longest of their waits; else they all count, when they are to be written. */
static enum err take_places(struct store_conn *conn, const struct try_keys *keys, bool writing,
                            struct login_found *out)
{
    struct store_tries tries[countof(keys->keys)];
    uint64_t now_us = clock_wall_us(), longest_us = 0;
    for (size_t i = 0; i < keys->count; i++) {
        uint64_t left_us;
        TRY(store_tries_get(conn, span_str(keys->keys[i].text), &tries[i]));
        tries[i] = count_try(&keys->keys[i], tries[i], now_us, &left_us);
        longest_us = left_us > longest_us ? left_us : longest_us;
    }
    out->wait_s = (longest_us + 999999) / 1000000;
    if (longest_us > 0)
        return ERR_LIMIT;
    for (size_t i = 0; writing && i < keys->count; i++)
        TRY(store_tries_put(conn, span_str(keys->keys[i].text), &tries[i]));
    return ERR_OK;
}

static enum err find_user(struct store_conn *conn, const struct login_try *try_,
                          struct login_found *out)
{
    struct arena arena;
    struct store_user user;
    *out = (struct login_found){.wait_s = 0};
    arena_init(&arena, NULL);
    enum err err = store_user_find(conn, try_->email, &arena, &user);
    bool found = err == ERR_OK && user.password_hash.len > 0;
    struct span hash = found ? user.password_hash : SPAN(NOBODY);
    if (found) {
        out->user_id = user.id;
        out->second_factor = user.second_factor;
    }
    ASSERT(span_to_cstr(hash, out->password_hash, sizeof(out->password_hash)));
    if (err == ERR_NOT_FOUND)
        err = ERR_OK;
    if (err == ERR_OK && try_->device_given) {
        err = store_device_find(conn, &try_->device, &out->user_id);
        out->known_device = err == ERR_OK;
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    arena_release(&arena);
    return err;
}

enum err change_login_find(const struct change_door *door, const struct login_try *try_,
                           struct login_found *out)
{
    struct store_conn *conn = NULL;
    TRY(store_read_begin(door->store, &conn));
    enum err err = find_user(conn, try_, out);
    store_read_end(&conn);
    return err;
}

/* By a reader first: who has to wait costs no write. */
enum err change_login_try(const struct change_door *door, const struct login_try *try_,
                          struct login_found *out)
{
    struct store_conn *conn = NULL;
    TRY(store_read_begin(door->store, &conn));
    enum err err = find_user(conn, try_, out);
    const struct try_keys keys = keys_of(try_, out->known_device);
    if (err == ERR_OK)
        err = take_places(conn, &keys, false, out);
    store_read_end(&conn);
    TRY(err);
    TRY(store_write_begin(door->store, &conn));
    err = take_places(conn, &keys, true, out);
    if (err == ERR_OK)
        err = store_write_commit(&conn);
    store_write_rollback(&conn);
    return err;
}

static enum err audit(struct change *change, const char *action, const struct login_try *try_,
                      const struct id *login_id)
{
    struct buf json;
    buf_init(&json, JSON_BYTES_MAX);
    buf_append_byte(&json, '{');
    change_json_text(&json, "email", try_->email);
    if (login_id)
        change_json_text(&json, "id", id_span(login_id));
    buf_append_byte(&json, '}');
    const struct change_entry entry = {.action = action, .new_json = &json};
    enum err err = change_audit(change, &entry);
    buf_release(&json);
    return err;
}

/* ERR_UNAUTHENTICATED when a change of the password or of the factor came in between. */
static enum err check_still(struct change *change, const struct login_found *found)
{
    struct store_user user;
    TRY(store_user_get(change->conn, &found->user_id, &change->arena, &user));
    bool still = span_equal(user.password_hash, span_str(found->password_hash)) &&
                 user.second_factor == found->second_factor;
    return still ? ERR_OK : ERR_UNAUTHENTICATED;
}

static enum err add_device(struct change *change, const struct login_try *try_,
                           const struct login_found *found, struct login_made *out)
{
    struct digest digest;
    if (found->known_device)
        return store_device_put(change->conn, &try_->device, &found->user_id, change->now_us);
    token_make(&out->device);
    TRY(token_digest(span_str(out->device.text), digest.bytes));
    return store_device_put(change->conn, &digest, &found->user_id, change->now_us);
}

enum err change_login_begin(struct change *change, const struct login_try *try_,
                            const struct login_found *found, struct span code,
                            struct login_made *out)
{
    const struct try_key key = waiting_key(try_, found->known_device);
    struct digest digest;
    *out = (struct login_made){.id = id_new()};
    TRY(check_still(change, found));
    if (found->second_factor)
        TRY(change_factor_use(change, &found->user_id, code));
    const struct store_login login = {
        .id = out->id,
        .user_id = found->user_id,
        .created_at_us = change->now_us,
        .proved_at_us = change->now_us,
        .seen_at_us = change->now_us,
        .ip = try_->ip,
    };
    token_make(&out->secret);
    TRY(token_digest(span_str(out->secret.text), digest.bytes));
    TRY(store_login_insert(change->conn, &login, &digest));
    TRY(add_device(change, try_, found, out));
    TRY(store_tries_delete(change->conn, span_str(key.text)));
    TRY(store_logins_forget(change->conn, change->now_us - DAY_US));
    change->actor.scope.user_id = found->user_id;
    change->actor.token_id = out->id;
    return audit(change, "login.create", try_, &out->id);
}

enum err change_login_proved(struct change *change, const struct login_try *try_,
                             const struct login_found *found)
{
    const struct try_key key = waiting_key(try_, found->known_device);
    bool newcomer = found->user_id.text[0] == '\0';
    enum err err = newcomer ? ERR_OK : check_still(change, found);
    TRY(err == ERR_UNAUTHENTICATED ? ERR_CONFLICT : err);
    return store_tries_delete(change->conn, span_str(key.text));
}

enum err change_login_refuse(struct change *change, const struct login_try *try_,
                             const struct login_found *found)
{
    change->actor.scope.user_id = found->user_id;
    return audit(change, "login.refuse", try_, NULL);
}

enum err change_login_replace(struct change *change, const struct store_login *older)
{
    enum err err = store_login_delete(change->conn, &older->user_id, &older->id);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err change_login_end(struct change *change, const struct id *id, struct problem *problem)
{
    enum err err = store_login_delete(change->conn, &change->actor.scope.user_id, id);
    if (err == ERR_NOT_FOUND)
        return problem_set(problem, err, "", "no such login");
    TRY(err);
    return audit(change, "login.end", &(struct login_try){.email = SPAN("")}, id);
}

enum err change_uses_write(const struct change_door *door, const struct login_use *uses,
                           size_t count)
{
    struct store_conn *conn = NULL;
    enum err err = store_write_begin(door->store, &conn);
    /* An id is one or the other's; the other has no such row. */
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        err = store_token_used(conn, &uses[i].id, uses[i].at_us);
        if (err == ERR_OK)
            err = store_login_seen(conn, &uses[i].id, uses[i].at_us);
    }
    if (err == ERR_OK)
        err = store_write_commit(&conn);
    store_write_rollback(&conn);
    return err;
}
