/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_listen.c - binding, and accepting under a budget and without descriptors.
 */
#include "net_test.h"

#include <sys/resource.h>

#include "dataplane/net/listen.h"

#define CROWD 200

struct door {
    struct listener *listener;
    int fds[CROWD];
    int count, turn_count, turn_max;
    int starved_count;
    bool close_at_first;
    bool closed; /* wants no more for now */
};

static bool door_accepted(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct door *door = owner;
    assert_int_equal(peer->ss_family, AF_INET);
    door->fds[door->count++] = fd;
    if (++door->turn_count > door->turn_max)
        door->turn_max = door->turn_count;
    if (door->close_at_first)
        listener_close(&door->listener);
    return !door->closed;
}

static void door_starved(void *owner)
{
    struct door *door = owner;
    door->starved_count++;
}

static const struct listener_events door_events = {.on_accept = door_accepted,
                                                   .on_starved = door_starved};

static int bind_loopback(struct sockaddr_in *address)
{
    int fd;
    char text[64];
    struct problem problem;
    socklen_t bytes = sizeof(*address);
    assert_int_equal(listen_bind("127.0.0.1:0", &fd, &problem), ERR_OK);
    assert_int_equal(getsockname(fd, (void *)address, &bytes), 0);
    listen_address(fd, text, sizeof(text));
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", ntohs(address->sin_port));
    assert_string_equal(text, wanted);
    return fd;
}

static int knock(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)!connect(fd, (const void *)address, sizeof(*address));
    return fd;
}

static void bad_addresses_are_refused_with_a_reason(void **state)
{
    static const char *const bad[] = {"",
                                      "8443",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:80x",
                                      "localhost:80",
                                      "[::1]",
                                      "[::1]8443",
                                      "::1:8443",
                                      "[127.0.0.1]:80",
                                      "0x7f000001:80"};
    (void)state;
    for (size_t i = 0; i < countof(bad); i++) {
        struct problem problem = {0};
        int fd = 7;
        assert_int_equal(listen_bind(bad[i], &fd, &problem), ERR_INVALID);
        assert_int_equal(fd, -1);
        assert_string_equal(problem.path, bad[i]);
    }
}

static void both_families_are_bound(void **state)
{
    struct problem problem;
    char text[64];
    int v4, v6;
    (void)state;
    assert_int_equal(listen_bind("0.0.0.0:0", &v4, &problem), ERR_OK);
    assert_true(fcntl(v4, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(v4, F_GETFL) & O_NONBLOCK);
    close(v4);
    if (listen_bind("[::1]:0", &v6, &problem) != ERR_OK)
        return; /* this host speaks no IPv6 */
    listen_address(v6, text, sizeof(text));
    assert_int_equal(strncmp(text, "[::1]:", 6), 0);
    close(v6);
}

static void foreign_address_and_taken_port_are_told_apart(void **state)
{
    struct problem problem;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    char text[64];
    int fd, taken = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    assert_int_equal(bind(taken, (void *)&address, bytes), 0);
    assert_int_equal(listen(taken, 1), 0);
    listen_address(taken, text, sizeof(text));

    assert_int_equal(listen_bind(text, &fd, &problem), ERR_IO);
    assert_non_null(strstr(problem.text, "in use"));
    assert_int_equal(listen_bind("192.0.2.1:0", &fd, &problem), ERR_IO);
    assert_non_null(strstr(problem.text, "does not have"));
    close(taken);
}

static void crowd_is_accepted_under_the_budget_of_a_turn(void **state)
{
    struct rig rig;
    struct sockaddr_in address;
    struct door door = {0};
    int visitors[CROWD];
    (void)state;
    rig_open(&rig);
    int fd = bind_loopback(&address);
    for (int i = 0; i < CROWD; i++)
        visitors[i] = knock(&address);
    door.listener = listener_open(&rig.loop, fd, &door_events, &door);

    while (door.count < CROWD && !rig.barked) {
        door.turn_count = 0;
        uv_run(&rig.loop.uv, UV_RUN_ONCE);
    }
    assert_int_equal(door.count, CROWD);
    assert_int_equal(door.turn_max, LIMIT_ACCEPT_BUDGET);

    listener_close(&door.listener);
    for (int i = 0; i < CROWD; i++) {
        close(visitors[i]);
        close(door.fds[i]);
    }
    rig_close(&rig);
}

static void listener_may_be_closed_while_it_accepts(void **state)
{
    struct rig rig;
    struct sockaddr_in address;
    struct door door = {.close_at_first = true};
    (void)state;
    rig_open(&rig);
    int fd = bind_loopback(&address);
    int first = knock(&address), second = knock(&address);
    door.listener = listener_open(&rig.loop, fd, &door_events, &door);

    RUN_UNTIL(&rig, door.count == 1);
    for (int i = 0; i < 5; i++)
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);

    assert_int_equal(door.count, 1);
    assert_null(door.listener);
    close(first);
    close(second);
    close(door.fds[0]);
    rig_close(&rig);
}

static void without_descriptors_it_pauses_and_goes_on_later(void **state)
{
    struct rig rig;
    struct sockaddr_in address;
    struct door door = {0};
    struct rlimit limit, tight;
    int turns = 0;
    (void)state;
    rig_open(&rig);
    int fd = bind_loopback(&address);
    int visitor = knock(&address);
    door.listener = listener_open(&rig.loop, fd, &door_events, &door);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    tight = limit;
    tight.rlim_cur = (rlim_t)visitor + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);

    uint64_t start_ms = uv_now(&rig.loop.uv);
    while (uv_now(&rig.loop.uv) < start_ms + 250) {
        uv_run(&rig.loop.uv, UV_RUN_ONCE);
        turns++;
    }
    assert_int_equal(door.count, 0);
    assert_true(turns < 250); /* the watchdog's ticks, no spinning */
    assert_in_range(door.starved_count, 1, 4);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    RUN_UNTIL(&rig, door.count == 1);

    listener_close(&door.listener);
    close(visitor);
    close(door.fds[0]);
    rig_close(&rig);
}

static void it_pauses_when_its_owner_wants_no_more(void **state)
{
    struct rig rig;
    struct sockaddr_in address;
    struct door door = {.closed = true};
    (void)state;
    rig_open(&rig);
    int fd = bind_loopback(&address);
    int first = knock(&address), second = knock(&address);
    door.listener = listener_open(&rig.loop, fd, &door_events, &door);

    RUN_UNTIL(&rig, door.count == 1);
    uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(door.count, 1);
    door.closed = false;
    RUN_UNTIL(&rig, door.count == 2);

    assert_int_equal(door.starved_count, 0);
    listener_close(&door.listener);
    close(first);
    close(second);
    close(door.fds[0]);
    close(door.fds[1]);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_addresses_are_refused_with_a_reason),
        cmocka_unit_test(both_families_are_bound),
        cmocka_unit_test(foreign_address_and_taken_port_are_told_apart),
        cmocka_unit_test(crowd_is_accepted_under_the_budget_of_a_turn),
        cmocka_unit_test(listener_may_be_closed_while_it_accepts),
        cmocka_unit_test(it_pauses_when_its_owner_wants_no_more),
        cmocka_unit_test(without_descriptors_it_pauses_and_goes_on_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
