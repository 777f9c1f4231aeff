/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline.h - many timeouts, one uv timer.
 *
 * A deadline belongs to a class of equal length ("client head, 10 s").  Within a class the order of
 * arming is the order of expiry, so arming, re-arming and disarming are O(1), and one uv timer per
 * loop looks at the fronts.  Resolution: 10 ms below one second, 100 ms above.
 *
 * Ownership: a deadline is embedded in its owner; zeroed memory is a disarmed deadline.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_DEADLINE_H
#define TRUNKLINE_DATAPLANE_NET_DEADLINE_H

#include "common/base/list.h"
#include "dataplane/net/loop.h"

struct deadline;
typedef void deadline_fn(struct deadline *deadline);

struct deadline {
    struct list_node node;
    deadline_fn *expired;
    uint64_t at_ms;
    uint32_t class_index;
};

/* Calls expired once, from the loop, timeout_ms from now, unless it is disarmed or armed anew.
 * Every distinct timeout_ms makes a class; there are at most DEADLINE_CLASSES_MAX of them. */
#define DEADLINE_CLASSES_MAX 96
void deadline_arm(struct loop *loop, struct deadline *deadline, uint64_t timeout_ms,
                  deadline_fn *expired);
/* Idempotent. */
void deadline_disarm(struct loop *loop, struct deadline *deadline);

/* For loop_open and loop_close alone. */
struct deadlines *deadlines_new(struct loop *loop);
void deadlines_close(struct deadlines *deadlines); /* closes the timer; freed by uv's callback */

/* Whoever waits for a length that a tenant chose waits in these steps, so that tenants make no
 * classes: the longest power of two that fits into what is left, and not less than the first. */
#define DEADLINE_STEP_MIN_MS UINT64_C(128)
#define DEADLINE_STEP_MAX_MS (DEADLINE_STEP_MIN_MS << 15)
static inline uint64_t deadline_step(uint64_t left_ms)
{
    uint64_t step_ms = DEADLINE_STEP_MIN_MS;
    while (step_ms < DEADLINE_STEP_MAX_MS && step_ms * 2 <= left_ms)
        step_ms *= 2;
    return step_ms;
}

static inline bool deadline_armed(const struct deadline *deadline)
{
    return list_linked(&deadline->node);
}

#endif
