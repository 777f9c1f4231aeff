/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_int.h - the inside of the store: connections, the pool of readers, the writer's place.
 *
 * Included in this directory only.
 *
 *      spares --[reader_take]--> lent --[reader_give]--> spares        one lock: store->lock
 *      writer --[store_write_begin]--> lent --[commit, rollback]--> writer
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_INT_H
#define TRUNKLINE_CONTROL_STORE_STORE_INT_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "common/base/list.h"
#include "common/model/seal.h"
#include "control/store/store.h"

#define STATEMENT_CACHE_MAX 192
#define READER_SPARES_MAX 8

/* A prepared statement, known by the address of its literal text. */
struct statement_slot {
    const char *sql;
    sqlite3_stmt *raw;
    bool lent;
};

struct store_conn {
    struct list_node node; /* among the store's spares */
    struct store *store;
    sqlite3 *db;
    bool writing;
    bool counted; /* one of LIMIT_STORE_READERS */
    struct statement_slot cache[STATEMENT_CACHE_MAX];
    size_t cache_count;
};

struct store {
    char *path;
    int lock_fd; /* of "<path>.lock", or -1 */
    struct seal_key master;
    struct store_conn *writer;
    pthread_mutex_t lock;    /* guards what follows */
    pthread_cond_t returned; /* a connection was */
    bool writing;            /* the writer is lent */
    struct list spares;
    size_t lent_count;
    atomic_bool failed;
};

/* connection.c: a SQLite connection with its pragmas. */
MUST_USE enum err connection_open(struct store *store, bool writing, struct store_conn **out,
                                  struct problem *problem);
void connection_close(struct store_conn **conn);
/* Runs statements without results. */
MUST_USE enum err connection_run(struct store_conn *conn, const char *sql);

/* connection.c: a feed's reader is not counted against LIMIT_STORE_READERS. */
MUST_USE enum err reader_take(struct store *store, bool counted, struct store_conn **out);
void reader_give(struct store_conn **conn);

/* migrate.c: brings the schema up to date, all files in one transaction. */
MUST_USE enum err migrate(struct store_conn *conn, struct problem *problem);

/* store_lock.c: "<path>.lock"; ERR_BUSY: another control has it.  The caller closes the descriptor.
 */
MUST_USE enum err store_lock_take(const char *store_path, int *out_fd, struct problem *problem);
/* store_lock.c: takes it, and makes the store's file 0600 when it is not there. */
MUST_USE enum err store_lock(struct store *store, bool exclusive, struct problem *problem);
void store_unlock(struct store *store);

/* store_meta.c: rows of the meta table. */
MUST_USE enum err meta_get(struct store_conn *conn, const char *key, struct buf *out);
MUST_USE enum err meta_put(struct store_conn *conn, const char *key, struct span value);
/* store_meta.c: loads the master key and proves that it is this store's. */
MUST_USE enum err master_load(struct store_conn *conn, const char *key_path,
                              struct problem *problem);

#endif
