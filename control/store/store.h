/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the truth of an installation in one SQLite file, and the right to read or write it.
 *
 * All SQL of control lives in this directory.  Whoever wants rows takes a connection first: a
 * reader sees one moment of the store until he gives it back, the one writer sees his own changes.
 * The functions of store_<noun>.h work on either kind.
 *
 *      store_read_begin  --> conn --> store_zone_get ...  --> store_read_end
 *      store_write_begin --> conn --> store_zone_insert .. --> store_write_commit | _rollback
 *
 * WAL, synchronous=FULL: what store_write_commit acknowledged survives kill -9 and power loss.
 * Text that a query hands out lives in the arena it was given.
 *
 * Ownership: the store lends connections; each goes back through the functions below, once.
 * Threads:   any thread; a connection is used by one thread at a time.  One writer at a time, the
 *            others wait in store_write_begin.  Keep both short.
 * Limits:    LIMIT_STORE_WAIT_MS for the writer's place and for another process's lock.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_H
#define TRUNKLINE_CONTROL_STORE_STORE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/span.h"
#include "common/model/id.h"
#include "common/model/limits.h"

struct store;
struct store_conn;

struct store_options {
    const char *path;
    const char *master_key_path; /* NULL: "<path>.key"; made when the store is new */
    bool exclusive;              /* hold "<path>.lock": a second exclusive opener is refused */
};

/* Opens or makes the file and brings its schema up to date.  The problem says what a person can
 * do: ERR_CORRUPT (not SQLite, a newer or altered schema, another store's master key), ERR_BUSY
 * (another control holds it), ERR_IO (path, rights), ERR_DISK_FULL. */
MUST_USE enum err store_open(const struct store_options *options, struct store **out,
                             struct problem *problem);
/* Every connection is back by now. */
void store_close(struct store **store);

/* True after a commit whose outcome the disk did not tell: writes are refused from then on; the
 * process should end and start again (fsync must not be repeated). */
bool store_failed(const struct store *store);

/* ERR_OK when the file's pages and foreign keys are sound; reads all of it. */
MUST_USE enum err store_check(struct store *store, struct problem *problem);

/* One moment of the store.  ERR_IO when no connection can be opened. */
MUST_USE enum err store_read_begin(struct store *store, struct store_conn **out);
/* Leaves NULL behind; NULL is fine. */
void store_read_end(struct store_conn **conn);

/* The writer's place: BEGIN IMMEDIATE.  ERR_BUSY after LIMIT_STORE_WAIT_MS. */
MUST_USE enum err store_write_begin(struct store *store, struct store_conn **out);
/* Gives the place back whatever happens.  ERR_OUTCOME_UNKNOWN: it may or may not be there;
 * ERR_DISK_FULL and ERR_BUSY: it is not. */
MUST_USE enum err store_write_commit(struct store_conn **conn);
/* Leaves NULL behind; NULL is fine. */
void store_write_rollback(struct store_conn **conn);

/* What of its scope a list shows to a limited token: JSON arrays of ids. */
struct store_reach {
    bool accounts_all, zones_all;
    struct span accounts, zones;         /* an account: with its zones */
    struct span but_accounts, but_zones; /* taken away again */
};

/* Whose eyes a query looks with: accounts where user_id is a member, or all of them. */
struct store_scope {
    struct id user_id;
    bool platform_wide;              /* an operator */
    bool zones_limited;              /* the user has only some zones of an account */
    const struct store_reach *reach; /* lists only; NULL: all that the user sees */
};

/* Rows (page - 1) * per_page and following; both at least 1. */
struct store_page {
    uint64_t page, per_page;
    bool descending;
};

enum store_match {
    STORE_MATCH_ALL, /* no filter */
    STORE_MATCH_EQUAL,
    STORE_MATCH_NOT_EQUAL,
    STORE_MATCH_CONTAINS,
    STORE_MATCH_STARTS_WITH,
    STORE_MATCH_ENDS_WITH,
    STORE_MATCH_ANY_OF, /* the text is a JSON array of texts */
};

struct store_filter {
    enum store_match match;
    struct span text;
};

#endif
