/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - trunkline-edge: the supervisor, or with --worker-slot one of its workers.
 *
 * Exit status: 0 stopped in order; 1 could not start; 2 the command line is wrong.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/model/own_address.h"
#include "dataplane/net/listen.h"
#include "dataplane/supervisor/edge_flags.h"
#include "dataplane/supervisor/state_dir.h"
#include "dataplane/supervisor/status_command.h"
#include "dataplane/supervisor/supervisor.h"
#include "dataplane/supervisor/worker_identity.h"
#include "dataplane/supervisor/worker_process.h"
#include "dataplane/supervisor/worker_user.h"
#include "dataplane/worker/worker.h"

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* Inherited without it; a worker starts nobody, but what it is given is its alone. */
static int own_fd(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

static enum sandbox_mode sandbox_mode(const char *text)
{
    return strcmp(text, "on") == 0    ? SANDBOX_ON
           : strcmp(text, "off") == 0 ? SANDBOX_OFF
                                      : SANDBOX_AUTO;
}

static enum err run_worker(struct edge_flags *flags, struct problem *problem)
{
    char replica[STATE_PATH_BYTES], key[STATE_PATH_BYTES], supervisor[STATE_PATH_BYTES];
    char lock[STATE_PATH_BYTES];
    struct privilege_user user;
    struct seal_key edge_key;
    unsigned slot = (unsigned)flags->worker_slot;
    struct worker_options options = {
        .slot = slot,
        .channel_fd = own_fd(WORKER_FD_CHANNEL),
        .https_fd = own_fd(WORKER_FD_HTTPS),
        .http_fd = own_fd(WORKER_FD_HTTP),
        .counters_fd = own_fd(WORKER_FD_COUNTERS),
        .access_log_fd = flags->access_log[0] != '\0' ? own_fd(WORKER_FD_ACCESS_LOG) : -1,
        .sandbox = {.mode = sandbox_mode(flags->sandbox), .state = flags->state},
        .replica_path = replica,
        .edge_key = &edge_key,
        .supervisor_path = supervisor,
        .origin_ca = text_or_null(flags->origin_ca),
        .resolver = text_or_null(flags->resolver),
        .edge_id = flags->edge_id,
        .policy = &flags->policy,
        .proxies = &flags->trusted_proxy.parsed,
        .terms = &flags->client,
        .zone_exchanges_max = flags->zone_exchanges_max,
        .limits = {.address_conns_max = flags->address_conns_max,
                   .address_handshakes_per_s = flags->address_handshakes_per_s,
                   .workers = (unsigned)flags->workers},
        .origin_connect_timeout_ms = flags->origin_connect_timeout_ms,
        .origin_conn_requests = flags->origin_conn_requests,
        .origin_conn_age_ms = flags->origin_conn_age_ms,
        .upload_bytes_max = flags->upload_bytes_max,
        .origin_suspension_ms = flags->origin_suspension_ms,
        .origin_read_timeout_ms = flags->origin_read_timeout_ms,
        .tunnel_idle_timeout_ms = flags->tunnel_idle_timeout_ms,
        .drain_timeout_ms = flags->drain_timeout_ms,
    };
    flags->policy.is_own = own_address_is;
    flags->policy.listens[flags->policy.listen_count++] = listen_port(options.https_fd);
    flags->policy.listens[flags->policy.listen_count++] = listen_port(options.http_fd);
    if (options.channel_fd < 0 || options.https_fd < 0 || options.http_fd < 0 ||
        options.counters_fd < 0)
        return problem_set(problem, ERR_INVALID, "--worker-slot",
                           "is for the supervisor, which hands its sockets on");
    const struct worker_identity identity = {
        .program = "/proc/self/exe",
        .argv = edge_flags_arguments(flags),
        .access_log_fd = options.access_log_fd,
    };
    options.identity = worker_identity_digest(&identity);
    state_path(flags->state, STATE_REPLICA, replica);
    state_path(flags->state, STATE_EDGE_KEY, key);
    state_path(flags->state, STATE_SOCKET, supervisor);
    state_slot_path(flags->state, slot, lock);
    if (state_slot_hold(lock, &options.slot_lock_fd) != ERR_OK)
        return problem_set(problem, ERR_IO, "state", "%s cannot be locked", lock);
    TRY(seal_key_load(key, false, &edge_key, problem));
    options.sandbox.origin_ca = options.origin_ca;
    if (flags->user[0] != '\0') {
        TRY(worker_user_find(flags->user, &user, problem));
        options.sandbox.user = &user;
    }
    return worker_run(&options, problem);
}

static int run(struct edge_flags *flags)
{
    char component[32] = "supervisor";
    struct problem problem = {.code = ERR_OK};
    bool worker = flags->worker_slot != EDGE_FLAGS_SUPERVISOR;
    if (worker)
        text_format(component, sizeof(component), "worker-%llu",
                    (unsigned long long)flags->worker_slot);
    log_open(component);
    enum err err = worker ? run_worker(flags, &problem) : supervisor_run(flags, &problem);
    if (err != ERR_OK)
        log_error("edge_start_failed", F_STR("path", problem.path), F_STR("text", problem.text),
                  F_ERR(err));
    return err == ERR_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct edge_flags flags;
    struct problem problem;
    if (argc > 1 && strcmp(argv[1], "status") == 0)
        return status_command(argc - 2, (const char *const *)argv + 2);
    enum err err = edge_flags_parse(argc, (const char *const *)argv, &flags, &problem);
    if (err == ERR_CLOSED) {
        edge_flags_help(stdout);
        return 0;
    }
    if (err != ERR_OK) {
        fprintf(stderr, "trunkline-edge: %s: %s\n", problem.path, problem.text);
        return 2;
    }
    int status = run(&flags);
    edge_flags_release(&flags);
    return status;
}
