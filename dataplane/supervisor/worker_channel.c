/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_channel.c - frames to and from one worker, and how many are unanswered.
 */
#include "dataplane/supervisor/worker_channel.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/local_pipe.h"

#define BOARD_TAG 0x424f4152u

struct worker_channel {
    struct list_node node;      /* the board's */
    struct worker_board *board; /* NULL: nobody listens */
    struct loop *loop;
    const struct worker_channel_events *events;
    void *owner;
    struct local_pipe *pipe;
    struct frame_reader frames;
    struct deadline answer;
    uint64_t unanswered_count;
};

void worker_channel_say(struct worker_channel *channel, const struct message *message)
{
    struct buf out;
    buf_init(&out, FRAME_HEAD_BYTES + LIMIT_FRAME_BYTES);
    message_encode(message, &out);
    ASSERT(!out.overflowed);
    local_pipe_write(channel->pipe, buf_span(&out));
    mem_wipe(out.ptr, out.len); /* ticket keys go this way */
    buf_release(&out);
}

static void answer_late(struct deadline *deadline)
{
    struct worker_channel *channel = container_of(deadline, struct worker_channel, answer);
    channel->events->on_stuck(channel->owner);
}

static void hear_forgotten(struct worker_channel *channel)
{
    if (channel->unanswered_count == 0 || --channel->unanswered_count > 0)
        return;
    deadline_disarm(channel->loop, &channel->answer);
    channel->events->on_answered(channel->owner);
}

static void tell_members(struct worker_channel *channel, const struct message *message)
{
    struct worker_board *board = channel->board;
    for (size_t i = 0; board != NULL && i < board->member_count; i++)
        board->members[i].on_message(board->members[i].owner, channel, message);
    if (message->kind == MESSAGE_TICKET_KEYS)
        frame_reader_wipe(&channel->frames);
}

static void hear(struct worker_channel *channel, const struct message *message)
{
    switch ((int)message->kind) {
    case MESSAGE_WORKER_READY:
        channel->events->on_ready(channel->owner);
        break;
    case MESSAGE_ZONES_FORGOTTEN:
        hear_forgotten(channel);
        break;
    case MESSAGE_DRAIN:
        channel->events->on_draining(channel->owner);
        break;
    case MESSAGE_PROTOCOL:
    case MESSAGE_EVENT:
    case MESSAGE_TICKET_KEYS:
        tell_members(channel, message);
        break;
    default:
        log_warn("worker_message_unexpected", F_STR("message", message_name(message->kind)));
    }
}

static void pipe_bytes(void *owner, struct span bytes)
{
    struct worker_channel *channel = owner;
    struct frame frame;
    struct message message;
    struct problem problem;
    enum err err;
    frame_reader_feed(&channel->frames, bytes);
    while ((err = frame_reader_next(&channel->frames, &frame)) == ERR_OK) {
        err = message_decode(&frame, &message, &problem);
        if (err != ERR_OK)
            break;
        hear(channel, &message);
    }
    if (err == ERR_MORE)
        return;
    log_error("worker_channel_broken", F_ERR(err));
    channel->events->on_stuck(channel->owner);
}

static void pipe_closed(void *owner, enum err err)
{
    struct worker_channel *channel = owner;
    (void)err;
    channel->events->on_closed(channel->owner);
}

static const struct local_pipe_events pipe_events = {
    .on_bytes = pipe_bytes,
    .on_closed = pipe_closed,
};

void worker_board_init(struct worker_board *board, struct loop *loop)
{
    *board = (struct worker_board){.tag = BOARD_TAG};
    list_init(&board->channels);
    loop->uv.data = board;
}

void worker_board_join(struct worker_board *board, const struct worker_board_member *member)
{
    ASSERT(board->member_count < WORKER_BOARD_MEMBERS);
    board->members[board->member_count++] = *member;
}

void worker_board_tell(struct worker_board *board, const struct worker_channel *from,
                       const struct message *message)
{
    LIST_EACH(&board->channels, node)
    {
        struct worker_channel *channel = container_of(node, struct worker_channel, node);
        if (channel != from)
            worker_channel_say(channel, message);
    }
}

static void join_board(struct worker_channel *channel)
{
    channel->board = channel->loop->uv.data;
    if (channel->board == NULL)
        return;
    TAG_CHECK(channel->board, BOARD_TAG);
    list_push_back(&channel->board->channels, &channel->node);
    for (size_t i = 0; i < channel->board->member_count; i++)
        channel->board->members[i].on_opened(channel->board->members[i].owner, channel);
}

struct worker_channel *worker_channel_open(struct loop *loop, int fd,
                                           const struct worker_channel_events *events, void *owner)
{
    struct worker_channel *channel = mem_new(struct worker_channel);
    channel->loop = loop;
    channel->events = events;
    channel->owner = owner;
    frame_reader_init(&channel->frames);
    const struct local_pipe_options options = {
        .loop = loop,
        .events = &pipe_events,
        .owner = channel,
        .out_bytes_max = LIMIT_LINK_OUT_BYTES,
    };
    channel->pipe = local_pipe_open_fd(&options, fd);
    join_board(channel);
    return channel;
}

void worker_channel_close(struct worker_channel **channel)
{
    struct worker_channel *c = *channel;
    if (c == NULL)
        return;
    deadline_disarm(c->loop, &c->answer);
    if (c->board != NULL)
        list_remove(&c->board->channels, &c->node);
    local_pipe_close(&c->pipe);
    frame_reader_release(&c->frames);
    mem_free(channel);
}

void worker_channel_tell(struct worker_channel *channel, const struct message_zones_changed *what)
{
    struct message message = {.kind = MESSAGE_ZONES_CHANGED};
    message.zones_changed = *what;
    if (channel->unanswered_count++ == 0)
        deadline_arm(channel->loop, &channel->answer, LIMIT_WORKER_ANSWER_MS, answer_late);
    worker_channel_say(channel, &message);
}

void worker_channel_drain(struct worker_channel *channel, uint64_t timeout_ms)
{
    struct message message = {.kind = MESSAGE_DRAIN};
    message.drain.timeout_ms = timeout_ms;
    worker_channel_say(channel, &message);
}

void worker_channel_write(struct worker_channel *channel, struct span frames)
{
    local_pipe_write(channel->pipe, frames);
}

bool worker_channel_answered(const struct worker_channel *channel)
{
    return channel->unanswered_count == 0;
}
