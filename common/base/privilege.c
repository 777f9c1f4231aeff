/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.c - prctl(2), capset(2), setresuid(2), and a look at what is left.
 */
#include "common/base/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define USER_ENTRY_BYTES 4096

bool privilege_user_find(const char *name, struct privilege_user *out)
{
    struct passwd entry, *found = NULL;
    char text[USER_ENTRY_BYTES];
    if (getpwnam_r(name, &entry, text, sizeof(text), &found) != 0 || found == NULL)
        return false;
    *out = (struct privilege_user){.uid = found->pw_uid, .gid = found->pw_gid};
    return true;
}

void privilege_harden(void)
{
    const struct rlimit none = {0, 0};
    struct rlimit core;
    /* systemd's LimitCORE=0 and its filter of calls come together. */
    bool no_core = getrlimit(RLIMIT_CORE, &core) == 0 &&
                   (core.rlim_max == 0 || setrlimit(RLIMIT_CORE, &none) == 0);
    bool done = no_core && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    ASSERT(done);
}

static enum err kept(struct problem *problem, const char *what)
{
    return problem_set(problem, ERR_FORBIDDEN, "user", "%s: %s", what, strerror(errno));
}

/* A container's root may lack CAP_SETPCAP; no_new_privs makes an execve(2) harmless then. */
static void empty_bounding_set(void)
{
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static bool set_no_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capset, &header, none) == 0;
}

static bool has_capability(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, have) != 0)
        return true;
    uint32_t all = 0;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        all |= have[i].effective | have[i].permitted | have[i].inheritable;
    return all != 0;
}

static bool is_user(const struct privilege_user *user)
{
    uid_t uid[3];
    gid_t gid[3];
    return getresuid(&uid[0], &uid[1], &uid[2]) == 0 && getresgid(&gid[0], &gid[1], &gid[2]) == 0 &&
           uid[0] == user->uid && uid[1] == user->uid && uid[2] == user->uid &&
           gid[0] == user->gid && gid[1] == user->gid && gid[2] == user->gid;
}

static enum err become(const struct privilege_user *user, struct problem *problem)
{
    if (setgroups(0, NULL) != 0)
        return kept(problem, "the groups stay");
    if (setresgid(user->gid, user->gid, user->gid) != 0)
        return kept(problem, "the group stays");
    if (setresuid(user->uid, user->uid, user->uid) != 0)
        return kept(problem, "the user stays");
    return ERR_OK;
}

enum err privilege_drop(const struct privilege_user *user, struct problem *problem)
{
    empty_bounding_set();
    if (user != NULL && geteuid() == 0)
        TRY(become(user, problem));
    if (has_capability() && (!set_no_capabilities() || has_capability()))
        return kept(problem, "capabilities stay");
    if (user == NULL)
        return ERR_OK;
    if (user->uid != 0 && setresuid(0, 0, 0) == 0)
        return kept(problem, "root can be had again");
    if (!is_user(user))
        return kept(problem, "the user is another one");
    return ERR_OK;
}
