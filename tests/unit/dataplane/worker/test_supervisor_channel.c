/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_supervisor_channel.c - both ends of a worker's channel on one loop.
 */
#include "dataplane/worker/supervisor_channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/net/counter_pages.h"
#include "dataplane/net/listen.h"
#include "dataplane/supervisor/adoption.h"
#include "dataplane/supervisor/worker_channel.h"

struct rig {
    struct loop loop;
    struct worker_channel *above;
    struct supervisor_channel *below;
    char dir[64], path[96];
    int https_fd, http_fd;
    struct counter_pages counters;
    unsigned ready, answered, draining, stuck, closed; /* heard above */
    unsigned changes, drains;                          /* heard below */
    uint64_t changed_revision, drain_ms;
    size_t changed_zones;
    bool changed_all;
    struct worker_board board;
    struct origin_knowledge learned_below, learned_above;
    unsigned learned, told, events;
    enum origin_reason reason;
    unsigned key_messages;
    uint8_t keys_below[2 * LIMIT_TICKET_KEY_BYTES], keys_above[2 * LIMIT_TICKET_KEY_BYTES];
};

#define HEARD_ABOVE(event)                 \
    static void above_##event(void *owner) \
    {                                      \
        ((struct rig *)owner)->event++;    \
    }
HEARD_ABOVE(ready)
HEARD_ABOVE(answered)
HEARD_ABOVE(draining)
HEARD_ABOVE(stuck)

static void above_closed(void *owner)
{
    struct rig *rig = owner;
    rig->closed++;
    worker_channel_close(&rig->above);
}

static const struct worker_channel_events above_events = {
    .on_ready = above_ready,
    .on_answered = above_answered,
    .on_draining = above_draining,
    .on_stuck = above_stuck,
    .on_closed = above_closed,
};

static void below_changed(void *owner, const struct message_zones_changed *what)
{
    struct rig *rig = owner;
    rig->changes++;
    rig->changed_revision = what->revision;
    rig->changed_zones = what->zone_count;
    rig->changed_all = what->all;
}

static void below_drain(void *owner, uint64_t timeout_ms)
{
    struct rig *rig = owner;
    rig->drains++;
    rig->drain_ms = timeout_ms;
}

static void below_learned(void *owner, const struct origin_knowledge *what)
{
    struct rig *rig = owner;
    rig->learned++;
    rig->learned_below = *what;
}

static void board_message(void *owner, struct worker_channel *from, const struct message *message)
{
    struct rig *rig = owner;
    assert_ptr_equal(from, rig->above);
    if (message->kind == MESSAGE_EVENT) {
        rig->events++;
        rig->reason = message->event.of.reason;
        assert_true(span_equal(message->event.of.origin, SPAN("192.0.2.1:443")));
        return;
    }
    rig->told++;
    if (message->kind == MESSAGE_TICKET_KEYS) {
        assert_int_equal(message->ticket_keys.keys.len, sizeof(rig->keys_above));
        memcpy(rig->keys_above, message->ticket_keys.keys.ptr, sizeof(rig->keys_above));
        return;
    }
    rig->learned_above = message->protocol.learned;
}

static void board_opened(void *owner, struct worker_channel *channel)
{
    (void)owner;
    (void)channel;
}

static void below_ticket_keys(void *owner, const struct message_ticket_keys *what)
{
    struct rig *rig = owner;
    rig->key_messages++;
    assert_int_equal(what->keys.len, sizeof(rig->keys_below));
    memcpy(rig->keys_below, what->keys.ptr, what->keys.len);
}

static const struct supervisor_channel_events below_events = {below_changed, below_drain,
                                                              below_learned, below_ticket_keys};

static int open_rig(void **state)
{
    static struct rig rig;
    struct problem problem;
    int pair[2];
    rig = (struct rig){.dir = "/tmp/channel-XXXXXX"};
    assert_non_null(mkdtemp(rig.dir));
    snprintf(rig.path, sizeof(rig.path), "%s/supervisor.sock", rig.dir);
    assert_int_equal(loop_open(&rig.loop), ERR_OK);
    worker_board_init(&rig.board, &rig.loop);
    worker_board_join(&rig.board, &(struct worker_board_member){board_message, board_opened, &rig});
    assert_int_equal(listen_bind("127.0.0.1:0", &rig.https_fd, &problem), ERR_OK);
    assert_int_equal(listen_bind("127.0.0.1:0", &rig.http_fd, &problem), ERR_OK);
    assert_int_equal(counter_pages_make(&rig.counters, &problem), ERR_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    rig.above = worker_channel_open(&rig.loop, pair[0], &above_events, &rig);
    const struct supervisor_channel_options options = {
        .loop = &rig.loop,
        .fd = pair[1],
        .https_fd = rig.https_fd,
        .http_fd = rig.http_fd,
        .counters_fd = rig.counters.fd,
        .slot = 3,
        .path = rig.path,
        .events = &below_events,
        .owner = &rig,
    };
    rig.below = supervisor_channel_open(&options);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    char command[96];
    worker_channel_close(&rig->above);
    supervisor_channel_close(&rig->below);
    loop_run(&rig->loop);
    loop_close(&rig->loop);
    close(rig->https_fd);
    close(rig->http_fd);
    counter_pages_release(&rig->counters);
    snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
    assert_int_equal(system(command), 0);
    return 0;
}

#define UNTIL(condition) \
    while (!(condition)) \
    uv_run(&rig->loop.uv, UV_RUN_ONCE)

static void a_worker_says_when_it_accepts(void **state)
{
    struct rig *rig = *state;
    supervisor_channel_ready(rig->below);
    UNTIL(rig->ready == 1);
}

static void what_is_learned_goes_up_to_the_board_and_down_from_it(void **state)
{
    struct rig *rig = *state;
    const struct origin_knowledge what = {
        .origin = {.bytes = {7}}, .fact = ORIGIN_FACT_H2, .until_s = 1700000000};
    supervisor_channel_tell_learned(rig->below, &what);
    UNTIL(rig->told == 1);
    assert_int_equal(rig->learned_above.fact, ORIGIN_FACT_H2);
    assert_true(digest_equal(&rig->learned_above.origin, &what.origin));

    const struct message same = {.kind = MESSAGE_PROTOCOL, .protocol = {.learned = what}};
    worker_board_tell(&rig->board, rig->above, &same); /* where it came from: nothing */
    worker_board_tell(&rig->board, NULL, &same);
    UNTIL(rig->learned == 1);
    assert_int_equal(rig->learned_below.until_s, 1700000000);
}

static void what_was_decided_goes_up(void **state)
{
    struct rig *rig = *state;
    const struct origin_event event = {.zone_id = id_new(),
                                       .reason = ORIGIN_REASON_H2_RESETS,
                                       .at_s = 1700000000,
                                       .until_s = 1700000060,
                                       .origin = SPAN("192.0.2.1:443"),
                                       .sni = SPAN_EMPTY};
    supervisor_channel_tell_decided(rig->below, &event);
    UNTIL(rig->events == 1);
    assert_int_equal(rig->reason, ORIGIN_REASON_H2_RESETS);
}

static void every_question_is_answered(void **state)
{
    struct rig *rig = *state;
    struct id ids[2] = {id_new(), id_new()};
    char text[2 * ID_TEXT_BYTES];
    memcpy(text, ids[0].text, ID_TEXT_BYTES);
    memcpy(text + ID_TEXT_BYTES, ids[1].text, ID_TEXT_BYTES);
    const struct message_zones_changed two = {
        .revision = 41, .zone_ids = span_of(text, sizeof(text)), .zone_count = 2};
    const struct message_zones_changed all = {.revision = 42, .all = true};
    assert_true(worker_channel_answered(rig->above));

    worker_channel_tell(rig->above, &two);
    worker_channel_tell(rig->above, &all);
    assert_false(worker_channel_answered(rig->above));
    UNTIL(rig->answered == 1);

    assert_true(worker_channel_answered(rig->above));
    assert_int_equal(rig->changes, 2);
    assert_int_equal(rig->changed_revision, 42);
    assert_true(rig->changed_all);
    assert_int_equal(rig->stuck, 0);
}

static void a_drain_carries_its_patience(void **state)
{
    struct rig *rig = *state;
    worker_channel_drain(rig->above, 1500);
    UNTIL(rig->drains == 1);
    assert_int_equal(rig->drain_ms, 1500);
}

static void a_worker_that_drains_by_itself_says_so(void **state)
{
    struct rig *rig = *state;
    supervisor_channel_draining(rig->below, true);
    UNTIL(rig->draining == 1);
}

static void the_end_of_a_worker_is_heard(void **state)
{
    struct rig *rig = *state;
    supervisor_channel_close(&rig->below);
    UNTIL(rig->closed == 1);
}

static void an_orphan_hands_its_sockets_to_the_next_supervisor(void **state)
{
    struct rig *rig = *state;
    struct problem problem;
    struct adopted adopted;
    char ours[64], theirs[64];
    struct adoption_door door = {.worker_uid = geteuid()};
    worker_channel_close(&rig->above);
    assert_int_equal(adoption_listen(rig->dir, &door.fd, &problem), ERR_OK);

    UNTIL(adoption_accept(&door, &adopted) == ERR_OK);

    assert_int_equal(adopted.slot, 3);
    assert_int_equal(adopted.pid, getpid());
    listen_address(rig->https_fd, ours, sizeof(ours));
    listen_address(adopted.https_fd, theirs, sizeof(theirs));
    assert_string_equal(ours, theirs);
    close(adopted.https_fd);
    close(adopted.http_fd);
    close(adopted.counters_fd);
    close(door.fd);
    rig->above = worker_channel_open(&rig->loop, adopted.channel_fd, &above_events, rig);
    worker_channel_tell(rig->above, &(struct message_zones_changed){.all = true});
    UNTIL(rig->answered == 1);
}

static void an_orphan_tells_the_next_supervisor_the_ticket_keys(void **state)
{
    struct rig *rig = *state;
    struct problem problem;
    struct adopted adopted;
    uint8_t keys[2 * LIMIT_TICKET_KEY_BYTES] = {1, 2, 3};
    struct adoption_door door = {.worker_uid = geteuid()};
    const struct message message = {
        .kind = MESSAGE_TICKET_KEYS,
        .ticket_keys = {.lifetime_s = 60, .keys = span_of(keys, sizeof(keys))}};
    worker_channel_say(rig->above, &message);
    UNTIL(rig->key_messages == 1);
    assert_memory_equal(rig->keys_below, keys, sizeof(keys));
    worker_channel_close(&rig->above);
    assert_int_equal(adoption_listen(rig->dir, &door.fd, &problem), ERR_OK);
    UNTIL(adoption_accept(&door, &adopted) == ERR_OK);
    close(adopted.https_fd);
    close(adopted.http_fd);
    close(adopted.counters_fd);
    close(door.fd);
    rig->above = worker_channel_open(&rig->loop, adopted.channel_fd, &above_events, rig);
    UNTIL(rig->told == 1);
    assert_memory_equal(rig->keys_above, keys, sizeof(keys));
}

static void a_draining_orphan_looks_for_nobody(void **state)
{
    struct rig *rig = *state;
    supervisor_channel_draining(rig->below, false);
    worker_channel_close(&rig->above);
    /* Nothing keeps the loop going: no timer searches. */
    loop_run(&rig->loop);
}

#define IN_A_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_RIG(a_worker_says_when_it_accepts),
        IN_A_RIG(every_question_is_answered),
        IN_A_RIG(what_is_learned_goes_up_to_the_board_and_down_from_it),
        IN_A_RIG(what_was_decided_goes_up),
        IN_A_RIG(a_drain_carries_its_patience),
        IN_A_RIG(a_worker_that_drains_by_itself_says_so),
        IN_A_RIG(the_end_of_a_worker_is_heard),
        IN_A_RIG(an_orphan_hands_its_sockets_to_the_next_supervisor),
        IN_A_RIG(an_orphan_tells_the_next_supervisor_the_ticket_keys),
        IN_A_RIG(a_draining_orphan_looks_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
