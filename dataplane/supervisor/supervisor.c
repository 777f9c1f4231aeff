/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor.c - builds the parts in order, connects them, takes them apart again.
 *
 * Order matters in two places: orphans are adopted before anything is bound, and the link is
 * dialled only when the workers are ready (an edge says hello with what it serves).
 */
#include "dataplane/supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/service.h"
#include "common/base/text.h"
#include "dataplane/net/listen.h"
#include "dataplane/supervisor/admin.h"
#include "dataplane/supervisor/adoption.h"
#include "dataplane/supervisor/control_link.h"
#include "dataplane/supervisor/origin_news.h"
#include "dataplane/supervisor/replica_apply.h"
#include "dataplane/supervisor/sockets.h"
#include "dataplane/supervisor/state_dir.h"
#include "dataplane/supervisor/ticket_keys.h"
#include "dataplane/supervisor/worker_identity.h"
#include "dataplane/supervisor/worker_slots.h"
#include "dataplane/supervisor/worker_user.h"

/* Without a single ready worker the link is dialled all the same: the replica is kept current. */
#define LINK_LATEST_MS 3000

enum supervisor_signal { ON_TERM, ON_INT, ON_HUP, SIGNAL_COUNT };
static const int signal_numbers[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};

struct supervisor {
    struct loop loop;
    struct edge_flags *flags;
    char program[PATH_MAX];
    const char *const *argv; /* for workers */
    int lock_fd, access_log_fd, admin_fd;
    struct adoption_door door;
    struct activation activation;
    gid_t group; /* of the workers; STATE_NO_GROUP: they are what we are */
    struct replica *replica;
    struct replica_apply apply;
    struct control_link *link;
    struct worker_board board;
    struct origin_news news;
    struct ticket_keys ticket_keys;
    struct counter_pages counters;
    struct edge_status status;
    struct admin *admin;
    struct worker_slots *slots;
    uv_signal_t signals[SIGNAL_COUNT];
    uv_poll_t orphans;
    uv_timer_t link_latest;
    uv_timer_t alive; /* for systemd's watchdog */
    bool serving, stopping;
};

/* ---- control's feed */

static void link_hello(void *owner, struct message_hello *out)
{
    struct supervisor *supervisor = owner;
    struct replica_position have;
    replica_position(supervisor->replica, &have);
    *out = (struct message_hello){
        .epoch = have.epoch,
        .revision = have.revision,
        .chain = have.chain,
        .edge_id = span_str(supervisor->flags->edge_id),
        .worker_count = worker_slots_count(supervisor->slots),
    };
}

static uint64_t link_revision(void *owner)
{
    struct supervisor *supervisor = owner;
    struct replica_position have;
    replica_position(supervisor->replica, &have);
    return have.revision;
}

/* What is on the disk cannot be repaired, but control has it all. */
static void replace_replica(struct supervisor *supervisor)
{
    struct problem problem;
    const struct replica_changes all = {.all = true};
    if (replica_replace(&supervisor->replica, &problem) != ERR_OK ||
        state_share(supervisor->flags->state, supervisor->group, &problem) != ERR_OK) {
        log_error("replica_replace_failed", F_STR("text", problem.text));
        abort();
    }
    if (supervisor->apply.state == APPLY_IDLE)
        worker_slots_tell(supervisor->slots, 0, &all);
}

static enum err link_message(void *owner, const struct message *message, struct problem *problem)
{
    struct supervisor *supervisor = owner;
    origin_news_linked(&supervisor->news);
    enum err err = replica_apply_message(&supervisor->apply, message, problem);
    if (err == ERR_CORRUPT)
        replace_replica(supervisor);
    return err;
}

static void link_lost(void *owner)
{
    struct supervisor *supervisor = owner;
    origin_news_unlinked(&supervisor->news);
    replica_apply_reset(&supervisor->apply);
}

static const struct control_link_events link_events = {
    .hello = link_hello,
    .message = link_message,
    .lost = link_lost,
    .revision = link_revision,
};

static void apply_tell(void *owner, uint64_t revision, const struct replica_changes *changes)
{
    struct supervisor *supervisor = owner;
    worker_slots_tell(supervisor->slots, revision, changes);
}

static void apply_answer(void *owner, const struct message *message)
{
    struct supervisor *supervisor = owner;
    if (supervisor->link != NULL)
        control_link_send(supervisor->link, message);
}

static const struct replica_apply_events apply_events = {
    .tell = apply_tell,
    .answer = apply_answer,
};

static void open_link(struct supervisor *supervisor)
{
    const struct control_link_options options = {
        .loop = &supervisor->loop,
        .path = supervisor->flags->socket,
        .events = &link_events,
        .owner = supervisor,
    };
    uv_timer_stop(&supervisor->link_latest);
    if (supervisor->link == NULL && !supervisor->stopping)
        supervisor->link = control_link_open(&options);
}

static void link_latest_due(uv_timer_t *timer)
{
    open_link(timer->data);
}

/* ---- workers */

static void alive_due(uv_timer_t *timer)
{
    (void)timer;
    service_tell(SERVICE_ALIVE);
}

static void slots_ready(void *owner)
{
    struct supervisor *supervisor = owner;
    open_link(supervisor);
    fputs("ready\n", stdout);
    fflush(stdout);
    supervisor->serving = true;
    service_tell(SERVICE_READY);
    uint64_t alive_ms = service_watchdog_ms();
    if (alive_ms > 0)
        uv_timer_start(&supervisor->alive, alive_due, 0, alive_ms);
}

static void slots_told(void *owner, uint32_t workers_applied, uint32_t workers)
{
    struct supervisor *supervisor = owner;
    if (supervisor->apply.state == APPLY_TELLING)
        replica_apply_told(&supervisor->apply, workers_applied, workers);
}

static void slots_crashed(void *owner)
{
    struct supervisor *supervisor = owner;
    replica_apply_worker_crashed(&supervisor->apply);
}

static void slots_stopped(void *owner)
{
    struct supervisor *supervisor = owner;
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&supervisor->signals[i], NULL);
    uv_close((uv_handle_t *)&supervisor->orphans, NULL);
    uv_close((uv_handle_t *)&supervisor->link_latest, NULL);
    uv_close((uv_handle_t *)&supervisor->alive, NULL);
    ticket_keys_release(&supervisor->ticket_keys);
    admin_close(&supervisor->admin);
    worker_slots_free(&supervisor->slots);
}

static const struct worker_slots_events slots_events = {
    .on_ready = slots_ready,
    .on_told = slots_told,
    .on_crashed = slots_crashed,
    .on_stopped = slots_stopped,
};

static bool is_outdated(const struct supervisor *supervisor, const struct digest *identity)
{
    const struct worker_identity ours = {
        .program = supervisor->program,
        .argv = supervisor->argv,
        .access_log_fd = supervisor->access_log_fd,
    };
    struct digest wanted = worker_identity_digest(&ours);
    return !digest_equal(&wanted, identity);
}

/* One that came too late for its slot: its sockets make a slot of their own, unless the slot has
 * them already. */
static void orphan_waits(uv_poll_t *poll, int status, int events)
{
    struct supervisor *supervisor = poll->data;
    struct adopted late;
    (void)events;
    if (status != 0 || adoption_accept(&supervisor->door, &late) != ERR_OK)
        return;
    close(late.counters_fd); /* its siblings' are read already, or it has none of ours */
    const struct worker_orphan orphan = {
        .pid = late.pid,
        .channel_fd = late.channel_fd,
        .outdated = is_outdated(supervisor, &late.identity),
    };
    unsigned count = worker_slots_count(supervisor->slots);
    if (supervisor->stopping || count == LIMIT_WORKERS ||
        worker_slots_find(supervisor->slots, late.https_fd) < count) {
        close(late.https_fd);
        close(late.http_fd);
        worker_slots_dismiss(supervisor->slots, &orphan);
        return;
    }
    unsigned slot = worker_slots_add(supervisor->slots, late.https_fd, late.http_fd);
    worker_slots_adopt(supervisor->slots, slot, &orphan);
}

/* ---- signals */

static enum err open_access_log(struct supervisor *supervisor, struct problem *problem)
{
    const char *path = supervisor->flags->access_log;
    int fd = -1;
    if (path[0] == '\0')
        return ERR_OK;
    if (path[0] == '-' && path[1] == '\0')
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    else
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return problem_set(problem, ERR_IO, "--access-log", "%.120s: %s", path, strerror(errno));
    if (supervisor->access_log_fd >= 0)
        close(supervisor->access_log_fd);
    supervisor->access_log_fd = fd;
    return ERR_OK;
}

static void reload(struct supervisor *supervisor)
{
    struct problem problem;
    if (supervisor->serving)
        service_tell(SERVICE_RELOADING);
    if (open_access_log(supervisor, &problem) != ERR_OK)
        log_error("access_log_open_failed", F_STR("text", problem.text));
    log_info("supervisor_reload", F_U64("workers", worker_slots_count(supervisor->slots)));
    worker_slots_reload(supervisor->slots, supervisor->access_log_fd);
    if (supervisor->serving)
        service_tell(SERVICE_READY);
}

static void stop(struct supervisor *supervisor)
{
    if (supervisor->stopping) {
        worker_slots_kill(supervisor->slots);
        return;
    }
    log_info("supervisor_stop", F_U64("drain_timeout_ms", supervisor->flags->drain_timeout_ms));
    supervisor->stopping = true;
    service_tell(SERVICE_STOPPING);
    control_link_close(&supervisor->link);
    worker_slots_stop(supervisor->slots);
}

static void signal_came(uv_signal_t *handle, int number)
{
    if (number == SIGHUP)
        reload(handle->data);
    else
        stop(handle->data);
}

/* ---- building */

static enum err open_replica(struct supervisor *supervisor, struct problem *problem)
{
    char key_path[STATE_PATH_BYTES], path[STATE_PATH_BYTES];
    struct seal_key key;
    bool replaced;
    state_path(supervisor->flags->state, STATE_EDGE_KEY, key_path);
    state_path(supervisor->flags->state, STATE_REPLICA, path);
    TRY(seal_key_load(key_path, true, &key, problem));
    enum err err = replica_open(path, &key, &supervisor->replica, &replaced, problem);
    seal_key_wipe(&key);
    return err;
}

static enum err check_files(const struct edge_flags *flags, struct problem *problem)
{
    if (flags->origin_ca[0] != '\0' && access(flags->origin_ca, R_OK) != 0)
        return problem_set(problem, ERR_IO, "--origin-ca", "%.120s: %s", flags->origin_ca,
                           strerror(errno));
    return ERR_OK;
}

static enum err open_admin_socket(struct supervisor *supervisor, struct problem *problem)
{
    TRY(listen_probe(supervisor->flags->admin, problem));
    return listen_bind(supervisor->flags->admin, &supervisor->admin_fd, problem);
}

static enum err choose_user(struct supervisor *supervisor, struct problem *problem)
{
    struct privilege_user user;
    TRY(worker_user_choose(supervisor->flags, &user, problem));
    supervisor->door.worker_uid = user.uid;
    if (user.uid != geteuid())
        supervisor->group = user.gid;
    return ERR_OK;
}

/* Everything that can be wrong on this machine, before anything is changed on the loop. */
static enum err prepare(struct supervisor *supervisor, struct problem *problem)
{
    struct edge_flags *flags = supervisor->flags;
    umask(077);
    size_t program_bytes = sizeof(supervisor->program);
    if (uv_exepath(supervisor->program, &program_bytes) != 0)
        return problem_set(problem, ERR_IO, "program", "cannot find its own file");
    TRY(activation_take(&supervisor->activation, problem));
    TRY(choose_user(supervisor, problem));
    supervisor->argv = edge_flags_arguments(flags);
    TRY(check_files(flags, problem));
    TRY(state_dir_open(flags->state, supervisor->group, &supervisor->lock_fd, problem));
    TRY(open_access_log(supervisor, problem));
    TRY(open_replica(supervisor, problem));
    if (flags->admin[0] != '\0')
        TRY(open_admin_socket(supervisor, problem));
    TRY(adoption_listen(flags->state, &supervisor->door.fd, problem));
    return state_share(flags->state, supervisor->group, problem);
}

/* Before the first channel opens. */
static void open_board(struct supervisor *supervisor, bool workers_adopted)
{
    char path[STATE_PATH_BYTES];
    const struct ticket_keys_options keys = {
        .loop = &supervisor->loop,
        .board = &supervisor->board,
        .rotation_ms = supervisor->flags->ticket_rotation_ms,
        .awaited = workers_adopted,
    };
    state_path(supervisor->flags->state, STATE_PROTOCOLS, path);
    worker_board_init(&supervisor->board, &supervisor->loop);
    origin_news_init(&supervisor->news, &supervisor->board, protocol_memory_open(path));
    supervisor->news.say = apply_answer;
    supervisor->news.owner = supervisor;
    ticket_keys_init(&supervisor->ticket_keys, &keys);
}

static void add_slots(struct supervisor *supervisor, const struct sockets *sockets)
{
    for (unsigned i = 0; i < sockets->slot_count; i++) {
        const struct socket_pair *pair = &sockets->slots[i];
        unsigned slot = worker_slots_add(supervisor->slots, pair->https_fd, pair->http_fd);
        const struct worker_orphan orphan = {
            .pid = pair->orphan_pid,
            .channel_fd = pair->channel_fd,
            .outdated = is_outdated(supervisor, &pair->orphan_identity),
        };
        if (pair->channel_fd >= 0)
            worker_slots_adopt(supervisor->slots, slot, &orphan);
    }
    for (unsigned i = 0; i < sockets->surplus_count; i++) {
        struct worker_orphan orphan = {.pid = sockets->surplus[i].pid};
        orphan.channel_fd = sockets->surplus[i].channel_fd;
        worker_slots_dismiss(supervisor->slots, &orphan);
    }
}

static void open_admin(struct supervisor *supervisor)
{
    supervisor->status = (struct edge_status){
        .edge_id = supervisor->flags->edge_id,
        .loop = &supervisor->loop,
        .started_at_ms = loop_now_ms(&supervisor->loop),
        .replica = &supervisor->replica,
        .news = &supervisor->news,
        .slots = supervisor->slots,
        .counters = &supervisor->counters,
    };
    if (supervisor->admin_fd >= 0)
        supervisor->admin =
            admin_open(&supervisor->loop, supervisor->admin_fd, &supervisor->status);
    supervisor->admin_fd = -1;
}

static void start_loop(struct supervisor *supervisor)
{
    uv_loop_t *uv = &supervisor->loop.uv;
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(uv, &supervisor->signals[i]);
        supervisor->signals[i].data = supervisor;
        uv_signal_start(&supervisor->signals[i], signal_came, signal_numbers[i]);
    }
    uv_poll_init(uv, &supervisor->orphans, supervisor->door.fd);
    supervisor->orphans.data = supervisor;
    uv_poll_start(&supervisor->orphans, UV_READABLE, orphan_waits);
    uv_timer_init(uv, &supervisor->alive);
    uv_timer_init(uv, &supervisor->link_latest);
    supervisor->link_latest.data = supervisor;
    uv_timer_start(&supervisor->link_latest, link_latest_due, LINK_LATEST_MS, 0);
}

static void log_start(const struct supervisor *supervisor, const struct sockets *sockets)
{
    char https[64], http[64];
    struct replica_position have;
    replica_position(supervisor->replica, &have);
    listen_address(sockets->slots[0].https_fd, https, sizeof(https));
    listen_address(sockets->slots[0].http_fd, http, sizeof(http));
    log_info("supervisor_start", F_STR("https", https), F_STR("http", http),
             F_U64("workers", sockets->slot_count), F_U64("adopted", sockets->adopted_count),
             F_U64("revision", have.revision), F_STR("edge", supervisor->flags->edge_id),
             F_I64("pid", getpid()));
}

/* A socket that was passed and that nobody accepts from would swallow its share. */
static unsigned slots_wanted(const struct supervisor *supervisor)
{
    unsigned wanted = (unsigned)supervisor->flags->workers;
    if (wanted < supervisor->activation.https.count)
        wanted = supervisor->activation.https.count;
    return wanted < supervisor->activation.http.count ? supervisor->activation.http.count : wanted;
}

static enum err serve(struct supervisor *supervisor, struct problem *problem)
{
    struct sockets *sockets = mem_new(struct sockets);
    const struct sockets_options wanted = {
        .state = supervisor->flags->state,
        .door = &supervisor->door,
        .https = supervisor->flags->https,
        .http = supervisor->flags->http,
        .activation = &supervisor->activation,
        .slot_count = slots_wanted(supervisor),
    };
    enum err err = sockets_open(&wanted, sockets, problem);
    supervisor->counters = sockets->counters;
    if (err == ERR_OK && supervisor->counters.memory == NULL)
        err = counter_pages_make(&supervisor->counters, problem);
    if (err == ERR_OK)
        err = loop_open(&supervisor->loop);
    if (err == ERR_OK) {
        const struct worker_slots_options options = {
            .loop = &supervisor->loop,
            .program = supervisor->program,
            .argv = supervisor->argv,
            .counters_fd = supervisor->counters.fd,
            .drain_timeout_ms = supervisor->flags->drain_timeout_ms,
            .events = &slots_events,
            .owner = supervisor,
        };
        log_start(supervisor, sockets);
        open_board(supervisor, sockets->adopted_count > 0);
        supervisor->slots = worker_slots_new(&options);
        replica_apply_init(&supervisor->apply, &supervisor->replica, &apply_events, supervisor);
        start_loop(supervisor);
        open_admin(supervisor);
        add_slots(supervisor, sockets);
        worker_slots_start(supervisor->slots, supervisor->access_log_fd);
        loop_run(&supervisor->loop);
        origin_news_release(&supervisor->news);
        replica_apply_release(&supervisor->apply);
        loop_close(&supervisor->loop);
    }
    mem_free(&sockets);
    return err;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

enum err supervisor_run(struct edge_flags *flags, struct problem *problem)
{
    struct supervisor *supervisor = mem_new(struct supervisor);
    supervisor->flags = flags;
    supervisor->lock_fd = supervisor->door.fd = supervisor->access_log_fd = -1;
    supervisor->group = STATE_NO_GROUP;
    supervisor->admin_fd = -1;
    signal(SIGPIPE, SIG_IGN);
    privilege_harden();
    enum err err = prepare(supervisor, problem);
    if (err == ERR_OK)
        err = serve(supervisor, problem);
    replica_close(&supervisor->replica);
    counter_pages_release(&supervisor->counters);
    close_fd(supervisor->door.fd);
    close_fd(supervisor->access_log_fd);
    close_fd(supervisor->lock_fd);
    close_fd(supervisor->admin_fd);
    mem_free(&supervisor);
    return err;
}
