/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.c - the walls in their order: privileges, files, calls.
 */
#include "dataplane/worker/sandbox.h"

#include <unistd.h>

#include "common/base/log.h"
#include "dataplane/worker/sandbox_int.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

enum err sandbox_enter(const struct sandbox_options *options, struct problem *problem)
{
    bool wanted = options->mode == SANDBOX_ON || (options->mode == SANDBOX_AUTO && !SANITIZED);
    unsigned landlock = 0;
    enum err err = ERR_NOT_FOUND;
    privilege_harden();
    TRY(privilege_drop(options->user, problem));
    if (wanted) {
        TRY(sandbox_close_files(options, &landlock, problem));
        err = sandbox_close_calls(problem);
        if (err != ERR_OK && (options->mode == SANDBOX_ON || err != ERR_NOT_FOUND))
            return err;
    }
    log_info("worker_confined", F_U64("uid", geteuid()), F_U64("gid", getegid()),
             F_BOOL("seccomp", err == ERR_OK), F_U64("landlock", landlock));
    return ERR_OK;
}
