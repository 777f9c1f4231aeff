/* SPDX-License-Identifier: Apache-2.0 */
/* test_tcp_watch.c - who does not take what was written to it, and who only has nothing to take. */
#include "dataplane/net/tcp_watch.h"

#include "net_test.h"

/* The reader and the watch share this thread: a machine that forgets it for so long is no slow
 * reader. */
#define GRACE_MS 800
#define ANSWER_BYTES 200000
#define PART_BYTES 16000

/* A watched transport on one end, a bare socket with a small buffer on the other. */
static void open_watched(struct rig *rig, struct peer *peer, int *fd)
{
    const struct pace_terms terms = {.grace_ms = GRACE_MS, .rate_bytes_s = 2000};
    int fds[2], small = 4096;
    rig_open(rig);
    tcp_pair(fds);
    *fd = fds[0];
    assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    peer_init(peer);
    peer->t = transport_tcp_accept(&rig->loop, fds[1], &peer_events, peer);
    transport_tcp_watch(peer->t, &terms);
}

static void write_answer(struct peer *peer, size_t len)
{
    uint8_t *answer = mem_calloc(1, len);
    transport_write(peer->t, span_of(answer, len));
    free(answer);
}

static void a_reader_that_takes_nothing_is_reset(void **state)
{
    struct rig rig;
    struct peer peer;
    uint8_t bytes[4096];
    ssize_t got;
    int fd;
    (void)state;
    open_watched(&rig, &peer, &fd);
    write_answer(&peer, ANSWER_BYTES);

    RUN_UNTIL(&rig, peer.closings == 1);
    assert_int_equal(peer.err, ERR_TIMEOUT);
    assert_int_equal(counters_read(rig.loop.counters, COUNTER_CLIENT_READERS_LATE), 1);
    peer_release(&peer);
    for (int i = 0; i < 5; i++)
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        continue;
    assert_int_equal(got, -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    rig_close(&rig);
}

static void a_reader_that_takes_its_time_is_served(void **state)
{
    struct rig rig;
    struct peer peer;
    uint8_t bytes[256];
    size_t taken = 0;
    int fd;
    (void)state;
    open_watched(&rig, &peer, &fd);
    write_answer(&peer, PART_BYTES);

    uint64_t next_ms = 0;
    while (taken < PART_BYTES && !rig.barked && peer.closings == 0) {
        uv_run(&rig.loop.uv, UV_RUN_ONCE);
        if (uv_now(&rig.loop.uv) < next_ms)
            continue;
        next_ms = uv_now(&rig.loop.uv) + 10;
        ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
        taken += got > 0 ? (size_t)got : 0;
    }
    assert_int_equal(taken, PART_BYTES);
    assert_int_equal(peer.closings, 0);
    close(fd);
    peer_release(&peer);
    rig_close(&rig);
}

static void a_peer_with_nothing_to_take_may_be_silent(void **state)
{
    struct rig rig;
    struct peer peer;
    int fd;
    (void)state;
    open_watched(&rig, &peer, &fd);
    transport_write(peer.t, SPAN("an event"));

    uint64_t until_ms = uv_now(&rig.loop.uv) + GRACE_MS + GRACE_MS / 2;
    RUN_UNTIL(&rig, uv_now(&rig.loop.uv) > until_ms);
    assert_int_equal(peer.closings, 0);
    close(fd);
    peer_release(&peer);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_that_takes_nothing_is_reset),
        cmocka_unit_test(a_reader_that_takes_its_time_is_served),
        cmocka_unit_test(a_peer_with_nothing_to_take_may_be_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
