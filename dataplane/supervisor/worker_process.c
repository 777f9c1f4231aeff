/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_process.c - fork and exec of our own program, its channel, its end.
 */
#include "dataplane/supervisor/worker_process.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define PROCESS_TAG 0x776f726bu
#define ARGUMENTS_MAX 512
/* What a drained worker gets to let go of everything before it is killed. */
#define DRAIN_GRACE_MS 2000

static struct worker_process *process_of(void *owner)
{
    struct worker_process *process = owner;
    TAG_CHECK(process, PROCESS_TAG);
    return process;
}

static void gone(struct worker_process *process)
{
    deadline_disarm(process->loop, &process->drained);
    process->events->on_gone(process->owner, process);
    worker_channel_close(&process->channel);
    mem_free(&process);
}

/* ---- the channel's events */

static void channel_ready(void *owner)
{
    struct worker_process *process = process_of(owner);
    if (process->state != WORKER_STARTING)
        return;
    process->state = WORKER_READY;
    process->events->on_ready(process->owner, process);
}

static void channel_answered(void *owner)
{
    struct worker_process *process = process_of(owner);
    process->events->on_answered(process->owner, process);
}

static void channel_draining(void *owner)
{
    struct worker_process *process = process_of(owner);
    if (process->state == WORKER_DRAINING)
        return;
    process->state = WORKER_DRAINING;
    process->events->on_draining(process->owner, process);
}

static void channel_stuck(void *owner)
{
    struct worker_process *process = process_of(owner);
    log_error("worker_stuck", F_U64("slot", process->slot), F_I64("pid", process->pid));
    worker_process_kill(process);
}

/* A child that closed its channel has ended, is about to (it drained), or must: it would look for
 * another supervisor. */
static void channel_closed(void *owner)
{
    struct worker_process *process = process_of(owner);
    if (process->adopted)
        gone(process);
    else if (process->state != WORKER_DRAINING)
        worker_process_kill(process);
}

static const struct worker_channel_events channel_events = {
    .on_ready = channel_ready,
    .on_answered = channel_answered,
    .on_draining = channel_draining,
    .on_stuck = channel_stuck,
    .on_closed = channel_closed,
};

/* ---- spawning */

static struct worker_process *process_new(struct loop *loop,
                                          const struct worker_process_events *events, void *owner)
{
    struct worker_process *process = mem_new(struct worker_process);
    TAG_SET(process, PROCESS_TAG);
    process->loop = loop;
    process->events = events;
    process->owner = owner;
    process->started_at_ms = loop_now_ms(loop);
    return process;
}

static void process_closed(uv_handle_t *handle)
{
    gone(process_of(handle->data));
}

/* SIGKILL comes from people and from the kernel that wants memory, SIGTERM from people. */
/* A worker that ends by itself with a status could not start, whatever the zones say. */
static bool is_crash(int signal)
{
    static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP};
    for (size_t i = 0; i < countof(crashes); i++) {
        if (signal == crashes[i])
            return true;
    }
    return false;
}

static void process_exited(uv_process_t *uv, int64_t status, int signal)
{
    struct worker_process *process = process_of(uv->data);
    uint64_t lived_ms = loop_now_ms(process->loop) - process->started_at_ms;
    if (status == 0 && signal == 0)
        log_info("worker_ended", F_U64("slot", process->slot), F_I64("pid", process->pid),
                 F_U64("lived_ms", lived_ms));
    else
        log_error("worker_died", F_U64("slot", process->slot), F_I64("pid", process->pid),
                  F_I64("status", status), F_I64("signal", signal), F_U64("lived_ms", lived_ms));
    process->crashed = is_crash(signal);
    uv_close((uv_handle_t *)uv, process_closed);
}

static void failed_closed(uv_handle_t *handle)
{
    struct worker_process *process = process_of(handle->data);
    mem_free(&process);
}

static void fill_stdio(const struct worker_spawn *spawn, int channel_fd,
                       uv_stdio_container_t stdio[WORKER_FDS])
{
    const int fds[WORKER_FDS] = {
        -1,
        -1,
        STDERR_FILENO,
        channel_fd,
        spawn->https_fd,
        spawn->http_fd,
        spawn->counters_fd,
        spawn->access_log_fd,
    };
    for (size_t i = 0; i < WORKER_FDS; i++) {
        stdio[i].flags = fds[i] < 0 ? UV_IGNORE : UV_INHERIT_FD;
        stdio[i].data.fd = fds[i];
    }
}

static int start(struct worker_process *process, const struct worker_spawn *spawn, int channel_fd)
{
    /* uv wants them writable; it only reads. */
    char *argv[ARGUMENTS_MAX + 4];
    char slot[TEXT_U64_BYTES_MAX + 1];
    char program[] = "trunkline-edge", slot_flag[] = "--worker-slot";
    size_t count = 0;
    text_format(slot, sizeof(slot), "%u", spawn->slot);
    argv[count++] = program;
    for (size_t i = 0; spawn->argv[i] != NULL; i++) {
        ASSERT(count < ARGUMENTS_MAX);
        argv[count++] = (char *)(uintptr_t)spawn->argv[i];
    }
    argv[count++] = slot_flag;
    argv[count++] = slot;
    argv[count] = NULL;
    uv_stdio_container_t stdio[WORKER_FDS];
    fill_stdio(spawn, channel_fd, stdio);
    const uv_process_options_t options = {
        .exit_cb = process_exited,
        .file = spawn->program,
        .args = argv,
        .stdio_count = WORKER_FDS,
        .stdio = stdio,
    };
    process->uv.data = process;
    return uv_spawn(&process->loop->uv, &process->uv, &options);
}

enum err worker_process_spawn(struct loop *loop, const struct worker_spawn *spawn,
                              const struct worker_process_events *events, void *owner,
                              struct worker_process **out)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return ERR_IO;
    struct worker_process *process = process_new(loop, events, owner);
    process->slot = spawn->slot;
    int status = start(process, spawn, pair[1]);
    close(pair[1]);
    if (status != 0) {
        log_error("worker_spawn_failed", F_U64("slot", spawn->slot),
                  F_STR("uv", uv_err_name(status)));
        close(pair[0]);
        uv_close((uv_handle_t *)&process->uv, failed_closed);
        return ERR_IO;
    }
    process->pid = process->uv.pid;
    process->channel = worker_channel_open(loop, pair[0], &channel_events, process);
    *out = process;
    return ERR_OK;
}

struct worker_process *worker_process_adopt(struct loop *loop, const struct worker_orphan *orphan,
                                            const struct worker_process_events *events, void *owner)
{
    struct worker_process *process = process_new(loop, events, owner);
    process->slot = orphan->slot;
    process->adopted = true;
    process->outdated = orphan->outdated;
    process->state = WORKER_READY;
    process->pid = orphan->pid;
    process->channel = worker_channel_open(loop, orphan->channel_fd, &channel_events, process);
    return process;
}

static void drain_late(struct deadline *deadline)
{
    struct worker_process *process = container_of(deadline, struct worker_process, drained);
    log_warn("worker_drain_late", F_U64("slot", process->slot), F_I64("pid", process->pid));
    worker_process_kill(process);
}

void worker_process_drain(struct worker_process *process, uint64_t timeout_ms)
{
    process->state = WORKER_DRAINING;
    worker_channel_drain(process->channel, timeout_ms);
    deadline_arm(process->loop, &process->drained, timeout_ms + DRAIN_GRACE_MS, drain_late);
}

void worker_process_kill(struct worker_process *process)
{
    if (process->adopted)
        kill(process->pid, SIGKILL);
    else
        uv_process_kill(&process->uv, SIGKILL);
}
