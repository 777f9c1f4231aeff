/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_link.c - one timer: while connected it beats, while not it dials.
 */
#include "dataplane/supervisor/control_link.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "dataplane/net/local_pipe.h"

#define BACKOFF_FIRST_MS 50

struct control_link {
    struct control_link_options options;
    char *path;
    uv_timer_t timer;
    struct local_pipe *pipe; /* NULL while waiting */
    struct frame_reader frames;
    struct buf out;
    uint64_t backoff_ms;
    uint64_t heard_at_ms;
    bool connected;
    bool complained; /* of the control that does not answer: once per absence */
};

static void dial(uv_timer_t *timer);

static void wait_and_dial(struct control_link *link)
{
    uint64_t pause_ms = link->backoff_ms / 2 + random_below(link->backoff_ms / 2 + 1);
    link->backoff_ms *= 2;
    if (link->backoff_ms > LIMIT_LINK_BACKOFF_MS)
        link->backoff_ms = LIMIT_LINK_BACKOFF_MS;
    uv_timer_start(&link->timer, dial, pause_ms, 0);
}

static void lose(struct control_link *link, enum err err, const char *text)
{
    local_pipe_close(&link->pipe);
    frame_reader_release(&link->frames);
    if (link->connected) {
        log_warn("link_lost", F_STR("socket", link->path), F_STR("text", text), F_ERR(err));
        link->connected = false;
        link->options.events->lost(link->options.owner);
    } else if (!link->complained) {
        log_warn("link_unreachable", F_STR("socket", link->path), F_ERR(err));
        link->complained = true;
    }
    wait_and_dial(link);
}

void control_link_send(struct control_link *link, const struct message *message)
{
    if (!link->connected)
        return;
    buf_clear(&link->out);
    message_encode(message, &link->out);
    ASSERT(!link->out.overflowed);
    local_pipe_write(link->pipe, buf_span(&link->out));
}

static void beat(uv_timer_t *timer)
{
    struct control_link *link = timer->data;
    if (loop_now_ms(link->options.loop) - link->heard_at_ms > LIMIT_LINK_SILENCE_MS) {
        lose(link, ERR_TIMEOUT, "no frame, no heartbeat");
        return;
    }
    struct message heartbeat = {.kind = MESSAGE_HEARTBEAT};
    heartbeat.heartbeat.revision = link->options.events->revision(link->options.owner);
    control_link_send(link, &heartbeat);
}

static void pipe_opened(void *owner)
{
    struct control_link *link = owner;
    struct message hello = {.kind = MESSAGE_HELLO};
    link->connected = true;
    link->complained = false;
    link->heard_at_ms = loop_now_ms(link->options.loop);
    link->options.events->hello(link->options.owner, &hello.hello);
    log_info("link_connected", F_STR("socket", link->path),
             F_U64("revision", hello.hello.revision));
    control_link_send(link, &hello);
    uv_timer_start(&link->timer, beat, LIMIT_LINK_HEARTBEAT_MS, LIMIT_LINK_HEARTBEAT_MS);
}

static void pipe_bytes(void *owner, struct span bytes)
{
    struct control_link *link = owner;
    struct frame frame;
    struct message message;
    struct problem problem = {.code = ERR_OK};
    enum err err;
    link->heard_at_ms = loop_now_ms(link->options.loop);
    link->backoff_ms = BACKOFF_FIRST_MS;
    frame_reader_feed(&link->frames, bytes);
    while ((err = frame_reader_next(&link->frames, &frame)) == ERR_OK) {
        err = message_decode(&frame, &message, &problem);
        if (err == ERR_OK)
            err = link->options.events->message(link->options.owner, &message, &problem);
        if (message.kind == MESSAGE_CERTIFICATE)
            frame_reader_wipe(&link->frames);
        if (err != ERR_OK)
            break;
    }
    if (err == ERR_MORE)
        return;
    log_error("link_feed_refused", F_STR("path", problem.path), F_STR("text", problem.text),
              F_ERR(err));
    /* A control that repeats its mistake is not asked in a tight loop. */
    link->backoff_ms = LIMIT_LINK_BACKOFF_MS;
    lose(link, err, problem.text);
}

static void pipe_closed(void *owner, enum err err)
{
    lose(owner, err, "closed by control");
}

static const struct local_pipe_events pipe_events = {
    .on_opened = pipe_opened,
    .on_bytes = pipe_bytes,
    .on_closed = pipe_closed,
};

static void dial(uv_timer_t *timer)
{
    struct control_link *link = timer->data;
    const struct local_pipe_options options = {
        .loop = link->options.loop,
        .events = &pipe_events,
        .owner = link,
        .out_bytes_max = LIMIT_LINK_OUT_BYTES,
    };
    frame_reader_init(&link->frames);
    link->pipe = local_pipe_dial(&options, link->path);
}

struct control_link *control_link_open(const struct control_link_options *options)
{
    struct control_link *link = mem_new(struct control_link);
    link->options = *options;
    link->path = strdup(options->path);
    ASSERT(link->path != NULL);
    link->backoff_ms = BACKOFF_FIRST_MS;
    buf_init(&link->out, FRAME_HEAD_BYTES + LIMIT_FRAME_BYTES);
    uv_timer_init(&options->loop->uv, &link->timer);
    link->timer.data = link;
    uv_timer_start(&link->timer, dial, 0, 0);
    return link;
}

static void timer_closed(uv_handle_t *handle)
{
    struct control_link *link = handle->data;
    mem_free(&link);
}

void control_link_close(struct control_link **link)
{
    struct control_link *l = *link;
    if (l == NULL)
        return;
    *link = NULL;
    local_pipe_close(&l->pipe);
    frame_reader_release(&l->frames);
    buf_release(&l->out);
    mem_free(&l->path);
    uv_close((uv_handle_t *)&l->timer, timer_closed);
}
