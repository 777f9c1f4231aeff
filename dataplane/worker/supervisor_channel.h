/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor_channel.h - the worker's end of the frames between it and its supervisor.
 *
 *      CONNECTED --EOF: the supervisor died--> ORPHAN --dials each 50 to 100 ms--> CONNECTED
 *                                                       ADOPT + both listening sockets,
 *                                                       TICKET_KEYS as heard last
 *
 * Orphaned is not dead: the worker serves on, and hands its listening sockets to the next
 * supervisor, so that nothing that queues on them is lost.  A draining worker has no sockets to
 * hand on and looks for nobody.
 */
#ifndef TRUNKLINE_DATAPLANE_WORKER_SUPERVISOR_CHANNEL_H
#define TRUNKLINE_DATAPLANE_WORKER_SUPERVISOR_CHANNEL_H

#include "common/wire/message.h"
#include "dataplane/net/loop.h"

struct supervisor_channel;

struct supervisor_channel_events {
    /* Forget; the answer is sent when this returns. */
    void (*zones_changed)(void *owner, const struct message_zones_changed *what);
    void (*drain)(void *owner, uint64_t timeout_ms);
    /* By another worker, or before this one was started. */
    void (*learned)(void *owner, const struct origin_knowledge *what);
    /* Of all workers, from now on; wiped when this returns. */
    void (*ticket_keys)(void *owner, const struct message_ticket_keys *what);
};

struct supervisor_channel_options {
    struct loop *loop;
    int fd;                /* taken */
    int counters_fd;       /* borrowed */
    int https_fd, http_fd; /* borrowed until supervisor_channel_draining or close */
    unsigned slot;
    const char *path;       /* of supervisor.sock */
    struct digest identity; /* what this worker was started as */
    const struct supervisor_channel_events *events;
    void *owner;
};

struct supervisor_channel *
supervisor_channel_open(const struct supervisor_channel_options *options);
/* Leaves NULL behind. */
void supervisor_channel_close(struct supervisor_channel **channel);

/* This worker accepts. */
void supervisor_channel_ready(struct supervisor_channel *channel);
/* This worker accepts no more; tell_supervisor: it was not the supervisor who wanted it. */
void supervisor_channel_draining(struct supervisor_channel *channel, bool tell_supervisor);

/* What this worker knows about an origin, and what it did because of it; an orphan tells nobody. */
void supervisor_channel_tell_learned(struct supervisor_channel *channel,
                                     const struct origin_knowledge *what);
void supervisor_channel_tell_decided(struct supervisor_channel *channel,
                                     const struct origin_event *event);

#endif
