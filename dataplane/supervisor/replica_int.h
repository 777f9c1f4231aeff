/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_int.h - what the files of the replica share: the connection, its statements, its changes.
 *
 * Each statement about rows exists twice: on the tables that workers read, and on the staged ones
 * of a full copy.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_INT_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_INT_H

#include <sqlite3.h>

#include "common/base/map.h"
#include "dataplane/supervisor/replica.h"

enum replica_row {
    ROW_DOCUMENT,
    ROW_PUT_DOCUMENT,
    ROW_DROP_DOCUMENT,
    ROW_PUT_HOSTNAME,
    ROW_DROP_HOSTNAMES,
    ROW_RIVALS,
    ROW_PUT_CERTIFICATE,
    ROW_HAS_CERTIFICATE,
    ROW_DROP_CERTIFICATES,
    ROW_COUNT,
};

enum replica_state {
    REPLICA_IDLE,
    REPLICA_CHANGING, /* one transaction on the live tables */
    REPLICA_STAGING,  /* a full copy, in batches */
};

struct replica {
    sqlite3 *db;
    char *path;
    struct seal_key key;
    struct replica_position position;
    enum replica_state state;
    struct id begun_epoch;
    sqlite3_stmt *live[ROW_COUNT];
    sqlite3_stmt *staged[ROW_COUNT]; /* while STAGING */
    uint64_t batch_rows;             /* staged since the last batch was committed */
    struct buf changed;              /* zone ids */
    bool changed_all;
};

/* Translates and logs a SQLite code. */
enum err replica_failed(struct replica *replica, int code);
MUST_USE enum err replica_exec(struct replica *replica, const char *sql);

/* The statements on tables whose names begin with prefix ("", "staged_"). */
MUST_USE enum err replica_rows_prepare(struct replica *replica, const char *prefix,
                                       sqlite3_stmt *statements[ROW_COUNT]);
void replica_rows_finalize(sqlite3_stmt *statements[ROW_COUNT]);

/* Empty copies of the three tables; drops those of a copy that was not finished. */
MUST_USE enum err replica_stage_begin(struct replica *replica);
/* Commits what is staged so far once it is enough. */
MUST_USE enum err replica_stage_batch(struct replica *replica);
/* Copies one zone from the live tables. */
MUST_USE enum err replica_stage_keep(struct replica *replica, const struct id *zone_id);
/* Inside a transaction: the staged tables become the live ones. */
MUST_USE enum err replica_stage_swap(struct replica *replica);

#endif
