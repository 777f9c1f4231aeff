/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_news.c - passes on what workers say about origins.
 */
#include "dataplane/supervisor/origin_news.h"

#include "common/base/log.h"
#include "common/base/mem.h"

struct waiting_event {
    struct list_node node;
    struct origin_event event; /* its texts point behind the struct */
    uint8_t bytes[];
};

static void drop_oldest(struct origin_news *news)
{
    struct list_node *node = list_pop_front(&news->waiting);
    struct waiting_event *oldest = container_of(node, struct waiting_event, node);
    news->dropped_count++;
    mem_free(&oldest);
}

static void keep_event(struct origin_news *news, const struct origin_event *event)
{
    struct waiting_event *kept = mem_calloc(1, sizeof(*kept) + event->origin.len + event->sni.len);
    if (news->waiting.count >= LIMIT_ORIGIN_EVENTS_WAITING)
        drop_oldest(news);
    kept->event = *event;
    kept->event.origin = span_of(kept->bytes, event->origin.len);
    kept->event.sni = span_of(kept->bytes + event->origin.len, event->sni.len);
    memcpy(kept->bytes, event->origin.ptr, event->origin.len);
    if (event->sni.len > 0)
        memcpy(kept->bytes + event->origin.len, event->sni.ptr, event->sni.len);
    list_push_back(&news->waiting, &kept->node);
}

static void say_event(struct origin_news *news, const struct origin_event *event)
{
    news->say(news->owner, &(struct message){.kind = MESSAGE_EVENT, .event = {.of = *event}});
}

static void hear_protocol(struct origin_news *news, struct worker_channel *from,
                          const struct message *message)
{
    protocol_memory_put(news->memory, &message->protocol.learned);
    worker_board_tell(news->board, from, message);
}

static void board_heard(void *owner, struct worker_channel *from, const struct message *message)
{
    struct origin_news *news = owner;
    if (message->kind == MESSAGE_PROTOCOL)
        hear_protocol(news, from, message);
    else if (message->kind == MESSAGE_EVENT && news->linked)
        say_event(news, &message->event.of);
    else if (message->kind == MESSAGE_EVENT)
        keep_event(news, &message->event.of);
}

/* Before the worker has accepted its first visitor. */
static void board_opened(void *owner, struct worker_channel *channel)
{
    struct origin_news *news = owner;
    struct buf out;
    buf_init(&out, LIMIT_LINK_OUT_BYTES / 2);
    if (protocol_memory_append(news->memory, &out) > 0)
        worker_channel_write(channel, buf_span(&out));
    buf_release(&out);
}

void origin_news_init(struct origin_news *news, struct worker_board *board,
                      struct protocol_memory *memory)
{
    const struct worker_board_member member = {board_heard, board_opened, news};
    *news = (struct origin_news){.board = board, .memory = memory};
    list_init(&news->waiting);
    worker_board_join(board, &member);
}

void origin_news_release(struct origin_news *news)
{
    while (!list_empty(&news->waiting))
        drop_oldest(news);
    protocol_memory_close(&news->memory);
}

void origin_news_linked(struct origin_news *news)
{
    news->linked = true;
    if (news->dropped_count > 0)
        log_warn("origin_events_dropped", F_U64("count", news->dropped_count));
    news->dropped_count = 0;
    for (struct list_node *node; (node = list_pop_front(&news->waiting)) != NULL;) {
        struct waiting_event *kept = container_of(node, struct waiting_event, node);
        say_event(news, &kept->event);
        mem_free(&kept);
    }
}

void origin_news_unlinked(struct origin_news *news)
{
    news->linked = false;
}
