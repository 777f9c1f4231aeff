/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h - the Unix socket's file: where it may stand and who may knock.
 */
#ifndef TRUNKLINE_CONTROL_PUBLISH_LISTENER_H
#define TRUNKLINE_CONTROL_PUBLISH_LISTENER_H

#include <sys/types.h>

#include "common/base/err.h"

#define LISTENER_USERS_MAX 18

struct listener_users {
    uid_t uids[LISTENER_USERS_MAX];
    size_t count;
};

/* Checks path and directory and removes a socket on which nobody answers.  The problem's path is
 * "socket". */
MUST_USE enum err listener_prepare(const char *path, struct problem *problem);

/* Ourselves, root and the named users; the problem names one that does not exist. */
MUST_USE enum err listener_users_load(const char *const *names, size_t count,
                                      struct listener_users *out, struct problem *problem);

/* Who is at the other end of a connected socket (SO_PEERCRED); ERR_FORBIDDEN for anyone else. */
MUST_USE enum err listener_check_peer(const struct listener_users *users, int fd);

#endif
