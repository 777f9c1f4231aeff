/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_calls.c - the table of calls and the rules with arguments, given to the kernel by
 * libseccomp, which knows the architectures and refuses calls of a foreign one (x32 on x86_64).
 */
#include "dataplane/worker/sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/worker/sandbox_call_table.h"

struct rule {
    uint32_t action;
    int call;
    struct scmp_arg_cmp argument; /* op 0: whatever they are */
};

#define ALLOW SCMP_ACT_ALLOW
#define REFUSE(error) SCMP_ACT_ERRNO(error)

/* (argument & mask) == value */
#define BITS(index, mask, value)                     \
    {                                                \
        (index), SCMP_CMP_MASKED_EQ, (mask), (value) \
    }
#define IS(index, value)                 \
    {                                    \
        (index), SCMP_CMP_EQ, (value), 0 \
    }

/* clang-format off */
#define X(call) {ALLOW, SCMP_SYS(call), {0}},
static const struct rule allowed[] = {SANDBOX_ALLOWED_TABLE(X)};
#undef X
#define X(call) {SCMP_ACT_KILL_PROCESS, SCMP_SYS(call), {0}},
static const struct rule deadly[] = {SANDBOX_DEADLY_TABLE(X)};
#undef X

#define OPENED_TO_READ(call, at)                                                                   \
    {ALLOW, SCMP_SYS(call), BITS(at, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)},                    \
    {REFUSE(EACCES), SCMP_SYS(call), BITS(at, O_ACCMODE, O_WRONLY)},                               \
    {REFUSE(EACCES), SCMP_SYS(call), BITS(at, O_ACCMODE, O_RDWR)},                                 \
    {REFUSE(EACCES), SCMP_SYS(call), BITS(at, O_ACCMODE, O_ACCMODE)},                              \
    {REFUSE(EACCES), SCMP_SYS(call), BITS(at, O_ACCMODE | O_CREAT, O_CREAT)},                      \
    {REFUSE(EACCES), SCMP_SYS(call), BITS(at, O_ACCMODE | O_TRUNC, O_TRUNC)}
#define NEVER_CODE(call)                                                                           \
    {ALLOW, SCMP_SYS(call), BITS(2, PROT_EXEC, 0)},                                                \
    {REFUSE(EACCES), SCMP_SYS(call), BITS(2, PROT_EXEC, PROT_EXEC)}

static const struct rule careful[] = {
    OPENED_TO_READ(open, 1), OPENED_TO_READ(openat, 2),
    NEVER_CODE(mmap), NEVER_CODE(mprotect),
    {ALLOW, SCMP_SYS(socket), IS(0, AF_INET)}, {ALLOW, SCMP_SYS(socket), IS(0, AF_INET6)},
    {ALLOW, SCMP_SYS(socket), IS(0, AF_UNIX)},
    {ALLOW, SCMP_SYS(ioctl), IS(1, FIONBIO)}, {ALLOW, SCMP_SYS(ioctl), IS(1, FIONREAD)},
    {ALLOW, SCMP_SYS(ioctl), IS(1, FIOCLEX)},
    {ALLOW, SCMP_SYS(fcntl), IS(1, F_GETFD)}, {ALLOW, SCMP_SYS(fcntl), IS(1, F_SETFD)},
    {ALLOW, SCMP_SYS(fcntl), IS(1, F_GETFL)}, {ALLOW, SCMP_SYS(fcntl), IS(1, F_SETFL)},
    {ALLOW, SCMP_SYS(fcntl), IS(1, F_GETLK)}, {ALLOW, SCMP_SYS(fcntl), IS(1, F_SETLK)},
    {ALLOW, SCMP_SYS(fcntl), IS(1, F_DUPFD_CLOEXEC)},
    {ALLOW, SCMP_SYS(prlimit64), IS(2, 0)}, /* to ask, not to set */
};
/* clang-format on */

static bool add(void *filter, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned arguments = rules[i].argument.op == 0 ? 0 : 1;
        int status = seccomp_rule_add_array(filter, rules[i].action, rules[i].call, arguments,
                                            &rules[i].argument);
        if (status != 0) {
            errno = -status;
            return false;
        }
    }
    return true;
}

/* abort(3) signals itself; nobody else may be signalled. */
static bool add_own(void *filter)
{
    const struct rule own = {ALLOW, SCMP_SYS(tgkill), IS(0, (scmp_datum_t)getpid())};
    return add(filter, &own, 1);
}

enum err sandbox_close_calls(struct problem *problem)
{
    void *filter = seccomp_init(REFUSE(ENOSYS));
    ASSERT(filter != NULL);
    bool made = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
                seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
                add(filter, allowed, countof(allowed)) && add(filter, deadly, countof(deadly)) &&
                add(filter, careful, countof(careful)) && add_own(filter);
    ASSERT(made);
    int status = seccomp_load(filter);
    seccomp_release(filter);
    if (status == 0)
        return ERR_OK;
    return problem_set(problem, status == -EINVAL ? ERR_NOT_FOUND : ERR_IO, "sandbox",
                       "seccomp: %s", strerror(-status));
}
