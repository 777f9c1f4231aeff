/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_news.h - what one worker learned about an origin reaches the others, the file, and
 * control.
 *
 *      worker --PROTOCOL--> [heard] --> protocol_memory, every other worker
 *             --EVENT-----> [heard] --> say(event), or the queue while there is no link
 *      a new channel -----> [opened] -> all that is known
 *
 * Limits: LIMIT_ORIGIN_EVENTS_WAITING events wait for the link, the oldest are dropped; one that
 * was given to a link that then breaks is lost.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_ORIGIN_NEWS_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_ORIGIN_NEWS_H

#include "dataplane/supervisor/protocol_memory.h"
#include "dataplane/supervisor/worker_channel.h"

struct origin_news {
    struct worker_board *board;
    struct protocol_memory *memory;
    void (*say)(void *owner, const struct message *message); /* to control */
    void *owner;
    struct list waiting; /* events */
    uint64_t dropped_count;
    bool linked;
};

/* Takes memory. Channels that open on this board from now on are heard. */
void origin_news_init(struct origin_news *news, struct worker_board *board,
                      struct protocol_memory *memory);
/* No channel is open any more. */
void origin_news_release(struct origin_news *news);

/* Control has answered on the link, or the link is gone. */
void origin_news_linked(struct origin_news *news);
void origin_news_unlinked(struct origin_news *news);

#endif
