/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - opening, checking and closing the truth of an installation.
 */
#include "control/store/store.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "control/store/statement.h"

static enum err open_all(struct store *store, const struct store_options *options,
                         struct problem *problem)
{
    TRY(store_lock(store, options->exclusive, problem));
    TRY(connection_open(store, true, &store->writer, problem));
    TRY(migrate(store->writer, problem));
    return master_load(store->writer, options->master_key_path, problem);
}

/* Waits are told in monotonic time. */
static void init_lock(struct store *store)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&store->returned, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&store->lock, NULL);
}

enum err store_open(const struct store_options *options, struct store **out,
                    struct problem *problem)
{
    struct store *store = mem_new(struct store);
    size_t path_bytes = strlen(options->path) + 1;
    store->path = mem_alloc(path_bytes);
    memcpy(store->path, options->path, path_bytes);
    store->lock_fd = -1;
    list_init(&store->spares);
    init_lock(store);
    struct problem unasked = {.code = ERR_OK};
    enum err err = open_all(store, options, problem ? problem : &unasked);
    if (err != ERR_OK) {
        store_close(&store);
        *out = NULL;
        return err;
    }
    *out = store;
    return ERR_OK;
}

void store_close(struct store **store)
{
    struct store *closing = *store;
    if (!closing)
        return;
    ASSERT(closing->lent_count == 0 && !closing->writing);
    for (struct list_node *spare; (spare = list_pop_front(&closing->spares)) != NULL;) {
        struct store_conn *conn = container_of(spare, struct store_conn, node);
        connection_close(&conn);
    }
    /* Last: SQLite then folds the WAL into the file. */
    connection_close(&closing->writer);
    store_unlock(closing);
    (void)pthread_cond_destroy(&closing->returned);
    (void)pthread_mutex_destroy(&closing->lock);
    seal_key_wipe(&closing->master);
    mem_free(&closing->path);
    mem_free(store);
}

/* The first line that a checking pragma says, when it is not what a sound file says. */
static enum err check_pragma(struct store_conn *conn, const char *sql, struct problem *problem)
{
    struct statement s;
    statement_open_once(&s, conn, sql);
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        struct span said = statement_lend(&s);
        if (!span_equal(said, SPAN("ok")))
            err = problem_set(problem, ERR_CORRUPT, "store", "%.*s",
                              said.len < 150 ? (int)said.len : 150, (const char *)said.ptr);
    } else if (err != ERR_NOT_FOUND) {
        (void)problem_set(problem, err, "store", "the file cannot be read");
    } else {
        err = ERR_OK;
    }
    statement_close(&s);
    return err;
}

enum err store_check(struct store *store, struct problem *problem)
{
    struct store_conn *conn = NULL;
    TRY(store_read_begin(store, &conn));
    enum err err = check_pragma(conn, "PRAGMA integrity_check", problem);
    if (err == ERR_OK)
        err = check_pragma(conn, "PRAGMA foreign_key_check", problem);
    store_read_end(&conn);
    return err;
}
