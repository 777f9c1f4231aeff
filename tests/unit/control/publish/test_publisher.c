/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_publisher.c - the publisher over its real socket, with edges that a test plays.
 */
#include "control/publish/publisher.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/base/clock.h"
#include "common/wire/message.h"
#include "control/publish/propagation.h"
#include "tests/unit/control/publish/store_fixture.h"

#define PATIENCE_MS 4000

struct scene {
    struct store_fixture fixture;
    struct publisher *publisher;
    char socket_path[96];
};

struct played {
    int fd;
    struct frame_reader in;
    struct message message;
};

static enum err open_publisher(struct scene *scene, struct problem *problem)
{
    const struct publisher_options options = {.socket_path = scene->socket_path,
                                              .store = scene->fixture.store};
    return publisher_open(&options, &scene->publisher, problem);
}

static int open_scene(void **state)
{
    struct scene *scene = test_calloc(1, sizeof(*scene));
    fixture_open(&scene->fixture);
    text_format(scene->socket_path, sizeof(scene->socket_path), "%s/control.sock",
                scene->fixture.directory);
    struct problem problem = {0};
    if (open_publisher(scene, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    publisher_close(&scene->publisher);
    assert_null(scene->publisher);
    fixture_close(&scene->fixture);
    test_free(scene);
    return 0;
}

static uint64_t commit(struct scene *scene, struct id zone, struct span body)
{
    uint64_t revision = fixture_put(&scene->fixture, zone, body);
    publisher_on_revision(scene->publisher, revision);
    return revision;
}

static void dial(const struct scene *scene, struct played *edge)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    text_format(address.sun_path, sizeof(address.sun_path), "%s", scene->socket_path);
    edge->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(edge->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    frame_reader_init(&edge->in);
}

static void hang_up(struct played *edge)
{
    close(edge->fd);
    frame_reader_release(&edge->in);
}

static void tell(struct played *edge, const struct message *message)
{
    struct buf bytes;
    buf_init(&bytes, LIMIT_FRAME_BYTES);
    message_encode(message, &bytes);
    assert_int_equal(send(edge->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
    buf_release(&bytes);
}

static void hello(struct played *edge, const char *edge_id)
{
    tell(edge, &(struct message){.kind = MESSAGE_HELLO,
                                 .hello = {.edge_id = span_str(edge_id), .worker_count = 1}});
}

static void ack(struct played *edge, uint64_t revision)
{
    tell(edge,
         &(struct message){
             .kind = MESSAGE_ACK,
             .ack = {.revision = revision, .workers = 1, .workers_applied = 1, .took_us = 10}});
}

/* Reads until a message of this kind; 0 at the end of the stream or of the patience. */
static int expect(struct played *edge, enum message_kind kind)
{
    char bytes[4096];
    uint64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    while (clock_mono_ms() < until_ms) {
        struct frame frame;
        struct problem problem = {0};
        if (frame_reader_next(&edge->in, &frame) == ERR_OK) {
            assert_int_equal(message_decode(&frame, &edge->message, &problem), ERR_OK);
            if (edge->message.kind == kind)
                return (int)kind;
            continue;
        }
        struct pollfd waits = {.fd = edge->fd, .events = POLLIN};
        (void)poll(&waits, 1, 100);
        ssize_t count = waits.revents ? recv(edge->fd, bytes, sizeof(bytes), MSG_DONTWAIT) : -1;
        if (waits.revents && count == 0)
            return 0;
        if (count > 0)
            frame_reader_feed(&edge->in, span_of(bytes, (size_t)count));
    }
    return 0;
}

static bool applied_before_long(const struct scene *scene, uint64_t revision)
{
    struct propagation_view *view = test_malloc(sizeof(*view));
    const struct propagation_question question = {id_new(), revision, revision};
    uint64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    do {
        propagation_read(publisher_propagation(scene->publisher), &question, view);
    } while (!view->applied && clock_mono_ms() < until_ms && poll(NULL, 0, 5) == 0);
    bool applied = view->applied;
    test_free(view);
    return applied;
}

static void the_socket_is_for_us_and_our_group(void **state)
{
    const struct scene *scene = *state;
    struct stat found;
    assert_int_equal(stat(scene->socket_path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0660);
}

static void a_revision_reaches_the_edge_and_its_ack_comes_back(void **state)
{
    struct scene *scene = *state;
    struct played edge;
    dial(scene, &edge);
    hello(&edge, "edge-1");
    assert_int_equal(expect(&edge, MESSAGE_COMMIT), MESSAGE_COMMIT);
    ack(&edge, 0);

    uint64_t revision = commit(scene, id_new(), SPAN("{\"a\":1}"));

    assert_int_equal(expect(&edge, MESSAGE_DOCUMENT), MESSAGE_DOCUMENT);
    assert_int_equal(expect(&edge, MESSAGE_COMMIT), MESSAGE_COMMIT);
    ack(&edge, revision);
    assert_true(applied_before_long(scene, revision));
    hang_up(&edge);
}

static void an_edge_that_never_acks_holds_no_other(void **state)
{
    struct scene *scene = *state;
    struct played slow, quick;
    dial(scene, &slow);
    hello(&slow, "slow");
    dial(scene, &quick);
    hello(&quick, "quick");
    assert_int_equal(expect(&quick, MESSAGE_COMMIT), MESSAGE_COMMIT);
    ack(&quick, 0);

    for (uint64_t i = 0; i < 5; i++) {
        uint64_t revision = commit(scene, id_new(), SPAN("{\"a\":1}"));
        assert_int_equal(expect(&quick, MESSAGE_COMMIT), MESSAGE_COMMIT);
        assert_int_equal(quick.message.commit.revision, revision);
        ack(&quick, revision);
    }

    hang_up(&slow);
    hang_up(&quick);
}

static void a_newer_link_of_the_same_edge_ends_the_older(void **state)
{
    struct scene *scene = *state;
    struct played older, newer;
    dial(scene, &older);
    hello(&older, "edge-1");
    assert_int_equal(expect(&older, MESSAGE_COMMIT), MESSAGE_COMMIT);

    dial(scene, &newer);
    hello(&newer, "edge-1");
    assert_int_equal(expect(&newer, MESSAGE_COMMIT), MESSAGE_COMMIT);
    ack(&newer, 0);

    assert_int_equal(expect(&older, MESSAGE_DRAIN), 0);
    assert_true(applied_before_long(scene, 0));
    hang_up(&older);
    hang_up(&newer);
}

static void nonsense_ends_its_link_only(void **state)
{
    struct scene *scene = *state;
    struct played mad, sane;
    dial(scene, &mad);
    dial(scene, &sane);

    assert_int_equal(send(mad.fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);

    assert_int_equal(expect(&mad, MESSAGE_DRAIN), 0);
    hello(&sane, "sane");
    assert_int_equal(expect(&sane, MESSAGE_COMMIT), MESSAGE_COMMIT);
    hang_up(&mad);
    hang_up(&sane);
}

static void heartbeats_come_without_being_asked(void **state)
{
    struct scene *scene = *state;
    struct played edge;
    dial(scene, &edge);
    hello(&edge, "edge-1");

    assert_int_equal(expect(&edge, MESSAGE_HEARTBEAT), MESSAGE_HEARTBEAT);

    hang_up(&edge);
}

struct waiter {
    struct propagation_wait wait;
    int pipe[2];
};

static void on_wake(struct propagation_wait *wait)
{
    struct waiter *waiter = container_of(wait, struct waiter, wait);
    assert_int_equal(write(waiter->pipe[1], "w", 1), 1);
}

static void a_wait_ends_at_its_deadline(void **state)
{
    struct scene *scene = *state;
    struct waiter waiter = {.wait = {.revision = 99, .wake = on_wake}};
    assert_int_equal(pipe(waiter.pipe), 0);
    waiter.wait.deadline_ms = clock_mono_ms() + 150;

    assert_true(propagation_wait_start(publisher_propagation(scene->publisher), &waiter.wait));

    struct pollfd woken = {.fd = waiter.pipe[0], .events = POLLIN};
    char byte;
    assert_int_equal(poll(&woken, 1, PATIENCE_MS), 1);
    assert_int_equal(read(waiter.pipe[0], &byte, 1), 1);
    close(waiter.pipe[0]);
    close(waiter.pipe[1]);
}

static void a_second_publisher_on_the_socket_is_refused(void **state)
{
    struct scene *scene = *state;
    struct scene second = *scene;
    struct problem problem = {0};

    assert_int_equal(open_publisher(&second, &problem), ERR_BUSY);

    assert_string_equal(problem.path, "socket");
    assert_int_equal(access(scene->socket_path, F_OK), 0);
}

static void closing_removes_the_socket(void **state)
{
    struct scene *scene = *state;
    publisher_close(&scene->publisher);
    assert_int_not_equal(access(scene->socket_path, F_OK), 0);
}

#define scene_test(f) cmocka_unit_test_setup_teardown(f, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(the_socket_is_for_us_and_our_group),
        scene_test(a_revision_reaches_the_edge_and_its_ack_comes_back),
        scene_test(an_edge_that_never_acks_holds_no_other),
        scene_test(a_newer_link_of_the_same_edge_ends_the_older),
        scene_test(nonsense_ends_its_link_only),
        scene_test(heartbeats_come_without_being_asked),
        scene_test(a_wait_ends_at_its_deadline),
        scene_test(a_second_publisher_on_the_socket_is_refused),
        scene_test(closing_removes_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
