/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_dir.h - a directory of its own for each test, with a store in it.
 */
#ifndef TRUNKLINE_TESTS_UNIT_CONTROL_STORE_STORE_DIR_H
#define TRUNKLINE_TESTS_UNIT_CONTROL_STORE_STORE_DIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "common/base/text.h"
#include "control/store/store.h"

struct store_dir {
    char dir[64];
    char path[96];
    struct store *store;
};

static inline void store_dir_open(struct store_dir *d)
{
    const struct store_options options = {.path = d->path, .exclusive = true};
    struct problem problem = {.code = ERR_OK};
    enum err err = store_open(&options, &d->store, &problem);
    if (err != ERR_OK)
        fail_msg("store_open: %s", problem.text);
}

/* The directory without a store in it yet. */
static inline struct store_dir *store_dir_make(void)
{
    struct store_dir *d = calloc(1, sizeof(*d));
    const char *tmp = getenv("TMPDIR");
    text_format(d->dir, sizeof(d->dir), "%s/store.XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(d->dir));
    text_format(d->path, sizeof(d->path), "%s/control.db", d->dir);
    return d;
}

static inline int store_dir_setup(void **state)
{
    struct store_dir *d = store_dir_make();
    store_dir_open(d);
    *state = d;
    return 0;
}

static inline int store_dir_teardown(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".key", ".other"};
    struct store_dir *d = *state;
    store_close(&d->store);
    for (size_t i = 0; i < countof(suffixes); i++) {
        char path[128];
        text_format(path, sizeof(path), "%s%s", d->path, suffixes[i]);
        (void)unlink(path);
    }
    int left = rmdir(d->dir);
    free(d);
    return left;
}

/* Runs SQL behind the store's back, as a person with a shell could. */
static inline void store_dir_tamper(const struct store_dir *d, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(d->path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 2000);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        print_error("%s: %s\n", sql, sqlite3_errmsg(db));
    assert_int_equal(code, SQLITE_OK);
    (void)sqlite3_close(db);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, store_dir_setup, store_dir_teardown)

#endif
