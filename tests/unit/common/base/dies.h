/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dies.h - what every unit test of this room includes, and the check that an ASSERT fires.
 */
#ifndef TRUNKLINE_TESTS_UNIT_COMMON_BASE_DIES_H
#define TRUNKLINE_TESTS_UNIT_COMMON_BASE_DIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/span.h"

typedef void deed_fn(void *arg);

/* Runs the deed in a child of its own; true when that child aborted. */
static inline bool dies(deed_fn *deed, void *arg)
{
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        deed(arg);
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) != child)
        continue;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static inline void assert_span_bytes(struct span found, struct span expected)
{
    assert_int_equal(found.len, expected.len);
    if (expected.len > 0)
        assert_memory_equal(found.ptr, expected.ptr, expected.len);
}
#define assert_span(found, literal) assert_span_bytes((found), SPAN(literal))

#endif
