/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_control_link.c - an edge that dials, says hello, hears, and dials again; control is the
 * test.
 */
#include "dataplane/supervisor/control_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    struct loop loop;
    struct control_link *link;
    char dir[64], path[96];
    int listen_fd, fd;
    struct frame_reader frames;
    unsigned heard, lost;
    enum err verdict; /* what the edge says of each message */
};

static void rig_hello(void *owner, struct message_hello *out)
{
    (void)owner;
    *out = (struct message_hello){.revision = 9, .edge_id = SPAN("e1"), .worker_count = 2};
}

static enum err rig_message(void *owner, const struct message *message, struct problem *problem)
{
    struct rig *rig = owner;
    assert_int_equal(message->kind, MESSAGE_HEARTBEAT);
    rig->heard++;
    return rig->verdict == ERR_OK ? ERR_OK : problem_set(problem, rig->verdict, "x", "refused");
}

static void rig_lost(void *owner)
{
    ((struct rig *)owner)->lost++;
}

static uint64_t rig_revision(void *owner)
{
    (void)owner;
    return 9;
}

static const struct control_link_events rig_events = {rig_hello, rig_message, rig_lost,
                                                      rig_revision};

static void start_control(struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->path);
    rig->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(rig->listen_fd, 4), 0);
}

static void stop_control(struct rig *rig)
{
    close(rig->listen_fd);
    unlink(rig->path);
    rig->listen_fd = -1;
}

static int open_rig(void **state)
{
    static struct rig rig;
    rig = (struct rig){.dir = "/tmp/link-XXXXXX", .fd = -1, .listen_fd = -1};
    assert_non_null(mkdtemp(rig.dir));
    snprintf(rig.path, sizeof(rig.path), "%s/control.sock", rig.dir);
    frame_reader_init(&rig.frames);
    assert_int_equal(loop_open(&rig.loop), ERR_OK);
    const struct control_link_options options = {
        .loop = &rig.loop, .path = rig.path, .events = &rig_events, .owner = &rig};
    rig.link = control_link_open(&options);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    char command[96];
    control_link_close(&rig->link);
    loop_run(&rig->loop);
    loop_close(&rig->loop);
    frame_reader_release(&rig->frames);
    if (rig->fd >= 0)
        close(rig->fd);
    if (rig->listen_fd >= 0)
        close(rig->listen_fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
    assert_int_equal(system(command), 0);
    return 0;
}

#define UNTIL(condition) \
    while (!(condition)) \
    uv_run(&rig->loop.uv, UV_RUN_ONCE)

static bool accepted(struct rig *rig)
{
    rig->fd = accept4(rig->listen_fd, NULL, NULL, SOCK_NONBLOCK);
    return rig->fd >= 0;
}

static bool read_message(struct rig *rig, struct message *out)
{
    uint8_t bytes[4096];
    struct frame frame;
    struct problem problem;
    ssize_t len = recv(rig->fd, bytes, sizeof(bytes), 0);
    if (len > 0)
        frame_reader_feed(&rig->frames, span_of(bytes, (size_t)len));
    return frame_reader_next(&rig->frames, &frame) == ERR_OK &&
           message_decode(&frame, out, &problem) == ERR_OK;
}

static void send_heartbeat(struct rig *rig)
{
    struct message message = {.kind = MESSAGE_HEARTBEAT};
    struct buf out;
    buf_init(&out, 64);
    message_encode(&message, &out);
    assert_int_equal(write(rig->fd, out.ptr, out.len), (ssize_t)out.len);
    buf_release(&out);
}

static void an_edge_finds_control_and_says_hello(void **state)
{
    struct rig *rig = *state;
    struct message message;
    for (int turn = 0; turn < 6; turn++) /* nobody is there yet */
        uv_run(&rig->loop.uv, UV_RUN_ONCE);

    start_control(rig);
    UNTIL(accepted(rig));
    UNTIL(read_message(rig, &message));

    assert_int_equal(message.kind, MESSAGE_HELLO);
    assert_int_equal(message.hello.revision, 9);
    assert_true(span_equal(message.hello.edge_id, SPAN("e1")));
    assert_int_equal(rig->lost, 0);
}

static void both_sides_beat(void **state)
{
    struct rig *rig = *state;
    struct message message;
    start_control(rig);
    UNTIL(accepted(rig));
    UNTIL(read_message(rig, &message));

    send_heartbeat(rig);
    UNTIL(rig->heard == 1);
    UNTIL(read_message(rig, &message));

    assert_int_equal(message.kind, MESSAGE_HEARTBEAT);
    assert_int_equal(message.heartbeat.revision, 9);
}

static void a_lost_link_is_dialled_anew(void **state)
{
    struct rig *rig = *state;
    struct message message;
    start_control(rig);
    UNTIL(accepted(rig));
    UNTIL(read_message(rig, &message));

    close(rig->fd);
    stop_control(rig);
    UNTIL(rig->lost == 1);
    start_control(rig);
    UNTIL(accepted(rig));
    UNTIL(read_message(rig, &message));

    assert_int_equal(message.kind, MESSAGE_HELLO);
}

static void noise_and_refused_messages_end_the_link(void **state)
{
    struct rig *rig = *state;
    start_control(rig);
    UNTIL(accepted(rig));
    assert_int_equal(write(rig->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    UNTIL(rig->lost == 1);
    close(rig->fd);

    rig->verdict = ERR_PROTOCOL;
    UNTIL(accepted(rig));
    send_heartbeat(rig);
    UNTIL(rig->lost == 2);
    assert_int_equal(rig->heard, 1);
}

#define IN_A_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_RIG(an_edge_finds_control_and_says_hello),
        IN_A_RIG(both_sides_beat),
        IN_A_RIG(a_lost_link_is_dialled_anew),
        IN_A_RIG(noise_and_refused_messages_end_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
