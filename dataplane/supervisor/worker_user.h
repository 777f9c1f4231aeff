/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_user.h - who the workers are: a user of their own, or nobody else than we.
 *
 *      supervisor   workers   what keeps a worker from writing the replica
 *      root         --user    the file's owner (they are its group), and the sandbox
 *      root         root      the sandbox
 *      other        the same  the sandbox (systemd's sockets: no capability, nothing to drop)
 *
 * A supervisor with privileges keeps what it needs for its life: to bind and to take root's files
 * (access log, CA), to give files to the workers' group, to become their user, to kill them.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_USER_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_USER_H

#include "common/base/privilege.h"
#include "dataplane/supervisor/edge_flags.h"

#define WORKER_USER_DEFAULT "trunkline-edge"

MUST_USE enum err worker_user_find(const char *name, struct privilege_user *out,
                                   struct problem *problem);

/* Sets flags->user to what workers are to be told ("": they stay what they are) and *out to who
 * they will be. */
MUST_USE enum err worker_user_choose(struct edge_flags *flags, struct privilege_user *out,
                                     struct problem *problem);

#endif
