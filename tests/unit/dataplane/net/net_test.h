/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_test.h - what the tests of this room share: a loop with a watchdog, loopback pairs, an owner
 * of a transport that remembers all it was told.
 */
#ifndef TRUNKLINE_TESTS_UNIT_DATAPLANE_NET_NET_TEST_H
#define TRUNKLINE_TESTS_UNIT_DATAPLANE_NET_NET_TEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/model/limits.h"
#include "dataplane/net/transport_tcp.h"

#define WATCHDOG_MS 4500
#define TICK_MS 2
#define UNUSED __attribute__((unused))

struct rig {
    struct loop loop;
    uv_timer_t watchdog;
    uint64_t opened_at_ms;
    bool barked;
};

static UNUSED void bark(uv_timer_t *timer)
{
    struct rig *rig = timer->data;
    rig->barked = uv_now(timer->loop) > rig->opened_at_ms + WATCHDOG_MS;
}

/* The watchdog keeps the loop turning, so that a wait ends by its condition or by failing. */
static UNUSED void rig_open(struct rig *rig)
{
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(loop_open(&rig->loop), ERR_OK);
    rig->barked = false;
    uv_timer_init(&rig->loop.uv, &rig->watchdog);
    rig->watchdog.data = rig;
    uv_timer_start(&rig->watchdog, bark, TICK_MS, TICK_MS);
    rig->opened_at_ms = uv_now(&rig->loop.uv);
}

#define RUN_UNTIL(rig, cond)                      \
    do {                                          \
        while (!(cond) && !(rig)->barked)         \
            uv_run(&(rig)->loop.uv, UV_RUN_ONCE); \
        assert_true(cond);                        \
    } while (0)

/* Runs until every transport has gone by itself, then closes: nothing may be left. */
static UNUSED void rig_close(struct rig *rig)
{
    uv_close((uv_handle_t *)&rig->watchdog, NULL);
    loop_run(&rig->loop);
    loop_close(&rig->loop);
}

/* Two ends of one TCP connection over loopback, non-blocking. */
static UNUSED void tcp_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (void *)&address, bytes), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (void *)&address, &bytes), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[0], (void *)&address, bytes), 0);
    fds[1] = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
    assert_true(fds[1] >= 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    close(listening);
}

/* An owner of one transport. */
struct peer {
    struct transport *t;
    struct buf in;
    int bytes_events, rooms, endings, closings;
    enum err err;
    bool inside_verb; /* an event now breaks rule 2 */
    bool stopped;     /* bytes now break rule 3 */
    size_t stop_after_bytes;
};

static UNUSED void peer_on_bytes(void *owner, struct span bytes)
{
    struct peer *peer = owner;
    assert_false(peer->inside_verb);
    assert_false(peer->stopped);
    assert_int_equal(peer->closings, 0);
    peer->bytes_events++;
    buf_append(&peer->in, bytes);
    if (peer->stop_after_bytes > 0 && peer->in.len >= peer->stop_after_bytes) {
        peer->stopped = true;
        transport_read_stop(peer->t);
    }
}

static UNUSED void peer_on_room(void *owner)
{
    struct peer *peer = owner;
    assert_false(peer->inside_verb);
    assert_int_equal(peer->closings, 0);
    peer->rooms++;
}

static UNUSED void peer_on_ended(void *owner)
{
    struct peer *peer = owner;
    assert_false(peer->inside_verb);
    assert_false(peer->stopped);
    assert_int_equal(peer->closings, 0);
    peer->endings++;
}

static UNUSED void peer_on_closed(void *owner, enum err err)
{
    struct peer *peer = owner;
    assert_false(peer->inside_verb);
    peer->closings++;
    peer->err = err;
}

static const struct transport_events peer_events = {peer_on_bytes, peer_on_room, peer_on_ended,
                                                    peer_on_closed};

static UNUSED void peer_init(struct peer *peer)
{
    *peer = (struct peer){0};
    buf_init(&peer->in, 64 << 20);
}

static UNUSED void peer_read_start(struct peer *peer)
{
    peer->stopped = false;
    peer->inside_verb = true;
    transport_read_start(peer->t);
    peer->inside_verb = false;
}

static UNUSED void peer_write(struct peer *peer, struct span bytes)
{
    peer->inside_verb = true;
    transport_write(peer->t, bytes);
    peer->inside_verb = false;
}

static UNUSED void peer_release(struct peer *peer)
{
    if (peer->t)
        transport_close(&peer->t);
    buf_release(&peer->in);
}

/* Bytes that no two places share by accident. */
static UNUSED void fill_pattern(uint8_t *out, size_t len, uint32_t seed)
{
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        out[i] = (uint8_t)x;
    }
}

static UNUSED uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 17, *state ^= *state << 5;
    return *state;
}

/* Sends all of `whole` from one peer to the other in pieces of random length while the reader stops
 * and starts at random, and checks every byte. */
static UNUSED void transfer(struct rig *rig, struct peer *from, struct peer *to, struct span whole,
                            uint32_t seed)
{
    size_t sent = 0, base = to->in.len;
    uint32_t state = seed;
    while (to->in.len - base < whole.len) {
        size_t len = next_random(&state) % 50000 + 1;
        if (next_random(&state) % 4 == 0)
            len = len % 100 + 1;
        if (len > whole.len - sent)
            len = whole.len - sent;
        if (len > 0 && len <= transport_write_room(from->t)) {
            peer_write(from, span_of(whole.ptr + sent, len));
            sent += len;
        }
        to->stop_after_bytes = 0;
        if (next_random(&state) % 3 == 0)
            to->stop_after_bytes = to->in.len + next_random(&state) % 30000 + 1;
        if (next_random(&state) % 2 == 0 || sent == whole.len)
            peer_read_start(to);
        uv_run(&rig->loop.uv, UV_RUN_NOWAIT);
        assert_false(rig->barked);
        assert_int_equal(from->closings + to->closings, 0);
    }
    to->stop_after_bytes = 0;
    assert_int_equal(to->in.len - base, whole.len);
    assert_memory_equal(to->in.ptr + base, whole.ptr, whole.len);
}

#endif
