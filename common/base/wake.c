/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake.c - deferred notifications: the queue and its run.
 */
#include "common/base/wake.h"

void wakeq_init(struct wakeq *q)
{
    list_init(&q->posted);
}

void wake_init(struct wake *wake, wake_fn *run)
{
    *wake = (struct wake){.run = run};
}

void wake_post(struct wakeq *q, struct wake *wake)
{
    ASSERT(wake->run != NULL);
    if (!list_linked(&wake->node))
        list_push_back(&q->posted, &wake->node);
}

void wake_cancel(struct wakeq *q, struct wake *wake)
{
    list_remove(&q->posted, &wake->node);
}

bool wakeq_run(struct wakeq *q, size_t budget)
{
    for (; budget > 0; budget--) {
        struct list_node *node = list_pop_front(&q->posted);
        if (!node)
            return false;
        /* The wake is unlinked first: it may post itself again, or free the object it is in. */
        struct wake *wake = container_of(node, struct wake, node);
        wake->run(wake);
    }
    return !list_empty(&q->posted);
}
