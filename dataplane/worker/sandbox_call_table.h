/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_call_table.h - the system calls of a worker, once; what is not here is ENOSYS.
 *
 * Found by running the integration tests under strace(1); the second name of a pair is what another
 * architecture or an older libc calls for the same.  The rules with arguments stand in
 * sandbox_calls.c: open for reading, socket of three families, memory that is never code, a few
 * controls of descriptors.
 */
#ifndef TRUNKLINE_DATAPLANE_WORKER_SANDBOX_CALL_TABLE_H
#define TRUNKLINE_DATAPLANE_WORKER_SANDBOX_CALL_TABLE_H

/* clang-format off */
#define SANDBOX_ALLOWED_TABLE(X)                                                                   \
    /* bytes */                                                                                    \
    X(read) X(readv) X(pread64) X(write) X(writev) X(lseek)                                        \
    X(recvfrom) X(recvmsg) X(sendto) X(sendmsg)                                                    \
    /* connections */                                                                              \
    X(accept4) X(connect) X(shutdown) X(close)                                                     \
    X(getsockname) X(getpeername) X(getsockopt) X(setsockopt)                                      \
    /* waiting */                                                                                  \
    X(epoll_create1) X(epoll_ctl) X(epoll_wait) X(epoll_pwait) X(poll) X(ppoll)                    \
    X(eventfd2) X(pipe2) X(futex) X(nanosleep) X(clock_nanosleep) X(restart_syscall)               \
    /* clocks and chance */                                                                        \
    X(clock_gettime) X(clock_getres) X(gettimeofday) X(getrandom)                                  \
    /* memory */                                                                                   \
    X(brk) X(munmap) X(mremap) X(madvise)                                                          \
    /* files that Landlock and the flags of openat(2) let be read */                               \
    X(fstat) X(newfstatat) X(stat) X(lstat) X(access) X(faccessat) X(faccessat2)                   \
    X(readlink) X(readlinkat) X(getcwd) X(getdents64)                                              \
    /* itself */                                                                                   \
    X(getpid) X(gettid) X(getuid) X(geteuid) X(getgid) X(getegid) X(uname) X(sysinfo)              \
    X(getrusage) X(sched_getaffinity) X(sched_yield)                                               \
    X(rt_sigaction) X(rt_sigprocmask) X(rt_sigreturn) X(sigaltstack) X(exit) X(exit_group)

/* Nobody calls these but who took the worker over: it dies, and the supervisor's log says so. */
#define SANDBOX_DEADLY_TABLE(X)                                                                    \
    X(execve) X(execveat) X(ptrace) X(process_vm_readv) X(process_vm_writev)                       \
    X(bpf) X(perf_event_open) X(userfaultfd) X(unshare) X(setns)                                   \
    X(mount) X(umount2) X(pivot_root) X(chroot) X(open_by_handle_at)                               \
    X(init_module) X(finit_module) X(delete_module) X(kexec_load) X(kexec_file_load) X(reboot)     \
    X(add_key) X(request_key) X(keyctl) X(setuid) X(setgid) X(setresuid) X(setresgid) X(capset)
/* clang-format on */

#endif
