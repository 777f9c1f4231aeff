/* SPDX-License-Identifier: Apache-2.0 */
/* test_connection.c - what is told when the disk is full, fails, or another program holds it. */
#include "tests/unit/control/store/store_dir.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "control/store/store_accounts.h"
#include "control/store/store_users.h"

/* A VFS over SQLite's own whose syncs of the WAL can be made to fail. */
static sqlite3_vfs shim_vfs;
static sqlite3_io_methods shim_methods;
static const sqlite3_io_methods *real_methods;
static bool sync_failing;

static int shim_sync(sqlite3_file *file, int flags)
{
    return sync_failing ? SQLITE_IOERR_FSYNC : real_methods->xSync(file, flags);
}

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                     int *flags_out)
{
    sqlite3_vfs *real = vfs->pAppData;
    int code = real->xOpen(real, name, file, flags, flags_out);
    if (code != SQLITE_OK || !(flags & SQLITE_OPEN_WAL))
        return code;
    real_methods = file->pMethods;
    shim_methods = *real_methods;
    shim_methods.xSync = shim_sync;
    file->pMethods = &shim_methods;
    return code;
}

static int install_shim(void **state)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    (void)state;
    shim_vfs = *real;
    shim_vfs.zName = "shim";
    shim_vfs.pAppData = real;
    shim_vfs.xOpen = shim_open;
    return sqlite3_vfs_register(&shim_vfs, 1);
}

static enum err add_account(struct store *store, struct span name, struct id *out)
{
    const struct store_account account = {.id = id_new(), .name = name};
    struct store_conn *conn = NULL;
    *out = account.id;
    TRY(store_write_begin(store, &conn));
    enum err err = store_account_insert(conn, &account);
    if (err == ERR_OK)
        err = store_write_commit(&conn);
    store_write_rollback(&conn);
    return err;
}

static enum err find_account(struct store *store, const struct id *id)
{
    const struct store_scope all = {.platform_wide = true};
    struct store_conn *conn = NULL;
    struct store_account account;
    struct arena arena;
    arena_init(&arena, NULL);
    assert_int_equal(store_read_begin(store, &conn), ERR_OK);
    enum err err = store_account_get(conn, &all, id, &arena, &account);
    store_read_end(&conn);
    arena_release(&arena);
    return err;
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_told_and_left_behind(void **state)
{
    static uint8_t bulk[30000];
    struct store_dir *d = *state;
    struct id first, id, last = {{0}};
    enum err err = ERR_OK;
    (void)signal(SIGXFSZ, SIG_IGN);
    memset(bulk, 'x', sizeof(bulk));
    assert_int_equal(add_account(d->store, SPAN("before"), &first), ERR_OK);

    limit_files(400000);
    for (size_t i = 0; err == ERR_OK && i < 100; i++) {
        last = i > 0 ? id : first;
        err = add_account(d->store, span_of(bulk, sizeof(bulk)), &id);
    }
    limit_files(RLIM_INFINITY);

    assert_int_equal(err, ERR_DISK_FULL);
    assert_int_equal(find_account(d->store, &id), ERR_NOT_FOUND);
    assert_int_equal(find_account(d->store, &last), ERR_OK);
    assert_false(store_failed(d->store));
    assert_int_equal(add_account(d->store, SPAN("after"), &id), ERR_OK);
}

static void a_failed_sync_leaves_the_outcome_unknown_and_ends_writing(void **state)
{
    struct store_dir *d = *state;
    struct id first, id;
    assert_int_equal(add_account(d->store, SPAN("before"), &first), ERR_OK);

    sync_failing = true;
    enum err err = add_account(d->store, SPAN("unknown"), &id);
    sync_failing = false;

    assert_int_equal(err, ERR_OUTCOME_UNKNOWN);
    assert_true(store_failed(d->store));
    assert_int_equal(add_account(d->store, SPAN("refused"), &id), ERR_IO);
    assert_int_equal(find_account(d->store, &first), ERR_OK);
}

struct waiter {
    struct store *store;
    enum err err;
    struct id id;
};

static void *write_later(void *arg)
{
    struct waiter *waiter = arg;
    waiter->err = add_account(waiter->store, SPAN("later"), &waiter->id);
    return NULL;
}

static void a_second_writer_waits_for_the_first(void **state)
{
    struct store_dir *d = *state;
    struct waiter waiter = {.store = d->store, .err = ERR_INTERNAL};
    struct store_conn *conn = NULL;
    pthread_t thread;
    uint64_t users = 0;
    assert_int_equal(store_write_begin(d->store, &conn), ERR_OK);

    assert_int_equal(pthread_create(&thread, NULL, write_later, &waiter), 0);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(store_user_count(conn, &users), ERR_OK);
    assert_int_equal(store_write_commit(&conn), ERR_OK);
    pthread_join(thread, NULL);

    assert_int_equal(waiter.err, ERR_OK);
    assert_int_equal(find_account(d->store, &waiter.id), ERR_OK);
}

static void *read_often(void *arg)
{
    struct store *store = arg;
    for (size_t i = 0; i < 50; i++) {
        struct store_conn *conn = NULL;
        uint64_t users = 0;
        if (store_read_begin(store, &conn) != ERR_OK)
            return store;
        enum err err = store_user_count(conn, &users);
        store_read_end(&conn);
        if (err != ERR_OK)
            return store;
    }
    return NULL;
}

static void many_threads_read_while_one_writes(void **state)
{
    struct store_dir *d = *state;
    pthread_t threads[12];
    struct id id;
    for (size_t i = 0; i < countof(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, d->store), 0);

    for (size_t i = 0; i < 20; i++)
        assert_int_equal(add_account(d->store, SPAN("one of many"), &id), ERR_OK);

    for (size_t i = 0; i < countof(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_full_disk_is_told_and_left_behind),
        STORE_TEST(a_failed_sync_leaves_the_outcome_unknown_and_ends_writing),
        STORE_TEST(a_second_writer_waits_for_the_first),
        STORE_TEST(many_threads_read_while_one_writes),
    };
    return cmocka_run_group_tests(tests, install_shim, NULL);
}
