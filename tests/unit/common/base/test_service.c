/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_service.c - a socket in the place of systemd's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/service.h"
#include "common/base/text.h"

struct listener {
    int fd;
    char dir[64];
    char path[96];
};

static int open_listener(void **state)
{
    static struct listener listener;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    listener = (struct listener){.dir = "/tmp/service-XXXXXX"};
    assert_non_null(mkdtemp(listener.dir));
    text_format(listener.path, sizeof(listener.path), "%s/notify", listener.dir);
    text_format(address.sun_path, sizeof(address.sun_path), "%s", listener.path);
    listener.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(listener.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", listener.path, 1);
    *state = &listener;
    return 0;
}

static int close_listener(void **state)
{
    struct listener *listener = *state;
    close(listener->fd);
    unlink(listener->path);
    rmdir(listener->dir);
    unsetenv("NOTIFY_SOCKET");
    return 0;
}

static const char *heard(const struct listener *listener)
{
    static char text[128];
    ssize_t len = recv(listener->fd, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void systemd_hears_each_state(void **state)
{
    service_tell(SERVICE_READY);
    assert_string_equal(heard(*state), "READY=1");
    service_tell(SERVICE_RELOADING);
    assert_memory_equal(heard(*state), "RELOADING=1\nMONOTONIC_USEC=", 27);
    service_tell(SERVICE_ALIVE);
    assert_string_equal(heard(*state), "WATCHDOG=1");
    service_tell(SERVICE_STOPPING);
    assert_string_equal(heard(*state), "STOPPING=1");
}

static void without_systemd_nothing_happens(void **state)
{
    unsetenv("NOTIFY_SOCKET");
    service_tell(SERVICE_READY);
    setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    service_tell(SERVICE_READY);
    assert_string_equal(heard(*state), "");
}

static void the_watchdog_is_fed_twice_as_often_as_it_waits(void **state)
{
    (void)state;
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(service_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "10000000", 1);
    unsetenv("WATCHDOG_PID");
    assert_int_equal(service_watchdog_ms(), 5000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(service_watchdog_ms(), 0);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* In a child: the descriptors stand at fixed numbers. */
static int take_as(const char *pid, const char *count)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        char own[TEXT_U64_BYTES_MAX + 1];
        text_format(own, sizeof(own), "%d", getpid());
        setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
        setenv("LISTEN_FDS", count, 1);
        setenv("LISTEN_FDNAMES", "http:https", 1);
        (void)dup2(STDERR_FILENO, SERVICE_FIRST_FD);
        (void)dup2(STDERR_FILENO, SERVICE_FIRST_FD + 1);
        bool named = strcmp(service_fd_names(), "http:https") == 0;
        unsigned taken = service_take_fds(2);
        bool ours_alone = taken == 0 || (fcntl(SERVICE_FIRST_FD + 1, F_GETFD) & FD_CLOEXEC) != 0;
        _exit(named && ours_alone && getenv("LISTEN_FDS") == NULL ? (int)taken : 100);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void descriptors_are_taken_when_they_are_meant_for_us(void **state)
{
    (void)state;
    assert_int_equal(take_as(NULL, "2"), 2);
    assert_int_equal(take_as("1", "2"), 0);
    assert_int_equal(take_as(NULL, "3"), 0);
    assert_int_equal(take_as(NULL, "many"), 0);
}

int main(void)
{
#define HEARD(test) cmocka_unit_test_setup_teardown(test, open_listener, close_listener)
    const struct CMUnitTest tests[] = {
        HEARD(systemd_hears_each_state),
        HEARD(without_systemd_nothing_happens),
        cmocka_unit_test(the_watchdog_is_fed_twice_as_often_as_it_waits),
        cmocka_unit_test(descriptors_are_taken_when_they_are_meant_for_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
