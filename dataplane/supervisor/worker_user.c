/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_user.c - from a name, or the lack of one, to a user.
 */
#include "dataplane/supervisor/worker_user.h"

#include <unistd.h>

#include "common/base/log.h"

enum err worker_user_find(const char *name, struct privilege_user *out, struct problem *problem)
{
    if (!privilege_user_find(name, out))
        return problem_set(problem, ERR_NOT_FOUND, "--user", "there is no user %.60s", name);
    return ERR_OK;
}

enum err worker_user_choose(struct edge_flags *flags, struct privilege_user *out,
                            struct problem *problem)
{
    *out = (struct privilege_user){.uid = geteuid(), .gid = getegid()};
    if (flags->user[0] != '\0') {
        TRY(worker_user_find(flags->user, out, problem));
        if (geteuid() != 0 && out->uid != geteuid())
            return problem_set(problem, ERR_FORBIDDEN, "--user",
                               "only root can start workers as %s", flags->user);
    } else if (geteuid() == 0 && privilege_user_find(WORKER_USER_DEFAULT, out)) {
        flags->user = WORKER_USER_DEFAULT;
    }
    if (out->uid == 0)
        log_warn("workers_stay_root",
                 F_STR("text", "make a user " WORKER_USER_DEFAULT ", or give --user NAME"));
    return ERR_OK;
}
