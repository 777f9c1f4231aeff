/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor_channel.c - frames to and from the supervisor, and the search for the next one.
 */
#include "dataplane/worker/supervisor_channel.h"

#include <stdalign.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "dataplane/net/local_pipe.h"

#define SEARCH_MS 50
#define OUT_BYTES_MAX 65536
#define ANSWER_BYTES_MAX 1024

struct supervisor_channel {
    struct supervisor_channel_options options;
    struct local_pipe *pipe; /* NULL: orphan */
    struct frame_reader frames;
    uv_timer_t search;
    struct buf ticket_keys; /* the message as it was heard last, for the next supervisor */
    bool draining;
};

static void look_for_supervisor(uv_timer_t *timer);

static void search_later(struct supervisor_channel *channel)
{
    if (!channel->draining)
        uv_timer_start(&channel->search, look_for_supervisor, SEARCH_MS + random_below(SEARCH_MS),
                       0);
}

static void send_message(struct supervisor_channel *channel, const struct message *message)
{
    struct buf out;
    if (channel->pipe == NULL)
        return;
    buf_init(&out, ANSWER_BYTES_MAX);
    message_encode(message, &out);
    ASSERT(!out.overflowed);
    local_pipe_write(channel->pipe, buf_span(&out));
    buf_release(&out);
}

static void keep_ticket_keys(struct supervisor_channel *channel, const struct message *message)
{
    mem_wipe(channel->ticket_keys.ptr, channel->ticket_keys.len);
    buf_clear(&channel->ticket_keys);
    message_encode(message, &channel->ticket_keys);
    ASSERT(!channel->ticket_keys.overflowed);
    channel->options.events->ticket_keys(channel->options.owner, &message->ticket_keys);
    frame_reader_wipe(&channel->frames);
}

static void hear(struct supervisor_channel *channel, const struct message *message)
{
    struct message answer = {.kind = MESSAGE_ZONES_FORGOTTEN};
    switch ((int)message->kind) {
    case MESSAGE_ZONES_CHANGED:
        channel->options.events->zones_changed(channel->options.owner, &message->zones_changed);
        answer.zones_forgotten.revision = message->zones_changed.revision;
        send_message(channel, &answer);
        break;
    case MESSAGE_DRAIN:
        channel->options.events->drain(channel->options.owner, message->drain.timeout_ms);
        break;
    case MESSAGE_PROTOCOL:
        channel->options.events->learned(channel->options.owner, &message->protocol.learned);
        break;
    case MESSAGE_TICKET_KEYS:
        keep_ticket_keys(channel, message);
        break;
    default:
        log_warn("supervisor_message_unexpected", F_STR("message", message_name(message->kind)));
    }
}

static void orphaned(struct supervisor_channel *channel, enum err err)
{
    local_pipe_close(&channel->pipe);
    frame_reader_release(&channel->frames);
    log_warn("supervisor_lost", F_ERR(err));
    search_later(channel);
}

static void pipe_bytes(void *owner, struct span bytes)
{
    struct supervisor_channel *channel = owner;
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
    if (err != ERR_MORE)
        orphaned(channel, err);
}

static void pipe_closed(void *owner, enum err err)
{
    orphaned(owner, err);
}

static const struct local_pipe_events pipe_events = {
    .on_bytes = pipe_bytes,
    .on_closed = pipe_closed,
};

static void open_pipe(struct supervisor_channel *channel, int fd)
{
    const struct local_pipe_options options = {
        .loop = channel->options.loop,
        .events = &pipe_events,
        .owner = channel,
        .out_bytes_max = OUT_BYTES_MAX,
    };
    frame_reader_init(&channel->frames);
    channel->pipe = local_pipe_open_fd(&options, fd);
}

/* ---- orphaned */

static bool send_adopt(const struct supervisor_channel *channel, int fd)
{
    const int fds[] = {channel->options.https_fd, channel->options.http_fd,
                       channel->options.counters_fd};
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fds))] = {0};
    struct message adopt = {.kind = MESSAGE_ADOPT};
    struct buf out;
    adopt.adopt.pid = (uint32_t)getpid();
    adopt.adopt.slot = channel->options.slot;
    adopt.adopt.identity = channel->options.identity;
    buf_init(&out, ANSWER_BYTES_MAX);
    message_encode(&adopt, &out);
    struct iovec part = {.iov_base = out.ptr, .iov_len = out.len};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(fds));
    memcpy(CMSG_DATA(rights), fds, sizeof(fds));
    bool sent = sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)out.len;
    buf_release(&out);
    return sent;
}

/* Connecting to a Unix socket and sending one small frame never waits. */
static void look_for_supervisor(uv_timer_t *timer)
{
    struct supervisor_channel *channel = timer->data;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    text_format(address.sun_path, sizeof(address.sun_path), "%s", channel->options.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        send_adopt(channel, fd)) {
        log_info("supervisor_found", F_STR("socket", channel->options.path));
        open_pipe(channel, fd);
        local_pipe_write(channel->pipe, buf_span(&channel->ticket_keys));
        return;
    }
    if (fd >= 0)
        close(fd);
    search_later(channel);
}

/* ---- the channel */

struct supervisor_channel *supervisor_channel_open(const struct supervisor_channel_options *options)
{
    struct supervisor_channel *channel = mem_new(struct supervisor_channel);
    channel->options = *options;
    buf_init(&channel->ticket_keys, ANSWER_BYTES_MAX);
    uv_timer_init(&options->loop->uv, &channel->search);
    channel->search.data = channel;
    open_pipe(channel, options->fd);
    return channel;
}

static void search_closed(uv_handle_t *handle)
{
    struct supervisor_channel *channel = handle->data;
    mem_free(&channel);
}

void supervisor_channel_close(struct supervisor_channel **channel)
{
    struct supervisor_channel *c = *channel;
    if (c == NULL)
        return;
    *channel = NULL;
    local_pipe_close(&c->pipe);
    frame_reader_release(&c->frames);
    mem_wipe(c->ticket_keys.ptr, c->ticket_keys.len);
    buf_release(&c->ticket_keys);
    uv_close((uv_handle_t *)&c->search, search_closed);
}

void supervisor_channel_ready(struct supervisor_channel *channel)
{
    struct message ready = {.kind = MESSAGE_WORKER_READY};
    ready.worker_ready.pid = (uint32_t)getpid();
    send_message(channel, &ready);
}

void supervisor_channel_draining(struct supervisor_channel *channel, bool tell_supervisor)
{
    struct message drain = {.kind = MESSAGE_DRAIN};
    channel->draining = true;
    uv_timer_stop(&channel->search);
    if (tell_supervisor)
        send_message(channel, &drain);
}

void supervisor_channel_tell_learned(struct supervisor_channel *channel,
                                     const struct origin_knowledge *what)
{
    send_message(channel,
                 &(struct message){.kind = MESSAGE_PROTOCOL, .protocol = {.learned = *what}});
}

void supervisor_channel_tell_decided(struct supervisor_channel *channel,
                                     const struct origin_event *event)
{
    send_message(channel, &(struct message){.kind = MESSAGE_EVENT, .event = {.of = *event}});
}
