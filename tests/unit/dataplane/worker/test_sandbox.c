/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sandbox.c - what can be done from inside: each case is a child that enters the sandbox of a
 * worker and then tries, by the bare system call.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "dataplane/worker/sandbox_int.h"

#define NO_SECCOMP 200
#define NOT_ENTERED 201

struct place {
    char dir[64], replica[96], key[96], outside[96];
};

typedef int probe_fn(const struct place *place);

/* Like the replica of a supervisor that is another user: its group may read. */
static void make_file(const char *path, mode_t mode, gid_t group)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(fchown(fd, (uid_t)-1, group), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static bool find_user(struct privilege_user *out)
{
    return geteuid() == 0 && privilege_user_find("nobody", out);
}

static int open_place(void **state)
{
    static struct place place;
    struct privilege_user user = {.gid = getegid()};
    bool dropped = find_user(&user);
    place = (struct place){.dir = "/tmp/sandbox-XXXXXX"};
    assert_non_null(mkdtemp(place.dir));
    assert_int_equal(chmod(place.dir, 0711), 0);
    text_format(place.replica, sizeof(place.replica), "%s/replica.db", place.dir);
    text_format(place.key, sizeof(place.key), "%s/edge.key", place.dir);
    text_format(place.outside, sizeof(place.outside), "%s.outside", place.dir);
    make_file(place.replica, 0640, dropped ? user.gid : getegid());
    make_file(place.key, 0400, getegid());
    make_file(place.outside, 0644, getegid());
    *state = &place;
    return 0;
}

static int close_place(void **state)
{
    struct place *place = *state;
    unlink(place->replica);
    unlink(place->key);
    unlink(place->outside);
    assert_int_equal(rmdir(place->dir), 0);
    return 0;
}

static _Noreturn void be_inside(const struct place *place, probe_fn *probe)
{
    struct privilege_user user;
    struct problem problem;
    const struct sandbox_options options = {
        .mode = SANDBOX_ON,
        .user = find_user(&user) ? &user : NULL,
        .state = place->dir,
    };
    enum err err = sandbox_enter(&options, &problem);
    if (err != ERR_OK)
        _exit(err == ERR_NOT_FOUND ? NO_SECCOMP : NOT_ENTERED);
    _exit(probe(place));
}

/* How the child ended, as wait(2) says it. */
static int inside(const struct place *place, probe_fn *probe)
{
    int status = 0;
    log_open("test");
    pid_t pid = fork();
    if (pid == 0)
        be_inside(place, probe);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_SECCOMP)
        skip();
    return status;
}

/* 0, or the errno. */
static int inside_errno(const struct place *place, probe_fn *probe)
{
    int status = inside(place, probe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int outcome(long result)
{
    return result < 0 ? errno : 0;
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1u) > 0;
}

/* ---- death */

static int execute(const struct place *place)
{
    char program[] = "/bin/true";
    char *const argv[] = {program, NULL};
    (void)place;
    return outcome(syscall(SYS_execve, program, argv, NULL));
}

static int trace(const struct place *place)
{
    (void)place;
    return outcome(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0));
}

static int mount_tmpfs(const struct place *place)
{
    return outcome(syscall(SYS_mount, "none", place->dir, "tmpfs", 0, NULL));
}

static int load_bpf(const struct place *place)
{
    (void)place;
    return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0));
}

static int leave_namespace(const struct place *place)
{
    (void)place;
    return outcome(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int load_kernel(const struct place *place)
{
    (void)place;
    return outcome(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}

static int become_root(const struct place *place)
{
    (void)place;
    return outcome(syscall(SYS_setresuid, 0, 0, 0));
}

static void to_execute_trace_mount_or_become_root_is_death(void **state)
{
    static probe_fn *const probes[] = {execute,         trace,       mount_tmpfs, load_bpf,
                                       leave_namespace, load_kernel, become_root};
    for (size_t i = 0; i < countof(probes); i++) {
        int status = inside(*state, probes[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

/* ---- what is not there */

static int start_ring(const struct place *place)
{
    char parameters[256] = {0};
    (void)place;
    return outcome(syscall(SYS_io_uring_setup, 1, parameters));
}

static int start_process(const struct place *place)
{
    (void)place;
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(0);
    return outcome(pid);
}

static int signal_parent(const struct place *place)
{
    (void)place;
    return outcome(syscall(SYS_kill, getppid(), 0));
}

static int listen_anew(const struct place *place)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    (void)place;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return outcome(bind(fd, (const struct sockaddr *)(const void *)&any, sizeof(any)));
}

static int remove_replica(const struct place *place)
{
    return outcome(syscall(SYS_unlinkat, AT_FDCWD, place->replica, 0));
}

static int talk_netlink(const struct place *place)
{
    (void)place;
    return outcome(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int talk_packets(const struct place *place)
{
    (void)place;
    return outcome(socket(AF_PACKET, SOCK_RAW, 0));
}

static void other_calls_are_not_there(void **state)
{
    static probe_fn *const probes[] = {start_ring,     start_process, signal_parent, listen_anew,
                                       remove_replica, talk_netlink,  talk_packets};
    for (size_t i = 0; i < countof(probes); i++)
        assert_int_equal(inside_errno(*state, probes[i]), ENOSYS);
}

/* ---- files */

static int open_as(const char *path, int flags)
{
    return outcome(open(path, flags | O_CLOEXEC, 0600));
}

static int read_replica(const struct place *place)
{
    return open_as(place->replica, O_RDONLY);
}

static int read_random(const struct place *place)
{
    (void)place;
    return open_as("/dev/urandom", O_RDONLY);
}

static void the_replica_and_chance_can_be_read(void **state)
{
    assert_int_equal(inside_errno(*state, read_replica), 0);
    assert_int_equal(inside_errno(*state, read_random), 0);
}

static int write_replica(const struct place *place)
{
    return open_as(place->replica, O_RDWR);
}

static int cut_replica(const struct place *place)
{
    return open_as(place->replica, O_RDONLY | O_TRUNC);
}

static int make_beside(const struct place *place)
{
    char path[128];
    text_format(path, sizeof(path), "%s-wal", place->replica);
    return open_as(path, O_RDWR | O_CREAT);
}

static int read_shadow(const struct place *place)
{
    (void)place;
    return open_as("/etc/shadow", O_RDONLY);
}

static void writing_and_secrets_are_refused_not_fatal(void **state)
{
    assert_int_equal(inside_errno(*state, write_replica), EACCES);
    assert_int_equal(inside_errno(*state, cut_replica), EACCES);
    assert_int_equal(inside_errno(*state, make_beside), EACCES);
    assert_int_equal(inside_errno(*state, read_shadow), EACCES);
}

static int read_key(const struct place *place)
{
    return open_as(place->key, O_RDONLY);
}

static void a_user_of_its_own_cannot_read_the_edges_key(void **state)
{
    struct privilege_user user;
    if (!find_user(&user))
        skip();
    assert_int_equal(inside_errno(*state, read_key), EACCES);
}

static int read_outside(const struct place *place)
{
    return open_as(place->outside, O_RDONLY);
}

static int read_passwd(const struct place *place)
{
    (void)place;
    return open_as("/etc/passwd", O_RDONLY);
}

static void landlock_hides_what_everybody_may_read(void **state)
{
    if (!has_landlock())
        skip();
    assert_int_equal(inside_errno(*state, read_outside), EACCES);
    assert_int_equal(inside_errno(*state, read_passwd), EACCES);
}

/* ---- what a worker does all day */

static int map_code(const struct place *place)
{
    (void)place;
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code == MAP_FAILED ? errno : 0;
}

static int turn_into_code(const struct place *place)
{
    (void)place;
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 255;
    return outcome(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static void memory_is_never_code(void **state)
{
    assert_int_equal(inside_errno(*state, map_code), EACCES);
    assert_int_equal(inside_errno(*state, turn_into_code), EACCES);
}

static int open_sockets(const struct place *place)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
    (void)place;
    for (size_t i = 0; i < countof(families); i++) {
        int fd = socket(families[i], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 && errno != EAFNOSUPPORT)
            return errno;
    }
    return 0;
}

static void sockets_of_three_families_can_be_made(void **state)
{
    assert_int_equal(inside_errno(*state, open_sockets), 0);
}

static int fail_assertion(const struct place *place)
{
    (void)place;
    abort();
}

static void an_assertion_still_aborts(void **state)
{
    int status = inside(*state, fail_assertion);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
#define INSIDE(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)
    const struct CMUnitTest tests[] = {
        INSIDE(to_execute_trace_mount_or_become_root_is_death),
        INSIDE(other_calls_are_not_there),
        INSIDE(the_replica_and_chance_can_be_read),
        INSIDE(writing_and_secrets_are_refused_not_fatal),
        INSIDE(a_user_of_its_own_cannot_read_the_edges_key),
        INSIDE(landlock_hides_what_everybody_may_read),
        INSIDE(memory_is_never_code),
        INSIDE(sockets_of_three_families_can_be_made),
        INSIDE(an_assertion_still_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
