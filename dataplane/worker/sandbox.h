/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - what a worker that was taken over can still do: nothing but serve.
 *
 *      started by the supervisor: reads the edge's key, holds its slot
 *         | privilege_drop   another user, no capability, no way back
 *         | Landlock         files: the replica, the origins' CAs, resolv.conf and hosts; to read
 *         | seccomp          the calls of sandbox_call_table.h; to execute, trace or mount is death
 *         v
 *      opens the replica, reads the CAs, accepts: everything from here on is inside
 *
 * A call that is not in the table gets ENOSYS, so that a newer libc falls back to what is.  A file
 * opened for writing gets EACCES: SQLite's read-only open tries one first.  A file that is replaced
 * (not written) after the start, like /etc/hosts by a package, is seen by the next workers: SIGHUP.
 *
 * Sanitizers need calls that the table has not, so their builds are confined only when told to.
 */
#ifndef TRUNKLINE_DATAPLANE_WORKER_SANDBOX_H
#define TRUNKLINE_DATAPLANE_WORKER_SANDBOX_H

#include "common/base/privilege.h"

enum sandbox_mode {
    SANDBOX_OFF,  /* privileges are dropped, nothing else */
    SANDBOX_ON,   /* a kernel without seccomp is an error */
    SANDBOX_AUTO, /* as far as this build and this kernel can, and the log says how far */
};

struct sandbox_options {
    enum sandbox_mode mode;
    const struct privilege_user *user; /* NULL: stays */
    const char *state;                 /* the directory of the replica */
    const char *origin_ca;             /* NULL: the system's */
};

/* For good, for this process and all that it could start; before there are threads. */
MUST_USE enum err sandbox_enter(const struct sandbox_options *options, struct problem *problem);

#endif
