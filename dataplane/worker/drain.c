/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.c - looks each 20 ms: a drain is rare, and a look costs two comparisons.
 */
#include "dataplane/worker/drain.h"

#define LOOK_MS 20

void drain_init(struct drain *drain, struct loop *loop, const struct drain_watch *watch)
{
    *drain = (struct drain){.loop = loop, .watch = *watch};
    uv_timer_init(&loop->uv, &drain->timer);
    drain->timer.data = drain;
}

static void look(uv_timer_t *timer)
{
    struct drain *drain = timer->data;
    bool in_time = drain->watch.finished(drain->watch.owner);
    if (!in_time && loop_now_ms(drain->loop) < drain->until_ms)
        return;
    uv_timer_stop(timer);
    drain->watch.ended(drain->watch.owner, in_time);
}

void drain_begin(struct drain *drain, uint64_t timeout_ms)
{
    uint64_t until_ms = loop_now_ms(drain->loop) + timeout_ms;
    if (drain->begun) {
        drain->until_ms = until_ms < drain->until_ms ? until_ms : drain->until_ms;
        return;
    }
    drain->begun = true;
    drain->until_ms = until_ms;
    uv_timer_start(&drain->timer, look, 0, LOOK_MS);
}

void drain_close(struct drain *drain)
{
    uv_close((uv_handle_t *)&drain->timer, NULL);
}
