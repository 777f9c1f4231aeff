/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_listener.c - where the socket may stand and who may knock.
 */
#include "control/publish/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/text.h"

struct place {
    char directory[64];
    char path[96];
};

static int open_place(void **state)
{
    struct place *place = test_calloc(1, sizeof(*place));
    text_format(place->directory, sizeof(place->directory), "/tmp/trunkline-unit-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    text_format(place->path, sizeof(place->path), "%s/control.sock", place->directory);
    *state = place;
    return 0;
}

static int close_place(void **state)
{
    struct place *place = *state;
    (void)unlink(place->path);
    assert_int_equal(rmdir(place->directory), 0);
    test_free(place);
    return 0;
}

static int bind_socket(const struct place *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    text_format(address.sun_path, sizeof(address.sun_path), "%s", place->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void a_free_path_is_fine(void **state)
{
    const struct place *place = *state;
    assert_int_equal(listener_prepare(place->path, NULL), ERR_OK);
}

static void a_path_too_long_names_the_limit(void **state)
{
    (void)state;
    char path[150];
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    struct problem problem = {0};

    assert_int_equal(listener_prepare(path, &problem), ERR_INVALID);

    assert_string_equal(problem.path, "socket");
    assert_non_null(strstr(problem.text, "107"));
}

static void a_directory_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct problem problem = {0};
    assert_int_equal(listener_prepare("/nowhere/at/all.sock", &problem), ERR_IO);
    assert_non_null(strstr(problem.text, "/nowhere/at"));
}

static void a_directory_that_everyone_can_write_is_refused(void **state)
{
    const struct place *place = *state;
    assert_int_equal(chmod(place->directory, 0777), 0);
    struct problem problem = {0};

    assert_int_equal(listener_prepare(place->path, &problem), ERR_INVALID);

    assert_non_null(strstr(problem.text, "chmod"));
}

static void a_socket_that_nobody_answers_on_is_removed(void **state)
{
    const struct place *place = *state;
    int fd = bind_socket(place);
    close(fd);

    assert_int_equal(listener_prepare(place->path, NULL), ERR_OK);

    assert_int_not_equal(access(place->path, F_OK), 0);
}

static void a_socket_that_answers_stays(void **state)
{
    const struct place *place = *state;
    int fd = bind_socket(place);
    assert_int_equal(listen(fd, 1), 0);
    struct problem problem = {0};

    assert_int_equal(listener_prepare(place->path, &problem), ERR_BUSY);

    assert_int_equal(access(place->path, F_OK), 0);
    close(fd);
}

static void a_file_that_is_no_socket_stays(void **state)
{
    const struct place *place = *state;
    FILE *file = fopen(place->path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);

    assert_int_equal(listener_prepare(place->path, NULL), ERR_INVALID);

    assert_int_equal(access(place->path, F_OK), 0);
}

static void users_are_looked_up_and_unknown_ones_are_named(void **state)
{
    (void)state;
    const char *const good[] = {"daemon"}, *const bad[] = {"no-such-user"};
    struct listener_users users;
    struct problem problem = {0};

    assert_int_equal(listener_users_load(good, 1, &users, &problem), ERR_OK);
    assert_int_equal(users.count, 3);
    assert_int_equal(listener_users_load(bad, 1, &users, &problem), ERR_INVALID);
    assert_non_null(strstr(problem.text, "no-such-user"));
}

static void only_listed_users_may_knock(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct listener_users us = {.uids = {geteuid()}, .count = 1};
    struct listener_users others = {.uids = {geteuid() + 1}, .count = 1};

    assert_int_equal(listener_check_peer(&us, pair[0]), ERR_OK);
    assert_int_equal(listener_check_peer(&others, pair[0]), ERR_FORBIDDEN);

    close(pair[0]);
    close(pair[1]);
}

#define place_test(f) cmocka_unit_test_setup_teardown(f, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(a_free_path_is_fine),
        place_test(a_path_too_long_names_the_limit),
        place_test(a_directory_that_is_not_there_is_named),
        place_test(a_directory_that_everyone_can_write_is_refused),
        place_test(a_socket_that_nobody_answers_on_is_removed),
        place_test(a_socket_that_answers_stays),
        place_test(a_file_that_is_no_socket_stays),
        place_test(users_are_looked_up_and_unknown_ones_are_named),
        place_test(only_listed_users_may_knock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
