/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ticket_keys.c - what workers are told of the keys of session tickets, and when.
 */
#include "dataplane/supervisor/ticket_keys.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/unit/common/model/cmocka_all.h"

#define ROTATION_MS 3600000

static struct loop loop;
static struct worker_board board;
static struct ticket_keys keys;
static struct worker_channel *channel;
static int worker;
static struct frame_reader frames;

static void ignore(void *owner)
{
    (void)owner;
}

static const struct worker_channel_events events = {ignore, ignore, ignore, ignore, ignore};

static void open_channel(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    channel = worker_channel_open(&loop, pair[0], &events, NULL);
    worker = pair[1];
    frame_reader_init(&frames);
}

static void close_channel(void)
{
    worker_channel_close(&channel);
    close(worker);
    frame_reader_release(&frames);
}

static void open_keys(uint64_t rotation_ms, bool awaited)
{
    const struct ticket_keys_options options = {&loop, &board, rotation_ms, awaited};
    assert_int_equal(loop_open(&loop), ERR_OK);
    worker_board_init(&board, &loop);
    ticket_keys_init(&keys, &options);
    open_channel();
}

static void close_keys(void)
{
    close_channel();
    ticket_keys_release(&keys);
    for (size_t i = 0; i < sizeof(keys.keys); i++)
        assert_int_equal(((const uint8_t *)keys.keys)[i], 0);
    loop_run(&loop);
    loop_close(&loop);
}

/* What the worker hears next; its keys are copied. */
static struct message_ticket_keys hear(uint8_t copy[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES])
{
    static uint8_t bytes[4096];
    struct frame frame;
    struct message message;
    while (frame_reader_next(&frames, &frame) != ERR_OK) {
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        ssize_t len = recv(worker, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (len > 0)
            frame_reader_feed(&frames, span_of(bytes, (size_t)len));
    }
    assert_int_equal(message_decode(&frame, &message, NULL), ERR_OK);
    assert_int_equal(message.kind, MESSAGE_TICKET_KEYS);
    memcpy(copy, message.ticket_keys.keys.ptr, message.ticket_keys.keys.len);
    return message.ticket_keys;
}

static void say(const uint8_t *bytes, size_t count, uint64_t rotate_at_s)
{
    struct buf out;
    const struct message message = {
        .kind = MESSAGE_TICKET_KEYS,
        .ticket_keys = {.lifetime_s = 3600,
                        .rotate_at_s = rotate_at_s,
                        .keys = span_of(bytes, count * LIMIT_TICKET_KEY_BYTES)}};
    buf_init(&out, 4096);
    message_encode(&message, &out);
    assert_int_equal(write(worker, out.ptr, out.len), (ssize_t)out.len);
    buf_release(&out);
}

static void a_worker_is_told_when_its_channel_opens(void **state)
{
    uint8_t first[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    uint8_t second[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    (void)state;
    open_keys(ROTATION_MS, false);

    struct message_ticket_keys heard = hear(first);
    assert_int_equal(heard.keys.len, 2 * LIMIT_TICKET_KEY_BYTES);
    assert_int_equal(heard.lifetime_s, 3600);
    assert_true(heard.rotate_at_s > clock_wall_s());
    assert_memory_not_equal(first[0], first[1], LIMIT_TICKET_KEY_BYTES);
    close_channel();
    open_channel();
    (void)hear(second);

    assert_memory_equal(first, second, 2 * LIMIT_TICKET_KEY_BYTES);
    close_keys();
}

static void rotation_moves_every_key_down_and_makes_one(void **state)
{
    uint8_t before[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    uint8_t after[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    (void)state;
    open_keys(20, false);

    struct message_ticket_keys heard = hear(before);
    for (int i = 0; i < 4; i++) {
        size_t kept = heard.keys.len;
        heard = hear(after);
        assert_int_equal(heard.keys.len, LIMIT_TICKET_KEYS * LIMIT_TICKET_KEY_BYTES);
        if (kept > sizeof(after) - sizeof(after[0]))
            kept = sizeof(after) - sizeof(after[0]);
        assert_memory_equal(after[1], before, kept);
        assert_memory_not_equal(after[0], before[0], LIMIT_TICKET_KEY_BYTES);
        memcpy(before, after, sizeof(after));
    }
    close_keys();
}

static void an_orphans_keys_are_taken_over_once(void **state)
{
    static const uint8_t theirs[3][LIMIT_TICKET_KEY_BYTES] = {{1}, {2}, {3}};
    static const uint8_t others[2][LIMIT_TICKET_KEY_BYTES] = {{4}, {5}};
    uint8_t heard[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    (void)state;
    open_keys(ROTATION_MS, true);

    say(theirs[0], 3, clock_wall_s() + 600);
    struct message_ticket_keys said = hear(heard);
    assert_int_equal(said.keys.len, sizeof(theirs));
    assert_memory_equal(heard, theirs, sizeof(theirs));
    assert_in_range(said.rotate_at_s, clock_wall_s() + 590, clock_wall_s() + 610);
    say(others[0], 2, clock_wall_s() + 600);
    for (int i = 0; i < 5; i++)
        uv_run(&loop.uv, UV_RUN_NOWAIT);

    assert_int_equal(keys.count, 3);
    assert_memory_equal(keys.keys, theirs, sizeof(theirs));
    close_keys();
}

static void a_clock_that_jumped_makes_no_key_live_longer(void **state)
{
    static const uint8_t theirs[2][LIMIT_TICKET_KEY_BYTES] = {{1}, {2}};
    uint8_t heard[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    (void)state;
    open_keys(ROTATION_MS, true);

    say(theirs[0], 2, clock_wall_s() + 86400);
    struct message_ticket_keys said = hear(heard);

    assert_in_range(said.rotate_at_s, clock_wall_s(), clock_wall_s() + ROTATION_MS / 1000);
    close_keys();
}

static void without_a_word_of_an_orphan_keys_are_made(void **state)
{
    uint8_t heard[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    (void)state;
    open_keys(ROTATION_MS, true);
    assert_int_equal(keys.count, 0);

    struct message_ticket_keys said = hear(heard); /* after LIMIT_ADOPT_MS */

    assert_int_equal(said.keys.len, 2 * LIMIT_TICKET_KEY_BYTES);
    close_keys();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_is_told_when_its_channel_opens),
        cmocka_unit_test(rotation_moves_every_key_down_and_makes_one),
        cmocka_unit_test(an_orphans_keys_are_taken_over_once),
        cmocka_unit_test(a_clock_that_jumped_makes_no_key_live_longer),
        cmocka_unit_test(without_a_word_of_an_orphan_keys_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
