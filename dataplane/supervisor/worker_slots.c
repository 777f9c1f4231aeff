/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_slots.c - replacing workers without closing what they accept from.
 */
#include "dataplane/supervisor/worker_slots.h"

#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "dataplane/net/listen.h"

#define QUICK_DEATH_MS 5000
#define QUICK_DEATHS_MAX 5
#define CRASH_LOOP_PAUSE_MS 1000

struct worker_slot {
    struct worker_slots *slots;
    unsigned number;
    int https_fd, http_fd;
    struct worker_process *current, *starting;
    uv_timer_t respawn;
    unsigned quick_deaths;
    bool replace_again; /* SIGHUP came while one was starting */
};

struct worker_slots {
    struct worker_slots_options options;
    struct worker_slot *slot[LIMIT_WORKERS];
    unsigned count;
    struct list processes; /* all that live */
    int access_log_fd;
    bool started, stopping, ready_told;
    bool telling;
    uint32_t told_workers, told_deaths;
};

static const struct worker_process_events process_events;

/* ---- spawning */

static void respawn_due(uv_timer_t *timer);

static void note_quick_death(struct worker_slot *slot)
{
    if (++slot->quick_deaths == QUICK_DEATHS_MAX)
        log_error("worker_crash_loop", F_U64("slot", slot->number),
                  F_U64("pause_ms", CRASH_LOOP_PAUSE_MS));
}

static void spawn_later(struct worker_slot *slot)
{
    uint64_t pause_ms = slot->quick_deaths >= QUICK_DEATHS_MAX ? CRASH_LOOP_PAUSE_MS : 0;
    uv_timer_start(&slot->respawn, respawn_due, pause_ms, 0);
}

static void spawn(struct worker_slot *slot)
{
    struct worker_slots *slots = slot->slots;
    const struct worker_spawn what = {
        .program = slots->options.program,
        .slot = slot->number,
        .argv = slots->options.argv,
        .https_fd = slot->https_fd,
        .http_fd = slot->http_fd,
        .counters_fd = slots->options.counters_fd,
        .access_log_fd = slots->access_log_fd,
    };
    ASSERT(slot->starting == NULL);
    enum err err =
        worker_process_spawn(slots->options.loop, &what, &process_events, slots, &slot->starting);
    if (err != ERR_OK) {
        note_quick_death(slot);
        spawn_later(slot);
        return;
    }
    list_push_back(&slots->processes, &slot->starting->node);
}

static void respawn_due(uv_timer_t *timer)
{
    struct worker_slot *slot = timer->data;
    if (slot->starting == NULL && !slot->slots->stopping)
        spawn(slot);
}

/* ---- what happens to processes */

/* One that accepts and is what we would start. */
static bool has_worker(const struct worker_slot *slot)
{
    return slot->current != NULL && !slot->current->outdated;
}

static void check_ready(struct worker_slots *slots)
{
    if (slots->ready_told || slots->stopping)
        return;
    for (unsigned i = 0; i < slots->count; i++) {
        if (!has_worker(slots->slot[i]))
            return;
    }
    slots->ready_told = true;
    slots->options.events->on_ready(slots->options.owner);
}

static void check_told(struct worker_slots *slots)
{
    if (!slots->telling)
        return;
    LIST_EACH(&slots->processes, node)
    {
        const struct worker_process *process = container_of(node, struct worker_process, node);
        if (!worker_channel_answered(process->channel))
            return;
    }
    slots->telling = false;
    slots->options.events->on_told(slots->options.owner, slots->told_workers - slots->told_deaths,
                                   slots->told_workers);
}

static void process_ready(void *owner, struct worker_process *process)
{
    struct worker_slots *slots = owner;
    struct worker_slot *slot = slots->slot[process->slot];
    log_info("worker_ready", F_U64("slot", process->slot), F_I64("pid", process->pid),
             F_U64("took_ms", loop_now_ms(slots->options.loop) - process->started_at_ms));
    if (slots->stopping)
        return;
    ASSERT(process == slot->starting);
    if (slot->current != NULL)
        worker_process_drain(slot->current, slots->options.drain_timeout_ms);
    slot->current = process;
    slot->starting = NULL;
    if (slot->replace_again) {
        slot->replace_again = false;
        spawn(slot);
    }
    check_ready(slots);
}

static void process_answered(void *owner, struct worker_process *process)
{
    (void)process;
    check_told(owner);
}

static void process_draining(void *owner, struct worker_process *process)
{
    struct worker_slots *slots = owner;
    struct worker_slot *slot = slots->slot[process->slot];
    if (slot->current == process)
        slot->current = NULL;
    if (slot->current == NULL && slot->starting == NULL && !slots->stopping)
        spawn(slot);
}

static void check_stopped(struct worker_slots *slots)
{
    if (slots->stopping && list_empty(&slots->processes))
        slots->options.events->on_stopped(slots->options.owner);
}

/* A worker that was to replace one that still accepts is not tried again, unless that one is
 * outdated or wants to go. */
static void process_gone(void *owner, struct worker_process *process)
{
    struct worker_slots *slots = owner;
    struct worker_slot *slot = slots->slot[process->slot];
    bool was_mine = slot->current == process || slot->starting == process;
    list_remove(&slots->processes, &process->node);
    if (process->adopted)
        log_info("worker_ended", F_U64("slot", process->slot), F_I64("pid", process->pid));
    if (slots->telling && !worker_channel_answered(process->channel))
        slots->told_deaths++;
    if (slot->current == process)
        slot->current = NULL;
    if (slot->starting == process)
        slot->starting = NULL;
    if (was_mine) {
        bool quick = loop_now_ms(slots->options.loop) - process->started_at_ms < QUICK_DEATH_MS;
        if (quick && (process->crashed || process->state == WORKER_STARTING))
            note_quick_death(slot);
        else
            slot->quick_deaths = 0;
    }
    if (was_mine && slot->starting == NULL && !slots->stopping && !has_worker(slot))
        spawn_later(slot);
    check_told(slots);
    if (process->crashed && !slots->stopping)
        slots->options.events->on_crashed(slots->options.owner);
    check_stopped(slots);
}

static const struct worker_process_events process_events = {
    .on_ready = process_ready,
    .on_answered = process_answered,
    .on_draining = process_draining,
    .on_gone = process_gone,
};

/* ---- the set */

struct worker_slots *worker_slots_new(const struct worker_slots_options *options)
{
    struct worker_slots *slots = mem_new(struct worker_slots);
    slots->options = *options;
    slots->access_log_fd = -1;
    list_init(&slots->processes);
    return slots;
}

static void close_sockets(struct worker_slot *slot)
{
    if (slot->https_fd < 0)
        return;
    close(slot->https_fd);
    close(slot->http_fd);
    slot->https_fd = slot->http_fd = -1;
}

static void slot_closed(uv_handle_t *handle)
{
    struct worker_slot *slot = handle->data;
    close_sockets(slot);
    mem_free(&slot);
}

void worker_slots_free(struct worker_slots **slots)
{
    struct worker_slots *s = *slots;
    if (s == NULL)
        return;
    *slots = NULL;
    ASSERT(list_empty(&s->processes));
    for (unsigned i = 0; i < s->count; i++)
        uv_close((uv_handle_t *)&s->slot[i]->respawn, slot_closed);
    mem_free(&s);
}

unsigned worker_slots_add(struct worker_slots *slots, int https_fd, int http_fd)
{
    ASSERT(slots->count < LIMIT_WORKERS);
    struct worker_slot *slot = mem_new(struct worker_slot);
    slot->slots = slots;
    slot->number = slots->count++;
    slot->https_fd = https_fd;
    slot->http_fd = http_fd;
    uv_timer_init(&slots->options.loop->uv, &slot->respawn);
    slot->respawn.data = slot;
    slots->slot[slot->number] = slot;
    if (slots->started)
        spawn_later(slot);
    return slot->number;
}

unsigned worker_slots_count(const struct worker_slots *slots)
{
    return slots->count;
}

/* It may have cached what changed while nobody could tell it. */
static struct worker_process *add_orphan(struct worker_slots *slots,
                                         const struct worker_orphan *orphan)
{
    const struct message_zones_changed all = {.all = true};
    struct worker_process *process =
        worker_process_adopt(slots->options.loop, orphan, &process_events, slots);
    list_push_back(&slots->processes, &process->node);
    worker_channel_tell(process->channel, &all);
    return process;
}

void worker_slots_adopt(struct worker_slots *slots, unsigned slot,
                        const struct worker_orphan *orphan)
{
    ASSERT(slots->slot[slot]->current == NULL);
    struct worker_orphan here = *orphan;
    here.slot = slot;
    slots->slot[slot]->current = add_orphan(slots, &here);
}

void worker_slots_dismiss(struct worker_slots *slots, const struct worker_orphan *orphan)
{
    struct worker_orphan here = *orphan;
    here.slot = 0; /* of no slot: only for the log */
    worker_process_drain(add_orphan(slots, &here), slots->options.drain_timeout_ms);
}

unsigned worker_slots_find(const struct worker_slots *slots, int https_fd)
{
    unsigned at = 0;
    while (at < slots->count && !listen_same(slots->slot[at]->https_fd, https_fd))
        at++;
    return at;
}

size_t worker_slots_facts(const struct worker_slots *slots, struct worker_facts *out, size_t max)
{
    uint64_t now_ms = loop_now_ms(slots->options.loop);
    size_t count = 0;
    LIST_EACH(&slots->processes, node)
    {
        const struct worker_process *process = container_of(node, struct worker_process, node);
        if (count == max)
            break;
        out[count++] = (struct worker_facts){
            .slot = process->slot,
            .pid = process->pid,
            .state = process->state,
            .accepting = slots->slot[process->slot]->current == process,
            .adopted = process->adopted,
            .lived_ms = now_ms - process->started_at_ms,
        };
    }
    return count;
}

void worker_slots_start(struct worker_slots *slots, int access_log_fd)
{
    slots->access_log_fd = access_log_fd;
    slots->started = true;
    for (unsigned i = 0; i < slots->count; i++) {
        if (!has_worker(slots->slot[i]))
            spawn(slots->slot[i]);
    }
    check_ready(slots);
}

void worker_slots_reload(struct worker_slots *slots, int access_log_fd)
{
    slots->access_log_fd = access_log_fd;
    if (slots->stopping)
        return;
    for (unsigned i = 0; i < slots->count; i++) {
        struct worker_slot *slot = slots->slot[i];
        if (slot->starting != NULL)
            slot->replace_again = true;
        else
            spawn(slot);
    }
}

void worker_slots_stop(struct worker_slots *slots)
{
    if (slots->stopping)
        return;
    slots->stopping = true;
    LIST_EACH(&slots->processes, node)
    {
        struct worker_process *process = container_of(node, struct worker_process, node);
        worker_process_drain(process, slots->options.drain_timeout_ms);
    }
    /* Who comes now is refused at once instead of waiting for nobody. */
    for (unsigned i = 0; i < slots->count; i++)
        close_sockets(slots->slot[i]);
    check_stopped(slots);
}

void worker_slots_kill(struct worker_slots *slots)
{
    LIST_EACH(&slots->processes, node)
    worker_process_kill(container_of(node, struct worker_process, node));
}

void worker_slots_tell(struct worker_slots *slots, uint64_t revision,
                       const struct replica_changes *changes)
{
    const struct message_zones_changed what = {
        .revision = revision,
        .all = changes->all,
        .zone_ids = changes->zone_ids,
        .zone_count = changes->zone_count,
    };
    slots->telling = true;
    slots->told_workers = (uint32_t)slots->processes.count;
    slots->told_deaths = 0;
    LIST_EACH(&slots->processes, node)
    {
        struct worker_process *process = container_of(node, struct worker_process, node);
        worker_channel_tell(process->channel, &what);
    }
    check_told(slots);
}
