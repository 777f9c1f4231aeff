/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.h - what a process may do on its machine, given up for good, and checked.
 *
 *      root, all capabilities --drop--> the user, no group but its own, no capability,
 *                                       no way back by setuid(2) or execve(2)
 *
 * A process that is not root cannot change its user, but gives up what else it has.  Root that is
 * told to stay root keeps its files and loses its capabilities.
 */
#ifndef TRUNKLINE_COMMON_BASE_PRIVILEGE_H
#define TRUNKLINE_COMMON_BASE_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"

struct privilege_user {
    uid_t uid;
    gid_t gid;
};

/* False: there is no such user.  Reads the system's files: ask before a sandbox is entered. */
MUST_USE bool privilege_user_find(const char *name, struct privilege_user *out);

/* Keys are in memory: no core file, nobody of the same user reads it (ptrace, /proc/PID/mem), and
 * no program that is executed gets more than we have.  An execve(2) makes a process readable
 * again: the new program calls this too. */
void privilege_harden(void);

/* For good.  NULL: the user stays.  ERR_FORBIDDEN: something was kept, and the problem says what;
 * the caller ends. */
MUST_USE enum err privilege_drop(const struct privilege_user *user, struct problem *problem);

#endif
