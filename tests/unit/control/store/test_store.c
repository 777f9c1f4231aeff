/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c - opening, refusing, migrating, locking; transactions on real files. */
#include "tests/unit/control/store/store_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "control/store/store_accounts.h"
#include "control/store/store_users.h"
#include "control/store/store_zones.h"

static const struct store_scope ALL = {.platform_wide = true};

static enum err reopen(struct store_dir *d, bool exclusive, struct problem *problem)
{
    const struct store_options options = {.path = d->path, .exclusive = exclusive};
    *problem = (struct problem){.code = ERR_OK};
    return store_open(&options, &d->store, problem);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct id add_account(struct store *store, const char *name)
{
    const struct store_account account = {.id = id_new(), .name = span_str(name)};
    struct store_conn *conn = NULL;
    assert_int_equal(store_write_begin(store, &conn), ERR_OK);
    assert_int_equal(store_account_insert(conn, &account), ERR_OK);
    assert_int_equal(store_write_commit(&conn), ERR_OK);
    return account.id;
}

static enum err find_account(struct store *store, const struct id *id)
{
    struct store_conn *conn = NULL;
    struct store_account account;
    struct arena arena;
    arena_init(&arena, NULL);
    assert_int_equal(store_read_begin(store, &conn), ERR_OK);
    enum err err = store_account_get(conn, &ALL, id, &arena, &account);
    store_read_end(&conn);
    arena_release(&arena);
    return err;
}

static void a_new_store_is_private_and_sound(void **state)
{
    struct store_dir *d = *state;
    struct problem problem = {.code = ERR_OK};
    struct stat found;
    char key[128];
    text_format(key, sizeof(key), "%s.key", d->path);

    assert_int_equal(store_check(d->store, &problem), ERR_OK);
    assert_int_equal(stat(d->path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_int_equal(stat(key, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0400);
}

static void committed_rows_are_there_after_reopening(void **state)
{
    struct store_dir *d = *state;
    struct problem problem;
    struct id id = add_account(d->store, "first");

    store_close(&d->store);
    assert_int_equal(reopen(d, true, &problem), ERR_OK);

    assert_int_equal(find_account(d->store, &id), ERR_OK);
}

static void rolled_back_rows_are_not_there(void **state)
{
    struct store_dir *d = *state;
    const struct store_account account = {.id = id_new(), .name = SPAN("gone")};
    struct store_conn *conn = NULL;

    assert_int_equal(store_write_begin(d->store, &conn), ERR_OK);
    assert_int_equal(store_account_insert(conn, &account), ERR_OK);
    store_write_rollback(&conn);

    assert_null(conn);
    assert_int_equal(find_account(d->store, &account.id), ERR_NOT_FOUND);
}

static void a_reader_sees_one_moment(void **state)
{
    struct store_dir *d = *state;
    struct store_conn *reader = NULL;
    uint64_t before = 9, after = 9;
    const struct store_user user = {
        .id = id_new(), .email = SPAN("a@b"), .password_hash = SPAN("x")};

    assert_int_equal(store_read_begin(d->store, &reader), ERR_OK);
    assert_int_equal(store_user_count(reader, &before), ERR_OK);
    struct store_conn *writer = NULL;
    assert_int_equal(store_write_begin(d->store, &writer), ERR_OK);
    assert_int_equal(store_user_insert(writer, &user), ERR_OK);
    assert_int_equal(store_write_commit(&writer), ERR_OK);
    assert_int_equal(store_user_count(reader, &after), ERR_OK);
    store_read_end(&reader);

    assert_int_equal(before, 0);
    assert_int_equal(after, 0);
}

static void a_reader_cannot_write(void **state)
{
    struct store_dir *d = *state;
    const struct store_user user = {
        .id = id_new(), .email = SPAN("a@b"), .password_hash = SPAN("x")};
    struct store_conn *reader = NULL;

    assert_int_equal(store_read_begin(d->store, &reader), ERR_OK);
    enum err err = store_user_insert(reader, &user);
    store_read_end(&reader);

    assert_int_not_equal(err, ERR_OK);
}

static void a_second_control_on_one_store_is_refused(void **state)
{
    struct store_dir *d = *state;
    const struct store_options options = {.path = d->path, .exclusive = true};
    struct problem problem = {.code = ERR_OK};
    struct store *second = NULL;

    assert_int_equal(store_open(&options, &second, &problem), ERR_BUSY);

    assert_null(second);
    assert_non_null(strstr(problem.text, "another trunkline-control"));
}

static void a_console_command_may_share_the_store(void **state)
{
    struct store_dir *d = *state;
    const struct store_options options = {.path = d->path};
    struct store *second = NULL;
    struct id id = add_account(d->store, "shared");

    assert_int_equal(store_open(&options, &second, NULL), ERR_OK);
    assert_int_equal(find_account(second, &id), ERR_OK);
    store_close(&second);
}

static void a_file_that_is_not_sqlite_is_refused_and_untouched(void **state)
{
    static const char text[] = "this is my diary and no database at all\n";
    struct store_dir *d = *state;
    struct problem problem;
    char read_back[64] = {0};
    store_close(&d->store);
    write_file(d->path, text);

    assert_int_equal(reopen(d, true, &problem), ERR_CORRUPT);

    assert_non_null(strstr(problem.text, "not a SQLite database"));
    FILE *file = fopen(d->path, "r");
    assert_non_null(fgets(read_back, sizeof(read_back), file));
    fclose(file);
    assert_string_equal(read_back, text);
}

static void a_database_of_another_program_is_refused(void **state)
{
    struct store_dir *d = *state;
    struct problem problem;
    store_close(&d->store);
    unlink(d->path);
    store_dir_tamper(d, "CREATE TABLE recipes (name TEXT)");

    assert_int_equal(reopen(d, true, &problem), ERR_CORRUPT);

    assert_non_null(strstr(problem.text, "another program"));
}

static void a_newer_schema_is_refused(void **state)
{
    struct store_dir *d = *state;
    struct problem problem;
    store_close(&d->store);
    store_dir_tamper(d, "INSERT INTO schema_migrations VALUES (9999, 'later', x'00', 1)");

    assert_int_equal(reopen(d, true, &problem), ERR_CORRUPT);

    assert_non_null(strstr(problem.text, "too old"));
}

static void an_altered_migration_is_refused(void **state)
{
    struct store_dir *d = *state;
    struct problem problem;
    store_close(&d->store);
    store_dir_tamper(d, "UPDATE schema_migrations SET checksum = zeroblob(32)");

    assert_int_equal(reopen(d, true, &problem), ERR_CORRUPT);

    assert_non_null(strstr(problem.text, "0001_init"));
}

static void another_master_key_is_refused(void **state)
{
    struct store_dir *d = *state;
    struct problem problem;
    char key[128];
    text_format(key, sizeof(key), "%s.key", d->path);
    store_close(&d->store);
    chmod(key, 0600);
    write_file(key, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");

    assert_int_equal(reopen(d, true, &problem), ERR_CORRUPT);

    assert_non_null(strstr(problem.text, "not the master key of this store"));
}

static void a_lost_master_key_is_not_made_anew(void **state)
{
    struct store_dir *d = *state;
    struct problem problem;
    char key[128];
    text_format(key, sizeof(key), "%s.key", d->path);
    store_close(&d->store);
    unlink(key);

    assert_int_not_equal(reopen(d, true, &problem), ERR_OK);

    assert_int_not_equal(access(key, F_OK), 0);
}

static void a_missing_directory_is_named(void **state)
{
    const struct store_options options = {.path = "/nonexistent/x/control.db", .exclusive = true};
    struct problem problem = {.code = ERR_OK};
    struct store *store = NULL;
    (void)state;

    assert_int_equal(store_open(&options, &store, &problem), ERR_IO);

    assert_non_null(strstr(problem.text, "No such file or directory"));
}

static void a_directory_is_no_store(void **state)
{
    struct store_dir *d = *state;
    const struct store_options options = {.path = d->dir};
    struct problem problem = {.code = ERR_OK};
    struct store *store = NULL;

    assert_int_equal(store_open(&options, &store, &problem), ERR_IO);

    assert_non_null(strstr(problem.text, "not a file"));
}

#define CLAIMERS 8

struct claimer {
    struct store *store;
    struct id account_id;
    enum err err;
};

static void *claim_name(void *arg)
{
    struct claimer *claimer = arg;
    const struct store_zone zone = {
        .id = id_new(),
        .account_id = claimer->account_id,
        .name = SPAN("claimed.example"),
        .status = SPAN("active"),
        .type = SPAN("full"),
    };
    struct store_conn *conn = NULL;
    claimer->err = store_write_begin(claimer->store, &conn);
    if (claimer->err == ERR_OK)
        claimer->err = store_zone_insert(conn, &zone);
    if (claimer->err == ERR_OK)
        claimer->err = store_write_commit(&conn);
    store_write_rollback(&conn);
    return NULL;
}

/* Half of the threads go through one store, half through another opener of the same file. */
static void one_of_many_claims_of_a_name_wins(void **state)
{
    struct store_dir *d = *state;
    const struct store_options options = {.path = d->path};
    struct store *second = NULL;
    struct claimer claimers[CLAIMERS];
    pthread_t threads[CLAIMERS];
    size_t won = 0, refused = 0;
    struct id account_id = add_account(d->store, "racers");
    assert_int_equal(store_open(&options, &second, NULL), ERR_OK);

    for (size_t i = 0; i < CLAIMERS; i++) {
        claimers[i] = (struct claimer){i % 2 ? d->store : second, account_id, ERR_INTERNAL};
        assert_int_equal(pthread_create(&threads[i], NULL, claim_name, &claimers[i]), 0);
    }
    for (size_t i = 0; i < CLAIMERS; i++) {
        pthread_join(threads[i], NULL);
        won += claimers[i].err == ERR_OK ? 1 : 0;
        refused += claimers[i].err == ERR_EXISTS ? 1 : 0;
    }
    store_close(&second);

    assert_int_equal(won, 1);
    assert_int_equal(refused, CLAIMERS - 1);
}

/* The child tells each commit through the pipe; what it told must be there after its death. */
static void a_killed_process_loses_nothing_it_acknowledged(void **state)
{
    struct store_dir *d = *state;
    struct id told, ids[64];
    int fds[2], status = 0;
    size_t count = 0;
    struct problem problem;
    store_close(&d->store);
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        if (reopen(d, true, &problem) != ERR_OK)
            _exit(1);
        for (;;) {
            told = add_account(d->store, "acknowledged");
            if (write(fds[1], told.text, ID_TEXT_BYTES) != ID_TEXT_BYTES)
                _exit(1);
        }
    }
    close(fds[1]);

    while (count < 40 && read(fds[0], ids[count].text, ID_TEXT_BYTES) == ID_TEXT_BYTES)
        ids[count++].text[ID_TEXT_BYTES] = '\0';
    assert_int_equal(kill(child, SIGKILL), 0);
    while (count < countof(ids) && read(fds[0], ids[count].text, ID_TEXT_BYTES) == ID_TEXT_BYTES)
        ids[count++].text[ID_TEXT_BYTES] = '\0';
    close(fds[0]);
    waitpid(child, &status, 0);

    assert_int_equal(reopen(d, true, &problem), ERR_OK);
    assert_int_equal(store_check(d->store, &problem), ERR_OK);
    assert_true(count >= 40);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(find_account(d->store, &ids[i]), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_new_store_is_private_and_sound),
        STORE_TEST(committed_rows_are_there_after_reopening),
        STORE_TEST(rolled_back_rows_are_not_there),
        STORE_TEST(a_reader_sees_one_moment),
        STORE_TEST(a_reader_cannot_write),
        STORE_TEST(a_second_control_on_one_store_is_refused),
        STORE_TEST(a_console_command_may_share_the_store),
        STORE_TEST(a_file_that_is_not_sqlite_is_refused_and_untouched),
        STORE_TEST(a_database_of_another_program_is_refused),
        STORE_TEST(a_newer_schema_is_refused),
        STORE_TEST(an_altered_migration_is_refused),
        STORE_TEST(another_master_key_is_refused),
        STORE_TEST(a_lost_master_key_is_not_made_anew),
        STORE_TEST(a_missing_directory_is_named),
        STORE_TEST(a_directory_is_no_store),
        STORE_TEST(one_of_many_claims_of_a_name_wins),
        STORE_TEST(a_killed_process_loses_nothing_it_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
