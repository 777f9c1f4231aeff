/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_channel.h - the supervisor's end of the frames between it and one worker.
 *
 *      supervisor                      worker
 *      ZONES_CHANGED {revision} -->           forget, then
 *                               <--  ZONES_FORGOTTEN {revision}
 *      DRAIN {timeout}          -->
 *                               <--  WORKER_READY: accepting
 *                               <--  DRAIN: somebody sent me SIGTERM, replace me
 *
 *      PROTOCOL {origin, fact}  <->           knows it too     \ heard by the board,
 *                               <--  EVENT: decided something  | whoever's process it is
 *      TICKET_KEYS              <->           an orphan's       /
 *
 * Answers come in the order of the questions, so that counting them is enough: a worker follows
 * all that it was told once none is unanswered.
 *
 * Limits: LIMIT_WORKER_ANSWER_MS: a worker that does not answer in time is reported as stuck.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_CHANNEL_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_CHANNEL_H

#include "common/wire/message.h"
#include "dataplane/net/loop.h"

struct worker_channel;

/* None of them may close the channel, but on_closed. */
struct worker_channel_events {
    void (*on_ready)(void *owner);
    void (*on_answered)(void *owner); /* nothing is unanswered now */
    void (*on_draining)(void *owner);
    void (*on_stuck)(void *owner);
    void (*on_closed)(void *owner); /* last */
};

/* Who wants to know what workers say that is not about their own process. */
struct worker_board_member {
    /* Of any kind: what is not his he passes over. */
    void (*on_message)(void *owner, struct worker_channel *from, const struct message *message);
    void (*on_opened)(void *owner, struct worker_channel *channel); /* no answer was read yet */
    void *owner;
};

#define WORKER_BOARD_MEMBERS 2

/* Where all channels of one loop meet.  It is found at loop->uv.data, so that whoever opens a
 * channel need not know of it. */
struct worker_board {
    uint32_t tag;
    struct list channels;
    struct worker_board_member members[WORKER_BOARD_MEMBERS];
    size_t member_count;
};

/* Before the first channel opens on this loop; outlives the last. */
void worker_board_init(struct worker_board *board, struct loop *loop);
void worker_board_join(struct worker_board *board, const struct worker_board_member *member);
/* The same message to all channels but `from`, which may be NULL. */
void worker_board_tell(struct worker_board *board, const struct worker_channel *from,
                       const struct message *message);

/* Takes fd. */
struct worker_channel *worker_channel_open(struct loop *loop, int fd,
                                           const struct worker_channel_events *events, void *owner);
/* Leaves NULL behind; NULL is fine. */
void worker_channel_close(struct worker_channel **channel);

void worker_channel_tell(struct worker_channel *channel, const struct message_zones_changed *what);
void worker_channel_drain(struct worker_channel *channel, uint64_t timeout_ms);
/* Frames that expect no answer. */
void worker_channel_write(struct worker_channel *channel, struct span frames);
/* A message that expects no answer. */
void worker_channel_say(struct worker_channel *channel, const struct message *message);
bool worker_channel_answered(const struct worker_channel *channel);

#endif
