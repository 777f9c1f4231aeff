/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_backup.h - the store as one file elsewhere, while it is written; and such a file back.
 *
 *      backup:   one moment of the store --pages--> TO.part --sync, rename--> TO
 *      restore:  FROM --pages--> STORE.restoring --schema, key, pages, audit, new epoch-->
 *                STORE (what was there is kept as STORE.before-<time>)
 *
 * The epoch is what an edge compares before it compares revisions: with a new one it takes a full
 * copy instead of believing numbers that the restored store will give out again (schema/wire.md).
 *
 * A backup holds everything but the master key; without that key its private keys are noise.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_BACKUP_H
#define TRUNKLINE_CONTROL_STORE_STORE_BACKUP_H

#include "control/store/store.h"

/* Now and then, 0 to 100. */
typedef void store_progress_fn(unsigned percent);

/* Online: writers go on, and what they write meanwhile is not in it.  ERR_EXISTS: `to` is there;
 * ERR_IO, ERR_DISK_FULL with nothing left behind. */
MUST_USE enum err store_backup(struct store *store, const char *to, store_progress_fn *progress,
                               struct problem *problem);

struct store_restore {
    const char *from, *path;
    const char *master_key_path; /* NULL: "<path>.key" */
    bool replace;                /* a store that is there makes place */
    store_progress_fn *progress;
};

/* ERR_BUSY: a control runs on it; ERR_EXISTS: there is a store and replace is not set; ERR_CORRUPT:
 * `from` is no sound store, or of another master key; ERR_IO.  After an error what was there is
 * still there. */
MUST_USE enum err store_restore(const struct store_restore *what, struct problem *problem);

#endif
