/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor.h - the process that owns an edge's sockets, replica and workers, and serves nobody
 * itself.
 *
 *      control ==control_link==> replica_apply --> replica
 *                                     |
 *                                worker_slots ==channels==> workers
 *                                     ^
 *      orphans of a dead supervisor --' (adoption)
 *
 * SIGTERM, SIGINT: workers drain, then exit.  A second one: now.  SIGHUP: the access log is opened
 * anew and every worker is replaced on the same sockets.
 *
 * Slots of orphans that --workers does not ask for any more keep their worker until the edge is
 * stopped as a whole: a listening socket cannot be closed without resetting what queues on it.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_SUPERVISOR_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_SUPERVISOR_H

#include "dataplane/supervisor/edge_flags.h"

/* Runs until it is stopped.  ERR_OK after an orderly stop; otherwise the problem says what kept it
 * from starting.  Adds to the arena of flags. */
MUST_USE enum err supervisor_run(struct edge_flags *flags, struct problem *problem);

#endif
