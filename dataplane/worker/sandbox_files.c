/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_files.c - Landlock: which files a worker may open, all of them to read.
 *
 * The system's headers may be older than its kernel, and Debian 12's libc has no functions: the
 * numbers are those of the kernel's uapi.
 */
#include "dataplane/worker/sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What each version of Landlock can refuse: all of it is refused. */
#define FILES_V1 ((1ull << 13) - 1)
#define FILES_REFER (1ull << 13)     /* v2 */
#define FILES_TRUNCATE (1ull << 14)  /* v3 */
#define FILES_IOCTL_DEV (1ull << 15) /* v5 */
#define NET_BIND_TCP (1ull << 0)     /* v4; to connect is a worker's business */
#define SCOPES 3ull                  /* v6: abstract Unix sockets, signals */

struct rules {
    uint64_t files, net, scopes;
};

/* What c-ares, OpenSSL and libuv read after the start: without urandom c-ares takes guessable query
 * ids, without null libuv tries again for each connection.  A distribution has some of these. */
static const char *const readable[] = {
    "/dev/null",
    "/dev/urandom",
    "/etc/localtime",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/ssl",
    "/etc/pki/tls",
    "/etc/pki/ca-trust/extracted",
    "/usr/lib/ssl",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
};

static struct rules rules_of(unsigned version)
{
    struct rules rules = {.files = FILES_V1};
    rules.files |= version >= 2 ? FILES_REFER : 0;
    rules.files |= version >= 3 ? FILES_TRUNCATE : 0;
    rules.files |= version >= 5 ? FILES_IOCTL_DEV : 0;
    rules.net = version >= 4 ? NET_BIND_TCP : 0;
    rules.scopes = version >= 6 ? SCOPES : 0;
    return rules;
}

/* Older kernels take the part of the structure that they know. */
static size_t rules_bytes(unsigned version)
{
    size_t members = version >= 6 ? 3 : version >= 4 ? 2 : 1;
    return members * sizeof(uint64_t);
}

static bool allow(int ruleset, const char *path)
{
    struct stat facts;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == EACCES; /* nothing to allow */
    struct landlock_path_beneath_attr rule = {.parent_fd = fd,
                                              .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
    if (fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode))
        rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    bool done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u) == 0;
    close(fd);
    return done;
}

static bool allow_all(int ruleset, const struct sandbox_options *options)
{
    bool done = allow(ruleset, options->state);
    if (options->origin_ca != NULL)
        done = allow(ruleset, options->origin_ca) && done;
    for (size_t i = 0; i < countof(readable); i++)
        done = allow(ruleset, readable[i]) && done;
    return done;
}

enum err sandbox_close_files(const struct sandbox_options *options, unsigned *version_out,
                             struct problem *problem)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *version_out = 0;
    if (version <= 0)
        return ERR_OK;
    struct rules rules = rules_of((unsigned)version);
    int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &rules, rules_bytes((unsigned)version), 0u);
    bool closed = ruleset >= 0 && allow_all(ruleset, options) &&
                  syscall(SYS_landlock_restrict_self, ruleset, 0u) == 0;
    enum err err =
        closed ? ERR_OK : problem_set(problem, ERR_IO, "sandbox", "Landlock: %s", strerror(errno));
    if (ruleset >= 0)
        close(ruleset);
    *version_out = (unsigned)version;
    return err;
}
