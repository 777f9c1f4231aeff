/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticket_keys.c - makes, rotates and tells the keys of session tickets.
 */
#include "dataplane/supervisor/ticket_keys.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/random.h"

static void rotation_due(struct deadline *deadline);

static struct message said(const struct ticket_keys *keys)
{
    uint64_t lifetime_s = keys->rotation_ms / 1000;
    return (struct message){
        .kind = MESSAGE_TICKET_KEYS,
        .ticket_keys =
            {
                .lifetime_s = lifetime_s > 0 ? (uint32_t)lifetime_s : 1,
                .rotate_at_s = keys->rotate_at_s,
                .keys = span_of(keys->keys, keys->count * LIMIT_TICKET_KEY_BYTES),
            },
    };
}

static void tell_all(struct ticket_keys *keys, uint64_t rotation_in_ms)
{
    keys->rotate_at_s = clock_wall_s() + rotation_in_ms / 1000;
    deadline_arm(keys->loop, &keys->rotation, rotation_in_ms, rotation_due);
    const struct message message = said(keys);
    worker_board_tell(keys->board, NULL, &message);
}

/* The first time there is nothing to shift: two new keys, the next one and the current one. */
static void rotate(struct ticket_keys *keys)
{
    size_t made = keys->count == 0 ? 2 : 1;
    memmove(keys->keys[1], keys->keys[0], sizeof(keys->keys) - sizeof(keys->keys[0]));
    random_bytes(keys->keys, made * LIMIT_TICKET_KEY_BYTES);
    if (keys->count < LIMIT_TICKET_KEYS)
        keys->count += made;
    tell_all(keys, keys->rotation_ms);
}

static void rotation_due(struct deadline *deadline)
{
    struct ticket_keys *keys = container_of(deadline, struct ticket_keys, rotation);
    log_info("ticket_keys_rotated", F_BOOL("first", keys->count == 0));
    rotate(keys);
}

/* Clocks jump: no key is used for longer than one rotation from now. */
static uint64_t time_left_ms(const struct ticket_keys *keys, uint64_t rotate_at_s)
{
    uint64_t now_s = clock_wall_s();
    uint64_t left_ms = rotate_at_s > now_s ? (rotate_at_s - now_s) * 1000 : 0;
    return left_ms < keys->rotation_ms ? left_ms : keys->rotation_ms;
}

static void board_heard(void *owner, struct worker_channel *from, const struct message *message)
{
    struct ticket_keys *keys = owner;
    const struct message_ticket_keys *theirs = &message->ticket_keys;
    (void)from;
    if (message->kind != MESSAGE_TICKET_KEYS || keys->count > 0)
        return;
    memcpy(keys->keys, theirs->keys.ptr, theirs->keys.len);
    keys->count = theirs->keys.len / LIMIT_TICKET_KEY_BYTES;
    log_info("ticket_keys_adopted", F_U64("count", keys->count));
    tell_all(keys, time_left_ms(keys, theirs->rotate_at_s));
}

static void board_opened(void *owner, struct worker_channel *channel)
{
    const struct ticket_keys *keys = owner;
    const struct message message = said(keys);
    if (keys->count > 0)
        worker_channel_say(channel, &message);
}

void ticket_keys_init(struct ticket_keys *keys, const struct ticket_keys_options *options)
{
    const struct worker_board_member member = {board_heard, board_opened, keys};
    *keys = (struct ticket_keys){
        .loop = options->loop, .board = options->board, .rotation_ms = options->rotation_ms};
    worker_board_join(options->board, &member);
    if (options->awaited)
        deadline_arm(keys->loop, &keys->rotation, LIMIT_ADOPT_MS, rotation_due);
    else
        rotate(keys);
}

void ticket_keys_release(struct ticket_keys *keys)
{
    deadline_disarm(keys->loop, &keys->rotation);
    mem_wipe(keys->keys, sizeof(keys->keys));
    keys->count = 0;
}
