/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_origin_news.c - two workers' channels on one loop: what one says, the other hears.
 */
#include "dataplane/supervisor/origin_news.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/common/model/cmocka_all.h"

#define WORKERS 2

static struct loop loop;
static struct worker_board board;
static struct origin_news news;
static struct worker_channel *channels[WORKERS];
static int workers[WORKERS];
static unsigned said_count, last_port;
static char dir[64];

static void note_said(void *owner, const struct message *message)
{
    (void)owner;
    assert_int_equal(message->kind, MESSAGE_EVENT);
    said_count++;
    char text[ORIGIN_PLACE_TEXT_BYTES];
    assert_true(span_to_cstr(message->event.of.origin, text, sizeof(text)));
    assert_int_equal(sscanf(text, "192.0.2.1:%u", &last_port), 1);
    assert_true(span_equal(message->event.of.sni, SPAN("www.example.com")));
}

static void ignore(void *owner)
{
    (void)owner;
}

static const struct worker_channel_events events = {ignore, ignore, ignore, ignore, ignore};

static void open_channel(size_t i)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    channels[i] = worker_channel_open(&loop, pair[0], &events, NULL);
    workers[i] = pair[1];
}

static int open_news(void **state)
{
    (void)state;
    char path[96];
    snprintf(dir, sizeof(dir), "/tmp/news-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/protocols.db", dir);
    assert_int_equal(loop_open(&loop), ERR_OK);
    worker_board_init(&board, &loop);
    origin_news_init(&news, &board, protocol_memory_open(path));
    news.say = note_said;
    said_count = 0;
    for (size_t i = 0; i < WORKERS; i++)
        open_channel(i);
    return 0;
}

static int close_news(void **state)
{
    (void)state;
    char command[96];
    for (size_t i = 0; i < WORKERS; i++) {
        worker_channel_close(&channels[i]);
        close(workers[i]);
    }
    loop_run(&loop);
    origin_news_release(&news);
    loop_close(&loop);
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

static void worker_says(size_t i, const struct message *message)
{
    struct buf out;
    buf_init(&out, 4096);
    message_encode(message, &out);
    assert_int_equal(write(workers[i], out.ptr, out.len), (ssize_t)out.len);
    buf_release(&out);
}

static void worker_says_event(size_t i, unsigned port)
{
    char origin[32];
    snprintf(origin, sizeof(origin), "192.0.2.1:%u", port);
    struct message message = {.kind = MESSAGE_EVENT};
    message.event.of = (struct origin_event){.zone_id = id_new(),
                                             .reason = ORIGIN_REASON_H2_NO_SETTINGS,
                                             .origin = span_str(origin),
                                             .sni = SPAN("www.example.com")};
    worker_says(i, &message);
}

static void turn(void)
{
    for (int i = 0; i < 3; i++)
        uv_run(&loop.uv, UV_RUN_NOWAIT);
}

static size_t worker_hears(size_t i, struct message *out)
{
    uint8_t bytes[4096];
    ssize_t len;
    for (int tries = 0; tries < 100; tries++) {
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        len = recv(workers[i], bytes, sizeof(bytes), MSG_DONTWAIT);
        if (len > 0)
            break;
    }
    if (len <= 0)
        return 0;
    const struct frame frame = {
        .kind = bytes[4],
        .payload = span_of(bytes + FRAME_HEAD_BYTES, (size_t)len - FRAME_HEAD_BYTES)};
    assert_int_equal(message_decode(&frame, out, NULL), ERR_OK);
    return (size_t)len;
}

static const struct message learned = {.kind = MESSAGE_PROTOCOL,
                                       .protocol = {.learned = {.origin = {.bytes = {1}},
                                                                .fact = ORIGIN_FACT_H2,
                                                                .until_s = MESSAGE_WALL_MAX_S}}};

static void what_one_worker_learns_the_others_hear(void **state)
{
    (void)state;
    struct message heard;
    worker_says(0, &learned);
    assert_true(worker_hears(1, &heard) > 0);
    assert_int_equal(heard.protocol.learned.fact, ORIGIN_FACT_H2);
    assert_int_equal(worker_hears(0, &heard), 0);
}

static void a_new_worker_hears_what_is_known(void **state)
{
    (void)state;
    struct message heard;
    worker_says(0, &learned);
    assert_true(worker_hears(1, &heard) > 0);
    worker_channel_close(&channels[1]);
    close(workers[1]);
    open_channel(1);
    assert_true(worker_hears(1, &heard) > 0);
    assert_int_equal(heard.kind, MESSAGE_PROTOCOL);
    assert_int_equal(heard.protocol.learned.origin.bytes[0], 1);
}

static void events_go_to_control_at_once_when_there_is_a_link(void **state)
{
    (void)state;
    origin_news_linked(&news);
    worker_says_event(0, 443);
    while (said_count == 0)
        uv_run(&loop.uv, UV_RUN_ONCE);
    assert_int_equal(last_port, 443);
}

static void events_wait_for_the_link_and_the_oldest_are_dropped(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= LIMIT_ORIGIN_EVENTS_WAITING + 5; i++) {
        worker_says_event(0, i);
        turn();
    }
    while (news.dropped_count < 5)
        uv_run(&loop.uv, UV_RUN_ONCE);
    assert_int_equal(said_count, 0);
    origin_news_linked(&news);
    assert_int_equal(said_count, LIMIT_ORIGIN_EVENTS_WAITING);
    assert_int_equal(last_port, LIMIT_ORIGIN_EVENTS_WAITING + 5);
    origin_news_unlinked(&news);
    worker_says_event(1, 7);
    while (news.waiting.count == 0)
        uv_run(&loop.uv, UV_RUN_ONCE);
    assert_int_equal(said_count, LIMIT_ORIGIN_EVENTS_WAITING);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_news, close_news)
    const struct CMUnitTest tests[] = {
        CASE(what_one_worker_learns_the_others_hear),
        CASE(a_new_worker_hears_what_is_known),
        CASE(events_go_to_control_at_once_when_there_is_a_link),
        CASE(events_wait_for_the_link_and_the_oldest_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
