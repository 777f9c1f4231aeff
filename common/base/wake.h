/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake.h - deferred notifications: nobody is ever called from inside his own call (flow.md, L1).
 *
 * A wake is embedded in the object that wants to be woken.  Posting it twice before it ran is the
 * same as once.  The queue runs when the library callback that caused it has unwound; a wake that
 * is posted while the queue runs comes in the same run, up to a budget per run, so that one busy
 * pair of sides cannot starve the loop.
 */
#ifndef TRUNKLINE_COMMON_BASE_WAKE_H
#define TRUNKLINE_COMMON_BASE_WAKE_H

#include "common/base/list.h"

struct wake;
typedef void wake_fn(struct wake *wake);

struct wake {
    struct list_node node;
    wake_fn *run;
};

struct wakeq {
    struct list posted;
};

void wakeq_init(struct wakeq *q);

/* wake may be zeroed memory before. */
void wake_init(struct wake *wake, wake_fn *run);
void wake_post(struct wakeq *q, struct wake *wake);
/* Idempotent. */
void wake_cancel(struct wakeq *q, struct wake *wake);

/* Runs until empty, at most `budget` wakes; true when something is left. */
bool wakeq_run(struct wakeq *q, size_t budget);

#endif
