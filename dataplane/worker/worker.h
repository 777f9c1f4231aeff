/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - one process, one loop, one thread: the parts of the data plane, put together.
 *
 *      https, http listeners --> client codecs --> proxy --> origin pools --> origins
 *                        certificates ^              ^
 *                                     '--- router ---'--- replica (read-only)
 *      supervisor_channel: zones changed, drain
 *
 * SIGTERM drains.  SIGINT and SIGHUP are the supervisor's business and ignored.  A worker whose
 * supervisor dies goes on serving and looks for the next one (supervisor_channel.h).
 */
#ifndef TRUNKLINE_DATAPLANE_WORKER_WORKER_H
#define TRUNKLINE_DATAPLANE_WORKER_WORKER_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/model/address_policy.h"
#include "common/model/digest.h"
#include "common/model/seal.h"
#include "dataplane/client/client_limits.h"
#include "dataplane/http/client_terms.h"
#include "dataplane/worker/sandbox.h"

/* Texts and descriptors are lent until worker_run returns; the descriptors are taken. */
struct worker_options {
    unsigned slot;
    int channel_fd, https_fd, http_fd;
    int counters_fd;        /* of counter_pages.h */
    int access_log_fd;      /* -1: none */
    int slot_lock_fd;       /* held while this worker accepts */
    struct digest identity; /* what this worker was started as, for the next supervisor */
    struct sandbox_options sandbox;
    const char *replica_path;
    struct seal_key *edge_key;                  /* wiped once the router has it */
    const char *supervisor_path;                /* where the next supervisor listens */
    const char *origin_ca, *resolver, *edge_id; /* NULL: the system's, for the first two */
    const struct address_policy *policy;        /* where origins may be */
    const struct address_ranges *proxies;       /* whose word about visitors is believed */
    const struct client_terms *terms;
    uint64_t zone_exchanges_max;
    struct client_limits_options limits;
    uint64_t origin_suspension_ms;
    uint64_t origin_connect_timeout_ms, origin_read_timeout_ms, drain_timeout_ms;
    uint64_t tunnel_idle_timeout_ms;
    uint64_t origin_conn_requests, origin_conn_age_ms;
    uint64_t upload_bytes_max; /* 0: no limit */
};

/* Enters the sandbox, then serves until it is drained.  Not OK: it could not start, and the problem
 * says why. */
MUST_USE enum err worker_run(const struct worker_options *options, struct problem *problem);

#endif
