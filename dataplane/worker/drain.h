/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.h - waits until a worker that accepts no more has nothing left to do, but not for ever.
 */
#ifndef TRUNKLINE_DATAPLANE_WORKER_DRAIN_H
#define TRUNKLINE_DATAPLANE_WORKER_DRAIN_H

#include "dataplane/net/loop.h"

struct drain_watch {
    /* Nothing runs and nobody is connected. */
    bool (*finished)(void *owner);
    /* Once, from the loop; in_time: finished said so. */
    void (*ended)(void *owner, bool in_time);
    void *owner;
};

struct drain {
    uv_timer_t timer;
    struct loop *loop;
    struct drain_watch watch;
    uint64_t until_ms;
    bool begun;
};

void drain_init(struct drain *drain, struct loop *loop, const struct drain_watch *watch);
/* A second time it only brings the end nearer. */
void drain_begin(struct drain *drain, uint64_t timeout_ms);
/* No call follows; the memory is free to go when the loop has run once more. */
void drain_close(struct drain *drain);

#endif
