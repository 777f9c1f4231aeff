/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_privilege.c - each case is a child that gives something up and then looks for it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/privilege.h"

typedef bool child_fn(void);

static bool in_child(child_fn *body)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(body() ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool harden(void)
{
    struct rlimit core;
    privilege_harden();
    return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 &&
           prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static void a_hardened_process_has_no_core_and_gains_nothing(void **state)
{
    (void)state;
    assert_true(in_child(harden));
}

static bool become_nobody(void)
{
    struct privilege_user user;
    struct problem problem;
    return privilege_user_find("nobody", &user) && privilege_drop(&user, &problem) == ERR_OK &&
           getuid() == user.uid && geteuid() == user.uid && getegid() == user.gid &&
           getgroups(0, NULL) == 0 && setresuid(0, 0, 0) != 0 && setresgid(0, 0, 0) != 0 &&
           socket(AF_PACKET, SOCK_RAW, 0) < 0 && prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0;
}

static void root_becomes_another_user_for_good(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(in_child(become_nobody));
}

static bool stay(void)
{
    struct problem problem;
    uid_t before = geteuid();
    return privilege_drop(NULL, &problem) == ERR_OK && geteuid() == before &&
           socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM && setgroups(0, NULL) != 0;
}

static void who_stays_has_no_capability_left(void **state)
{
    (void)state;
    assert_true(in_child(stay));
}

static bool become_nobody_twice(void)
{
    const struct privilege_user other = {.uid = 1, .gid = 1};
    struct problem problem = {.text = ""};
    return become_nobody() && privilege_drop(&other, &problem) == ERR_FORBIDDEN;
}

static void who_is_not_root_cannot_become_another(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(in_child(become_nobody_twice));
}

static void users_are_found_by_name(void **state)
{
    struct privilege_user user = {.uid = 1};
    (void)state;
    assert_true(privilege_user_find("root", &user));
    assert_int_equal(user.uid, 0);
    assert_false(privilege_user_find("no such user", &user));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hardened_process_has_no_core_and_gains_nothing),
        cmocka_unit_test(root_becomes_another_user_for_good),
        cmocka_unit_test(who_stays_has_no_capability_left),
        cmocka_unit_test(who_is_not_root_cannot_become_another),
        cmocka_unit_test(users_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
