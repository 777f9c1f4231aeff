/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline.c - many timeouts, one uv timer.
 *
 * The timer may stand earlier than the first deadline (whoever it was set for was disarmed since);
 * it then finds nothing expired and is set anew.  It never stands later.
 */
#include "dataplane/net/deadline.h"

#include "common/base/mem.h"

struct deadline_class {
    uint64_t timeout_ms;
    struct list armed; /* in order of expiry */
};

struct deadlines {
    uv_timer_t timer;
    struct loop *loop;
    uint64_t timer_at_ms; /* UINT64_MAX: not set */
    size_t armed_count;
    size_t class_count;
    struct deadline_class classes[DEADLINE_CLASSES_MAX];
};

struct deadlines *deadlines_new(struct loop *loop)
{
    struct deadlines *deadlines = mem_new(struct deadlines);
    deadlines->loop = loop;
    deadlines->timer_at_ms = UINT64_MAX;
    uv_timer_init(&loop->uv, &deadlines->timer);
    deadlines->timer.data = deadlines;
    uv_unref((uv_handle_t *)&deadlines->timer);
    return deadlines;
}

static void free_deadlines(uv_handle_t *timer)
{
    free(timer->data);
}

void deadlines_close(struct deadlines *deadlines)
{
    ASSERT(deadlines->armed_count == 0);
    uv_close((uv_handle_t *)&deadlines->timer, free_deadlines);
}

static uint64_t round_up(uint64_t at_ms, uint64_t timeout_ms)
{
    uint64_t step_ms = timeout_ms < 1000 ? 10 : 100;
    return (at_ms + step_ms - 1) / step_ms * step_ms;
}

static void timer_fired(uv_timer_t *timer);

static void set_timer(struct deadlines *deadlines, uint64_t at_ms)
{
    uint64_t now_ms = loop_now_ms(deadlines->loop);
    deadlines->timer_at_ms = at_ms;
    uv_timer_start(&deadlines->timer, timer_fired, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

static void set_timer_for_first(struct deadlines *deadlines)
{
    uint64_t at_ms = UINT64_MAX;
    for (size_t i = 0; i < deadlines->class_count; i++) {
        struct deadline_class *class = &deadlines->classes[i];
        struct list_node *node = list_first(&class->armed);
        if (!node)
            continue;
        uint64_t first_at_ms =
            round_up(container_of(node, struct deadline, node)->at_ms, class->timeout_ms);
        if (first_at_ms < at_ms)
            at_ms = first_at_ms;
    }
    if (at_ms != UINT64_MAX)
        set_timer(deadlines, at_ms);
}

static void expire_class(struct loop *loop, struct deadline_class *class, uint64_t now_ms)
{
    struct list_node *node;
    while ((node = list_first(&class->armed)) != NULL) {
        struct deadline *deadline = container_of(node, struct deadline, node);
        if (deadline->at_ms > now_ms)
            return;
        deadline_disarm(loop, deadline);
        deadline->expired(deadline);
    }
}

static void timer_fired(uv_timer_t *timer)
{
    struct deadlines *deadlines = timer->data;
    uint64_t now_ms = loop_now_ms(deadlines->loop);
    deadlines->timer_at_ms = UINT64_MAX;
    for (size_t i = 0; i < deadlines->class_count; i++)
        expire_class(deadlines->loop, &deadlines->classes[i], now_ms);
    set_timer_for_first(deadlines);
}

static uint32_t class_of(struct deadlines *deadlines, const struct deadline *deadline,
                         uint64_t timeout_ms)
{
    uint32_t last = deadline->class_index;
    if (last < deadlines->class_count && deadlines->classes[last].timeout_ms == timeout_ms)
        return last;
    for (uint32_t i = 0; i < deadlines->class_count; i++) {
        if (deadlines->classes[i].timeout_ms == timeout_ms)
            return i;
    }
    ASSERT(deadlines->class_count < DEADLINE_CLASSES_MAX);
    struct deadline_class *class = &deadlines->classes[deadlines->class_count];
    class->timeout_ms = timeout_ms;
    list_init(&class->armed);
    return (uint32_t)deadlines->class_count++;
}

void deadline_arm(struct loop *loop, struct deadline *deadline, uint64_t timeout_ms,
                  deadline_fn *expired)
{
    struct deadlines *deadlines = loop->deadlines;
    if (timeout_ms == 0)
        timeout_ms = 1; /* or one that arms itself again would expire for ever in one turn */
    deadline_disarm(loop, deadline);
    deadline->class_index = class_of(deadlines, deadline, timeout_ms);
    deadline->expired = expired;
    deadline->at_ms = loop_now_ms(loop) + timeout_ms;
    list_push_back(&deadlines->classes[deadline->class_index].armed, &deadline->node);
    if (deadlines->armed_count++ == 0)
        uv_ref((uv_handle_t *)&deadlines->timer);

    uint64_t at_ms = round_up(deadline->at_ms, timeout_ms);
    if (at_ms < deadlines->timer_at_ms)
        set_timer(deadlines, at_ms);
}

void deadline_disarm(struct loop *loop, struct deadline *deadline)
{
    struct deadlines *deadlines = loop->deadlines;
    if (!deadline_armed(deadline))
        return;
    list_remove(&deadlines->classes[deadline->class_index].armed, &deadline->node);
    if (--deadlines->armed_count == 0)
        uv_unref((uv_handle_t *)&deadlines->timer);
}
