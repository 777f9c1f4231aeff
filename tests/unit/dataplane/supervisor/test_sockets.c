/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sockets.c - sockets bound, shared, and taken over from a worker that was left behind.
 */
#include "dataplane/supervisor/sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/net/listen.h"
#include "dataplane/supervisor/state_dir.h"
#include "dataplane/worker/supervisor_channel.h"

struct rig {
    char dir[64];
    int lock_fd;
    struct adoption_door door;
    struct activation activation;
    struct sockets sockets;
    struct problem problem;
};

static int open_rig(void **state)
{
    static struct rig rig;
    rig = (struct rig){.dir = "/tmp/sockets-XXXXXX"};
    assert_non_null(mkdtemp(rig.dir));
    assert_int_equal(state_dir_open(rig.dir, STATE_NO_GROUP, &rig.lock_fd, &rig.problem), ERR_OK);
    assert_int_equal(adoption_listen(rig.dir, &rig.door.fd, &rig.problem), ERR_OK);
    *state = &rig;
    return 0;
}

static void close_sockets(struct sockets *sockets)
{
    for (unsigned i = 0; i < sockets->slot_count; i++) {
        close(sockets->slots[i].https_fd);
        close(sockets->slots[i].http_fd);
        if (sockets->slots[i].channel_fd >= 0)
            close(sockets->slots[i].channel_fd);
    }
    for (unsigned i = 0; i < sockets->surplus_count; i++)
        close(sockets->surplus[i].channel_fd);
    counter_pages_release(&sockets->counters);
    *sockets = (struct sockets){0};
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    char command[96];
    close_sockets(&rig->sockets);
    close(rig->lock_fd);
    close(rig->door.fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
    assert_int_equal(system(command), 0);
    return 0;
}

static enum err open_on(struct rig *rig, const char *https, unsigned count)
{
    const struct sockets_options options = {
        .state = rig->dir,
        .door = &rig->door,
        .activation = &rig->activation,
        .https = https,
        .http = "127.0.0.1:0",
        .slot_count = count,
    };
    return sockets_open(&options, &rig->sockets, &rig->problem);
}

static void port_0_is_one_port_for_all(void **state)
{
    struct rig *rig = *state;
    char first[64], other[64];

    assert_int_equal(open_on(rig, "127.0.0.1:0", 3), ERR_OK);

    assert_int_equal(rig->sockets.slot_count, 3);
    listen_address(rig->sockets.slots[0].https_fd, first, sizeof(first));
    for (unsigned i = 0; i < 3; i++) {
        listen_address(rig->sockets.slots[i].https_fd, other, sizeof(other));
        assert_string_equal(first, other);
        assert_int_equal(rig->sockets.slots[i].channel_fd, -1);
    }
}

/* How many slots accept from this very socket. */
static unsigned slots_on(const struct sockets *sockets, int fd)
{
    const struct activated one = {.fds = {fd}, .count = 1};
    unsigned count = 0;
    for (unsigned i = 0; i < sockets->slot_count; i++)
        count += activation_has(&one, sockets->slots[i].https_fd) ? 1 : 0;
    return count;
}

static void sockets_that_were_passed_are_spread_over_the_slots(void **state)
{
    struct rig *rig = *state;
    struct activated *passed = &rig->activation.https;
    char address[64];
    assert_int_equal(listen_bind("127.0.0.1:0", &passed->fds[0], &rig->problem), ERR_OK);
    listen_address(passed->fds[0], address, sizeof(address));
    assert_int_equal(listen_bind(address, &passed->fds[1], &rig->problem), ERR_OK);
    passed->count = 2;

    assert_int_equal(open_on(rig, "not asked", 5), ERR_OK);

    assert_int_equal(rig->sockets.slot_count, 5);
    assert_int_equal(slots_on(&rig->sockets, passed->fds[0]), 3);
    assert_int_equal(slots_on(&rig->sockets, passed->fds[1]), 2);
    close(passed->fds[0]);
    close(passed->fds[1]);
}

static void another_edges_port_is_in_use(void **state)
{
    struct rig *rig = *state;
    char address[64];
    int taken;
    assert_int_equal(listen_bind("127.0.0.1:0", &taken, &rig->problem), ERR_OK);
    listen_address(taken, address, sizeof(address));

    assert_int_equal(open_on(rig, address, 1), ERR_IO);

    assert_non_null(strstr(rig->problem.text, "in use"));
    close(taken);
}

static void a_second_supervisor_is_refused(void **state)
{
    struct rig *rig = *state;
    int fd;
    assert_int_equal(state_dir_open(rig->dir, STATE_NO_GROUP, &fd, &rig->problem), ERR_BUSY);
    assert_int_equal(state_dir_open("/dev/null", STATE_NO_GROUP, &fd, &rig->problem),
                     ERR_FORBIDDEN);
}

static void a_slot_is_held_as_long_as_its_worker_wants(void **state)
{
    struct rig *rig = *state;
    char path[STATE_PATH_BYTES];
    int one, other;
    state_slot_path(rig->dir, 4, path);
    assert_false(state_slot_held(path));
    assert_int_equal(state_slot_hold(path, &one), ERR_OK);
    assert_int_equal(state_slot_hold(path, &other), ERR_OK);

    close(one);
    assert_true(state_slot_held(path));
    close(other);
    assert_false(state_slot_held(path));
}

static void addresses_are_compared_as_addresses(void **state)
{
    (void)state;
    assert_true(sockets_address_wanted("127.0.0.1:80", "127.0.0.1:80"));
    assert_true(sockets_address_wanted("[0:0::1]:0", "[::1]:443"));
    assert_false(sockets_address_wanted("127.0.0.1:80", "127.0.0.1:81"));
    assert_false(sockets_address_wanted("127.0.0.1:0", "127.0.0.2:80"));
    assert_false(sockets_address_wanted("nowhere", "127.0.0.1:80"));
}

/* ---- a worker whose supervisor died */

struct orphan {
    struct loop loop;
    struct supervisor_channel *channel;
    int supervisor_fd, https_fd, http_fd, lock_fd;
};

static void orphan_changed(void *owner, const struct message_zones_changed *what)
{
    (void)owner;
    (void)what;
}

static void orphan_drain(void *owner, uint64_t timeout_ms)
{
    struct orphan *orphan = owner;
    assert_int_equal(timeout_ms, 1234);
    supervisor_channel_draining(orphan->channel, false);
    supervisor_channel_close(&orphan->channel);
}

/* In a process of its own, since the supervisor waits for it. */
static void run_orphan(const char *dir, const char *https)
{
    static const struct supervisor_channel_events events = {orphan_changed, orphan_drain, NULL,
                                                            NULL};
    struct orphan orphan = {.lock_fd = -1};
    struct counter_pages counters;
    struct problem problem;
    char lock[STATE_PATH_BYTES], path[STATE_PATH_BYTES];
    int pair[2];
    state_slot_path(dir, 0, lock);
    state_path(dir, STATE_SOCKET, path);
    if (state_slot_hold(lock, &orphan.lock_fd) != ERR_OK ||
        listen_bind(https, &orphan.https_fd, &problem) != ERR_OK ||
        listen_bind("127.0.0.1:0", &orphan.http_fd, &problem) != ERR_OK ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || loop_open(&orphan.loop) != ERR_OK ||
        counter_pages_make(&counters, &problem) != ERR_OK)
        _exit(1);
    const struct supervisor_channel_options options = {
        .loop = &orphan.loop,
        .fd = pair[1],
        .https_fd = orphan.https_fd,
        .http_fd = orphan.http_fd,
        .counters_fd = counters.fd,
        .path = path,
        .events = &events,
        .owner = &orphan,
    };
    counters_add(counter_pages_of(&counters, 0), COUNTER_EXCHANGES, 17);
    orphan.channel = supervisor_channel_open(&options);
    close(pair[0]);
    loop_run(&orphan.loop);
    _exit(0);
}

static void sockets_of_an_orphan_are_taken_over(void **state)
{
    struct rig *rig = *state;
    char lock[STATE_PATH_BYTES], address[64];
    state_slot_path(rig->dir, 0, lock);
    pid_t child = fork();
    if (child == 0)
        run_orphan(rig->dir, "127.0.0.1:0");
    while (!state_slot_held(lock))
        usleep(1000);

    assert_int_equal(open_on(rig, "127.0.0.1:0", 2), ERR_OK);

    assert_int_equal(rig->sockets.adopted_count, 1);
    assert_int_equal(rig->sockets.slot_count, 2);
    assert_true(rig->sockets.slots[0].channel_fd >= 0);
    assert_int_equal(rig->sockets.slots[0].orphan_pid, child);
    assert_int_equal(counter_pages_sum(&rig->sockets.counters, COUNTER_EXCHANGES), 17);
    assert_int_equal(rig->sockets.slots[1].channel_fd, -1);
    listen_address(rig->sockets.slots[0].https_fd, address, sizeof(address));
    listen_address(rig->sockets.slots[1].https_fd, address + 32, 32);
    assert_string_equal(address, address + 32);
    kill(child, SIGKILL);
}

static void an_orphan_on_another_address_is_surplus(void **state)
{
    struct rig *rig = *state;
    char lock[STATE_PATH_BYTES];
    state_slot_path(rig->dir, 0, lock);
    pid_t child = fork();
    if (child == 0)
        run_orphan(rig->dir, "127.0.0.2:0");
    while (!state_slot_held(lock))
        usleep(1000);

    assert_int_equal(open_on(rig, "127.0.0.1:0", 1), ERR_OK);

    assert_int_equal(rig->sockets.adopted_count, 0);
    assert_int_equal(rig->sockets.surplus_count, 1);
    assert_int_equal(rig->sockets.slot_count, 1);
    kill(child, SIGKILL);
}

#define IN_A_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_RIG(port_0_is_one_port_for_all),
        IN_A_RIG(sockets_that_were_passed_are_spread_over_the_slots),
        IN_A_RIG(another_edges_port_is_in_use),
        IN_A_RIG(a_second_supervisor_is_refused),
        IN_A_RIG(a_slot_is_held_as_long_as_its_worker_wants),
        cmocka_unit_test(addresses_are_compared_as_addresses),
        IN_A_RIG(sockets_of_an_orphan_are_taken_over),
        IN_A_RIG(an_orphan_on_another_address_is_surplus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
