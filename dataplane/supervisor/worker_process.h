/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_process.h - one worker, from its fork to its end.
 *
 *      spawn --> STARTING --on_ready--> READY --drain--> DRAINING --.
 *      adopt -------------------------> READY                       +--> on_gone
 *      (it was another supervisor's)                                |
 *                      killed, crashed, stuck: from any state ------'
 *
 * A child's end is told by the kernel, an adopted one's by the end of its channel.
 *
 * Ownership: frees itself after on_gone.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_PROCESS_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_PROCESS_H

#include "common/wire/message.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/loop.h"
#include "dataplane/supervisor/worker_channel.h"

enum worker_state { WORKER_STARTING, WORKER_READY, WORKER_DRAINING };

struct worker_process;

struct worker_process_events {
    void (*on_ready)(void *owner, struct worker_process *process);
    void (*on_answered)(void *owner, struct worker_process *process);
    void (*on_draining)(void *owner, struct worker_process *process); /* of its own accord */
    void (*on_gone)(void *owner, struct worker_process *process);     /* last */
};

struct worker_process {
    uint32_t tag;
    struct list_node node; /* the owner's */
    struct loop *loop;
    const struct worker_process_events *events;
    void *owner;
    unsigned slot;
    enum worker_state state;
    bool adopted;
    bool outdated; /* adopted, and not what would be started now */
    bool crashed;  /* it ended itself: an operator's kill -9 is not that */
    int pid;
    uv_process_t uv; /* a child's */
    struct worker_channel *channel;
    struct deadline drained;
    uint64_t started_at_ms;
};

/* What a worker finds at which descriptor. */
enum worker_fd {
    WORKER_FD_CHANNEL = 3,
    WORKER_FD_HTTPS = 4,
    WORKER_FD_HTTP = 5,
    WORKER_FD_COUNTERS = 6,
    WORKER_FD_ACCESS_LOG = 7, /* or nothing */
    WORKER_FDS = 8,
};

struct worker_spawn {
    const char *program; /* its path; a new file there is a new version */
    unsigned slot;
    const char *const *argv; /* without the program's name and the slot; NULL at the end */
    int https_fd, http_fd;   /* borrowed */
    int counters_fd;         /* borrowed; counter_pages.h */
    int access_log_fd;       /* borrowed; -1: none */
};

MUST_USE enum err worker_process_spawn(struct loop *loop, const struct worker_spawn *spawn,
                                       const struct worker_process_events *events, void *owner,
                                       struct worker_process **out);

struct worker_orphan {
    unsigned slot;
    int pid;
    int channel_fd; /* taken */
    bool outdated;
};
struct worker_process *worker_process_adopt(struct loop *loop, const struct worker_orphan *orphan,
                                            const struct worker_process_events *events,
                                            void *owner);

/* Accept no more, end when the last exchange has, or after timeout_ms; killed a little later. */
void worker_process_drain(struct worker_process *process, uint64_t timeout_ms);
/* SIGKILL; on_gone follows. */
void worker_process_kill(struct worker_process *process);

#endif
