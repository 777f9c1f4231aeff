/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main_user.c - the commands about people: `bootstrap`, and `user` with what is to be done.
 *
 * At the console there is no password to prove and no mailer: links are printed.
 */
#include "control/main_user.h"

#include <stdio.h>

#include "common/base/mem.h"
#include "control/auth/password.h"
#include "control/change/change_account.h"
#include "control/change/change_member.h"
#include "control/change/change_user.h"
#include "control/main_store.h"
#include "control/store/store_users.h"

#define USERS_PER_PAGE 100

/* The first line of standard input. */
static int read_password(char *out, size_t out_bytes, size_t *len_out)
{
    if (!fgets(out, (int)out_bytes, stdin))
        return complain(EXIT_FAILURE, "password: standard input is empty");
    size_t len = strlen(out);
    if (len + 1 == out_bytes)
        return complain(EXIT_FAILURE, "password: must have at most %d bytes", LIMIT_PASSWORD_BYTES);
    if (len > 0 && out[len - 1] == '\n')
        len--;
    if (len > 0 && out[len - 1] == '\r')
        len--;
    *len_out = len;
    return 0;
}

static enum err make_user(struct store *store, const struct change_user_spec *spec, bool first,
                          struct change_user_made *made, struct problem *problem)
{
    const struct change_door door = {.store = store};
    const struct change_actor console = {.scope = {.platform_wide = true}};
    struct change *change = NULL;
    uint64_t revision = 0;
    TRY(change_begin(&door, &console, &change));
    enum err err = first ? change_bootstrap(change, spec, made, problem)
                         : change_user_create(change, spec, made, problem);
    if (err == ERR_OK)
        err = change_commit(&change, &revision, problem);
    change_abandon(&change);
    return err;
}

static int add_user(const struct arguments *args)
{
    bool first = args->command == COMMAND_bootstrap;
    char password[LIMIT_PASSWORD_BYTES + 3];
    size_t password_bytes = 0;
    struct store *store = NULL;
    struct change_user_made made;
    struct problem problem = {.code = ERR_OK};
    if (args->flags[FLAG_email].count == 0 || args->flags[FLAG_password_stdin].count == 0)
        return complain(EXIT_WRONG_USAGE, "%s needs --email and --password-stdin",
                        command_name(args->command));
    int code = read_password(password, sizeof(password), &password_bytes);
    if (code == 0)
        code = open_store(args, first, &store);
    if (code != 0)
        return code;
    const struct change_user_spec spec = {
        .email = span_str(flag_text(args, FLAG_email)),
        .password = span_of(password, password_bytes),
        .platform_wide = first,
    };
    enum err err = make_user(store, &spec, first, &made, &problem);
    mem_wipe(password, sizeof(password));
    store_close(&store);
    if (err != ERR_OK) {
        bool has_user = err == ERR_EXISTS && first;
        return complain_problem(has_user ? EXIT_HAS_USER : EXIT_FAILURE, &problem, err);
    }
    printf("{\"user_id\":\"%s\",\"account_id\":\"%s\",\"token\":\"%s\"}\n", made.user_id.text,
           made.account_id.text, made.token.text);
    mem_wipe(&made, sizeof(made));
    return EXIT_SUCCESS;
}

static int list_users(struct store *store)
{
    struct store_page page = {.page = 1, .per_page = USERS_PER_PAGE};
    struct store_user_list list = {.count = USERS_PER_PAGE};
    struct store_conn *conn = NULL;
    enum err err = store_read_begin(store, &conn);
    for (; err == ERR_OK && list.count == USERS_PER_PAGE; page.page++) {
        struct arena arena;
        arena_init(&arena, NULL);
        err = store_user_list(conn, &page, &arena, &list);
        for (size_t i = 0; err == ERR_OK && i < list.count; i++)
            printf("%s %.*s%s%s\n", list.rows[i].id.text, SPAN_ARG(list.rows[i].email),
                   list.rows[i].platform_wide ? " operator" : "",
                   list.rows[i].second_factor ? " second-factor" : "");
        arena_release(&arena);
    }
    store_read_end(&conn);
    return err == ERR_OK ? EXIT_SUCCESS : complain(EXIT_FAILURE, "%s", err_slug(err));
}

/* One change of one person, whose id is known. */
struct task {
    const struct arguments *args;
    struct change *change;
    struct id user_id;
    struct problem problem;
};

typedef enum err task_fn(struct task *task);

static enum err reset_password(struct task *task)
{
    char password[LIMIT_PASSWORD_BYTES + 3], hash[PASSWORD_HASH_BYTES];
    size_t bytes = 0;
    const struct id none = {{0}};
    if (read_password(password, sizeof(password), &bytes) != 0)
        return problem_set(&task->problem, ERR_INVALID, "password", "cannot be read");
    enum err err = change_check_password(span_of(password, bytes), &task->problem);
    if (err == ERR_OK)
        err = password_hash(span_of(password, bytes), hash);
    mem_wipe(password, sizeof(password));
    TRY(err);
    return change_password_set(task->change, &task->user_id, span_str(hash), &none);
}

static enum err reset_second_factor(struct task *task)
{
    enum err err = change_factor_remove(task->change, &task->user_id);
    return err == ERR_NOT_FOUND ? problem_set(&task->problem, err, "", "has no second factor")
                                : err;
}

static enum err operator_on(struct task *task)
{
    return change_operator_set(task->change, &task->user_id, true);
}

static enum err operator_off(struct task *task)
{
    return change_operator_set(task->change, &task->user_id, false);
}

/* Into the account of --account, as the role of --role. */
static enum err invite(struct task *task)
{
    struct change_invitation made;
    struct change_member_role role = {.role = ROLE_NONE};
    struct id account;
    const char *account_text = flag_text(task->args, FLAG_account);
    if (!account_text || id_parse(span_str(account_text), &account) != ERR_OK)
        return problem_set(&task->problem, ERR_INVALID, "--account", "must be an account's id");
    if (role_parse(span_str(flag_text(task->args, FLAG_role)), &role.role) != ERR_OK)
        return problem_set(&task->problem, ERR_INVALID, "--role",
                           "must be owner, administrator, editor or viewer");
    TRY(change_member_invite(task->change, &account, span_str(flag_text(task->args, FLAG_email)),
                             &role, &made, &task->problem));
    printf("/invite/%s\n", made.secret.text);
    mem_wipe(&made, sizeof(made));
    return ERR_OK;
}

struct verb_row {
    const char *verb;
    task_fn *run;
    bool new_person; /* nobody needs to have the email yet */
};

static const struct verb_row verb_rows[] = {
    {"invite", invite, true},
    {"reset-password", reset_password, false},
    {"reset-second-factor", reset_second_factor, false},
    {"operator-on", operator_on, false},
    {"operator-off", operator_off, false},
};

static enum err find_person(struct store *store, struct task *task)
{
    struct store_conn *conn = NULL;
    struct arena arena;
    struct store_user user;
    arena_init(&arena, NULL);
    enum err err = store_read_begin(store, &conn);
    struct span email = arena_copy_lower(&arena, span_str(flag_text(task->args, FLAG_email)));
    if (err == ERR_OK)
        err = store_user_find(conn, email, &arena, &user);
    if (err == ERR_OK)
        task->user_id = user.id;
    store_read_end(&conn);
    arena_release(&arena);
    return err == ERR_NOT_FOUND ? problem_set(&task->problem, err, "email", "no such user") : err;
}

static enum err run_task(struct store *store, const struct verb_row *row, struct task *task)
{
    const struct change_door door = {.store = store};
    const struct change_actor console = {.scope = {.platform_wide = true}};
    uint64_t revision = 0;
    if (!row->new_person)
        TRY(find_person(store, task));
    TRY(change_begin(&door, &console, &task->change));
    enum err err = row->run(task);
    if (err == ERR_OK)
        err = change_commit(&task->change, &revision, &task->problem);
    change_abandon(&task->change);
    return err;
}

static int run_verb(const struct arguments *args, struct store *store)
{
    const struct verb_row *row = NULL;
    struct task task = {.args = args};
    if (strcmp(args->verb, "list") == 0)
        return list_users(store);
    for (size_t i = 0; i < countof(verb_rows); i++)
        if (strcmp(args->verb, verb_rows[i].verb) == 0)
            row = &verb_rows[i];
    if (!row)
        return complain(EXIT_WRONG_USAGE,
                        "user %s: is none of list, invite, reset-password, reset-second-factor, "
                        "operator-on, operator-off",
                        args->verb);
    if (args->flags[FLAG_email].count == 0)
        return complain(EXIT_WRONG_USAGE, "user %s needs --email", args->verb);
    enum err err = run_task(store, row, &task);
    return err == ERR_OK ? EXIT_SUCCESS : complain_problem(EXIT_FAILURE, &task.problem, err);
}

int main_user(const struct arguments *args)
{
    struct store *store = NULL;
    if (!args->verb)
        return add_user(args);
    int code = open_store(args, false, &store);
    if (code == 0)
        code = run_verb(args, store);
    store_close(&store);
    return code;
}
