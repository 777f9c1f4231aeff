/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_transport_tcp.c - the seven lifetime rules of transport.h over loopback TCP, and dialling.
 */
#include "net_test.h"

#define WHOLE_BYTES (4 << 20)

/* A transport on one end, a bare socket on the other. */
static void open_against_socket(struct rig *rig, struct peer *peer, int *fd)
{
    int fds[2];
    tcp_pair(fds);
    *fd = fds[0];
    peer_init(peer);
    peer->t = transport_tcp_accept(&rig->loop, fds[1], &peer_events, peer);
}

static void open_pair(struct rig *rig, struct peer *a, struct peer *b)
{
    int fds[2];
    tcp_pair(fds);
    peer_init(a);
    peer_init(b);
    a->t = transport_tcp_accept(&rig->loop, fds[0], &peer_events, a);
    b->t = transport_tcp_accept(&rig->loop, fds[1], &peer_events, b);
}

static void wait_readable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, 2000), 1);
}

static void reset_socket(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(fd);
}

static void megabytes_arrive_exactly_whatever_the_pieces_and_pauses(void **state)
{
    struct rig rig;
    struct peer a, b;
    uint8_t *whole = mem_alloc(WHOLE_BYTES);
    (void)state;
    rig_open(&rig);
    open_pair(&rig, &a, &b);
    fill_pattern(whole, WHOLE_BYTES, 7);

    transfer(&rig, &a, &b, span_of(whole, WHOLE_BYTES), 11);
    transfer(&rig, &b, &a, span_of(whole, WHOLE_BYTES), 13);

    free(whole);
    peer_release(&a);
    peer_release(&b);
    rig_close(&rig);
}

static void nothing_is_read_before_start(void **state)
{
    struct rig rig;
    struct peer peer;
    int fd;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    assert_int_equal(send(fd, "early", 5, 0), 5);

    for (int i = 0; i < 5; i++)
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(peer.bytes_events, 0);
    peer_read_start(&peer);
    RUN_UNTIL(&rig, peer.in.len == 5);

    close(fd);
    peer_release(&peer);
    rig_close(&rig);
}

static void end_of_the_peer_is_told_once_and_writing_still_works(void **state)
{
    struct rig rig;
    struct peer peer;
    char answer[8];
    int fd;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    peer_read_start(&peer);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);

    RUN_UNTIL(&rig, peer.endings == 1);
    peer_write(&peer, SPAN("answer"));
    peer_read_start(&peer);
    for (int i = 0; i < 5; i++)
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);

    wait_readable(fd);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), 6);
    assert_int_equal(peer.endings, 1);
    assert_int_equal(peer.in.len, 1);
    assert_int_equal(peer.closings, 0);
    close(fd);
    peer_release(&peer);
    rig_close(&rig);
}

static void reset_of_the_peer_is_told_as_io_exactly_once(void **state)
{
    struct rig rig;
    struct peer peer;
    int fd;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    peer_read_start(&peer);
    reset_socket(fd);

    RUN_UNTIL(&rig, peer.closings == 1);
    peer_write(&peer, SPAN("to nobody"));
    for (int i = 0; i < 5; i++)
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);

    assert_int_equal(peer.closings, 1);
    assert_int_equal(peer.err, ERR_IO);
    peer_release(&peer);
    rig_close(&rig);
}

static void failed_write_is_told_from_the_loop_though_nobody_reads(void **state)
{
    struct rig rig;
    struct peer peer;
    int fd;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    reset_socket(fd);

    peer_write(&peer, SPAN("too late"));
    RUN_UNTIL(&rig, peer.closings == 1);

    assert_int_equal(peer.err, ERR_IO);
    peer_release(&peer);
    rig_close(&rig);
}

/* An origin that answers 413 in the middle of an upload and resets. */
static void what_came_before_a_reset_is_read_though_writing_failed(void **state)
{
    struct rig rig;
    struct peer peer;
    int fd;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    peer_write(&peer, SPAN("never read"));
    RUN_UNTIL(&rig, recv(fd, (char[1]){0}, 1, MSG_PEEK) == 1);
    assert_int_equal(send(fd, "413", 3, 0), 3);
    close(fd); /* over unread bytes: a reset */

    peer_write(&peer, SPAN("more"));
    peer_read_start(&peer);
    RUN_UNTIL(&rig, peer.closings == 1);

    assert_int_equal(peer.in.len, 3);
    assert_int_equal(peer.err, ERR_IO);
    peer_release(&peer);
    rig_close(&rig);
}

static void output_is_bounded_and_room_is_told_when_half_has_gone(void **state)
{
    struct rig rig;
    struct peer a, b;
    static uint8_t block[LIMIT_TRANSPORT_OUT_BYTES];
    int small = 4096;
    int fds[2];
    (void)state;
    rig_open(&rig);
    tcp_pair(fds);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    peer_init(&a);
    peer_init(&b);
    a.t = transport_tcp_accept(&rig.loop, fds[0], &peer_events, &a);
    b.t = transport_tcp_accept(&rig.loop, fds[1], &peer_events, &b);
    size_t sent = 0;
    assert_int_equal(transport_write_room(a.t), LIMIT_TRANSPORT_OUT_BYTES);

    for (int quiet = 0; quiet < 20; quiet++) {
        size_t room = transport_write_room(a.t);
        assert_true(room <= LIMIT_TRANSPORT_OUT_BYTES);
        if (room > 0) {
            peer_write(&a, span_of(block, room));
            sent += room;
            quiet = 0;
        }
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(transport_write_room(a.t), 0);
    a.rooms = 0;
    peer_read_start(&b);
    RUN_UNTIL(&rig, a.rooms == 1);
    assert_true(transport_write_room(a.t) >= LIMIT_TRANSPORT_OUT_BYTES / 2);
    RUN_UNTIL(&rig, b.in.len == sent);

    peer_release(&a);
    peer_release(&b);
    rig_close(&rig);
}

static void close_delivers_what_is_pending_then_ends(void **state)
{
    struct rig rig;
    struct peer a, b;
    uint8_t *whole = mem_alloc(LIMIT_TRANSPORT_OUT_BYTES);
    (void)state;
    rig_open(&rig);
    open_pair(&rig, &a, &b);
    fill_pattern(whole, LIMIT_TRANSPORT_OUT_BYTES, 3);
    peer_write(&a, span_of(whole, LIMIT_TRANSPORT_OUT_BYTES));

    transport_close(&a.t);
    peer_read_start(&b);
    RUN_UNTIL(&rig, b.endings == 1);

    assert_int_equal(b.in.len, LIMIT_TRANSPORT_OUT_BYTES);
    assert_memory_equal(b.in.ptr, whole, LIMIT_TRANSPORT_OUT_BYTES);
    assert_int_equal(b.closings, 0);
    free(whole);
    peer_release(&a);
    peer_release(&b);
    rig_close(&rig);
}

/* A client that is still uploading must get the answer, not a reset. */
static void close_over_unread_input_does_not_destroy_the_output(void **state)
{
    struct rig rig;
    struct peer peer;
    static char upload[100000];
    char answer[16];
    int fd;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    assert_true(send(fd, upload, sizeof(upload), 0) > 0);
    peer_write(&peer, SPAN("413"));
    transport_close(&peer.t);

    for (int i = 0; i < 10; i++) {
        (void)!send(fd, upload, sizeof(upload), 0);
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
    }
    wait_readable(fd);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), 3);
    wait_readable(fd);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), 0);

    close(fd);
    peer_release(&peer);
    rig_close(&rig);
}

static void close_gives_up_on_a_peer_that_does_not_read_and_resets(void **state)
{
    struct rig rig;
    struct peer peer;
    static uint8_t block[LIMIT_TRANSPORT_OUT_BYTES];
    static char sink[65536];
    int fd;
    ssize_t got;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    for (int quiet = 0; quiet < 20; quiet++) {
        size_t room = transport_write_room(peer.t);
        if (room > 0)
            quiet = 0;
        peer_write(&peer, span_of(block, room));
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
    }

    transport_close(&peer.t);
    peer_release(&peer);
    rig_close(&rig); /* ends by itself after two seconds */

    do
        got = recv(fd, sink, sizeof(sink), 0);
    while (got > 0);
    assert_int_equal(got, -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
}

static void abort_throws_pending_away_and_resets(void **state)
{
    struct rig rig;
    struct peer peer;
    char sink[16];
    int fd;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    peer_write(&peer, SPAN("never sent"));

    transport_abort(&peer.t);
    uv_run(&rig.loop.uv, UV_RUN_NOWAIT);

    wait_readable(fd);
    assert_int_equal(recv(fd, sink, sizeof(sink), 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    peer_release(&peer);
    rig_close(&rig);
}

static void close_inside_on_bytes(void *owner, struct span bytes)
{
    struct peer *peer = owner;
    (void)bytes;
    peer->bytes_events++;
    transport_close(&peer->t);
}

static void owner_may_close_inside_its_own_event_and_hears_no_more(void **state)
{
    static const struct transport_events events = {close_inside_on_bytes, peer_on_room,
                                                   peer_on_ended, peer_on_closed};
    struct rig rig;
    struct peer peer;
    int fd;
    (void)state;
    rig_open(&rig);
    open_against_socket(&rig, &peer, &fd);
    transport_set_owner(peer.t, &events, &peer);
    peer_read_start(&peer);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    RUN_UNTIL(&rig, peer.bytes_events == 1);
    assert_int_equal(send(fd, "y", 1, 0), 1);
    close(fd);

    peer_release(&peer);
    rig_close(&rig);

    assert_int_equal(peer.bytes_events, 1);
    assert_int_equal(peer.endings + peer.closings, 0);
}

/* ---- dialling */

struct dialler {
    struct peer peer;
    int answers;
    enum err err;
    bool inside_verb;
};

static void dialler_dialled(void *owner, enum err err, struct transport *transport)
{
    struct dialler *dialler = owner;
    assert_false(dialler->inside_verb);
    dialler->answers++;
    dialler->err = err;
    dialler->peer.t = transport;
    if (transport)
        transport_set_owner(transport, &peer_events, &dialler->peer);
}

static struct tcp_dial *dial(struct rig *rig, struct dialler *dialler, const char *host, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
    *dialler = (struct dialler){.inside_verb = true};
    peer_init(&dialler->peer);
    struct tcp_dial *dialling = tcp_dial(&rig->loop, (void *)&address, dialler_dialled, dialler);
    dialler->inside_verb = false;
    return dialling;
}

static int open_listening(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (void *)&address, bytes), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (void *)&address, &bytes), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void dial_connects_and_the_transport_works(void **state)
{
    struct rig rig;
    struct dialler dialler;
    int port, fd;
    (void)state;
    rig_open(&rig);
    int listening = open_listening(&port);
    dial(&rig, &dialler, "127.0.0.1", port);

    RUN_UNTIL(&rig, dialler.answers == 1);
    assert_int_equal(dialler.err, ERR_OK);
    fd = accept(listening, NULL, NULL);
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    peer_read_start(&dialler.peer);
    RUN_UNTIL(&rig, dialler.peer.in.len == 5);

    close(fd);
    close(listening);
    peer_release(&dialler.peer);
    rig_close(&rig);
    assert_int_equal(dialler.answers, 1);
}

static void dial_to_a_closed_port_is_refused(void **state)
{
    struct rig rig;
    struct dialler dialler;
    int port;
    (void)state;
    rig_open(&rig);
    close(open_listening(&port));
    dial(&rig, &dialler, "127.0.0.1", port);

    RUN_UNTIL(&rig, dialler.answers == 1);

    assert_int_equal(dialler.err, ERR_ORIGIN_REFUSED);
    assert_null(dialler.peer.t);
    peer_release(&dialler.peer);
    rig_close(&rig);
}

static void dial_to_where_no_route_leads_is_unreachable(void **state)
{
    struct rig rig;
    struct dialler dialler;
    (void)state;
    rig_open(&rig);
    dial(&rig, &dialler, "255.255.255.255", 80);

    RUN_UNTIL(&rig, dialler.answers == 1);

    assert_int_equal(dialler.err, ERR_ORIGIN_UNREACHABLE);
    peer_release(&dialler.peer);
    rig_close(&rig);
}

static void cancelled_dial_answers_never(void **state)
{
    struct rig rig;
    struct dialler pending, failed;
    int port;
    (void)state;
    rig_open(&rig);
    int listening = open_listening(&port);
    struct tcp_dial *a = dial(&rig, &pending, "127.0.0.1", port);
    struct tcp_dial *b = dial(&rig, &failed, "255.255.255.255", 80);

    tcp_dial_cancel(&a);
    tcp_dial_cancel(&b);
    tcp_dial_cancel(&b);
    peer_release(&pending.peer);
    peer_release(&failed.peer);
    rig_close(&rig);

    assert_int_equal(pending.answers + failed.answers, 0);
    close(listening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(megabytes_arrive_exactly_whatever_the_pieces_and_pauses),
        cmocka_unit_test(nothing_is_read_before_start),
        cmocka_unit_test(end_of_the_peer_is_told_once_and_writing_still_works),
        cmocka_unit_test(reset_of_the_peer_is_told_as_io_exactly_once),
        cmocka_unit_test(failed_write_is_told_from_the_loop_though_nobody_reads),
        cmocka_unit_test(what_came_before_a_reset_is_read_though_writing_failed),
        cmocka_unit_test(output_is_bounded_and_room_is_told_when_half_has_gone),
        cmocka_unit_test(close_delivers_what_is_pending_then_ends),
        cmocka_unit_test(close_over_unread_input_does_not_destroy_the_output),
        cmocka_unit_test(close_gives_up_on_a_peer_that_does_not_read_and_resets),
        cmocka_unit_test(abort_throws_pending_away_and_resets),
        cmocka_unit_test(owner_may_close_inside_its_own_event_and_hears_no_more),
        cmocka_unit_test(dial_connects_and_the_transport_works),
        cmocka_unit_test(dial_to_a_closed_port_is_refused),
        cmocka_unit_test(dial_to_where_no_route_leads_is_unreachable),
        cmocka_unit_test(cancelled_dial_answers_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
