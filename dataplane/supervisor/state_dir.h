/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_dir.h - the directory of one edge: what is in it, and that only one supervisor uses it.
 *
 *      supervisor.lock   held by the supervisor for its life
 *      supervisor.sock   where workers that were left behind find the next supervisor
 *      slot-<n>.lock     held (shared) by each worker that accepts for slot n
 *      edge.key          seals the private keys in the replica; 0400
 *      replica.db        the replica, with -wal and -shm
 *      protocols.db      what was learned about origins, the same
 *
 * The directory is 0700: it holds keys and is how processes of one edge trust each other.  Workers
 * with a user of their own get to what they need by their group: through the directory (0710), to
 * the replica's three files (0640) and to the socket (0660).  SQLite reads a WAL replica that it
 * cannot write as long as -wal and -shm are there and the supervisor has it open.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_STATE_DIR_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_STATE_DIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"

/* So that STATE/supervisor.sock is a path that a Unix socket can have. */
#define STATE_DIR_BYTES_MAX 90
#define STATE_PATH_BYTES 128

enum state_file { STATE_LOCK, STATE_SOCKET, STATE_EDGE_KEY, STATE_REPLICA, STATE_PROTOCOLS };

/* dir is at most STATE_DIR_BYTES_MAX long. */
void state_path(const char *dir, enum state_file file, char out[STATE_PATH_BYTES]);
void state_slot_path(const char *dir, unsigned slot, char out[STATE_PATH_BYTES]);

/* Nobody but us uses the directory. */
#define STATE_NO_GROUP ((gid_t)-1)

/* Makes the directory where it is missing, opens it to the group and takes its lock.  ERR_BUSY:
 * another supervisor has it; ERR_FORBIDDEN: it cannot be written, or others can look into it. */
MUST_USE enum err state_dir_open(const char *dir, gid_t group, int *lock_fd_out,
                                 struct problem *problem);
/* Opens what is there of the files that workers use to the group; again whenever one was made. */
MUST_USE enum err state_share(const char *dir, gid_t group, struct problem *problem);

/* A worker says that it accepts for this slot, until it closes *fd_out or ends. */
MUST_USE enum err state_slot_hold(const char *path, int *fd_out);
/* Some worker does. */
bool state_slot_held(const char *path);

#endif
