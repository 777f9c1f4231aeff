/* SPDX-License-Identifier: Apache-2.0 */
/*
 * janitor.h - what a worker does now and then: gives memory back that a busy hour has left.
 */
#ifndef TRUNKLINE_DATAPLANE_WORKER_JANITOR_H
#define TRUNKLINE_DATAPLANE_WORKER_JANITOR_H

#include "dataplane/net/loop.h"

#define JANITOR_MS 10000

struct janitor {
    uv_timer_t timer;
    struct loop *loop;
};

void janitor_open(struct janitor *janitor, struct loop *loop);
/* The memory is free to go when the loop has run once more. */
void janitor_close(struct janitor *janitor);

#endif
