/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_flags.h - what the command line and the config file set: one table for parsing, --help, the
 * file, and for what the supervisor hands on to its workers.
 *
 * A flag that is not there has its default, a flag given twice is an error (but ranges, which are
 * lists), a flag beside --config wins over the file.  The supervisor reads the file once:
 * workers get every value as a flag, so that a file that was edited meanwhile surprises nobody.
 *
 * Ownership: texts live in the arena.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_EDGE_FLAGS_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_EDGE_FLAGS_H

#include <stdio.h>

#include "common/base/arena.h"
#include "common/model/address_policy.h"
#include "common/model/limits.h"
#include "dataplane/http/client_terms.h"

#define EDGE_ID_BYTES_MAX 63

/* Ranges as given, and parsed. */
struct edge_ranges {
    const char *texts[ADDRESS_POLICY_RANGES_MAX];
    struct address_ranges parsed;
};

struct edge_flags {
    struct arena arena;
    const char *socket, *state;
    const char *https, *http;
    uint64_t workers;
    const char *origin_ca; /* "": the system's */
    const char *allow_origin[ADDRESS_POLICY_RANGES_MAX], *own_address[ADDRESS_POLICY_RANGES_MAX];
    struct edge_ranges trusted_proxy;
    uint64_t zone_exchanges_max, address_conns_max, address_handshakes_per_s; /* 0: any number */
    struct client_terms client;
    const char *origin_ports;     /* "": the table of address_policy.h */
    struct address_policy policy; /* the three that are about origins, parsed */
    const char *resolver;         /* "": the system's */
    const char *access_log;       /* "": none; "-": stdout */
    uint64_t origin_connect_timeout_ms, origin_read_timeout_ms, drain_timeout_ms;
    uint64_t tunnel_idle_timeout_ms, ticket_rotation_ms;
    uint64_t origin_conn_requests, origin_conn_age_ms;
    uint64_t origin_suspension_ms;
    uint64_t upload_bytes_max; /* 0: no limit */
    const char *edge_id;
    const char *admin;   /* "": none */
    const char *user;    /* of the workers; "": trunkline-edge, if there is one */
    const char *sandbox; /* "on", "off", "auto" */
    const char *config;
    uint64_t worker_slot; /* of a worker; EDGE_FLAGS_SUPERVISOR otherwise */
    uint64_t given;       /* one bit a row */
};

#define EDGE_FLAGS_SUPERVISOR UINT64_MAX

/* ERR_CLOSED: --help was asked for.  ERR_INVALID: the problem's path is the flag ("--workers") or
 * the member of the file. */
MUST_USE enum err edge_flags_parse(int argc, const char *const *argv, struct edge_flags *out,
                                   struct problem *problem);
void edge_flags_release(struct edge_flags *flags);

void edge_flags_help(FILE *out);

/* The flags as arguments for a worker, NULL at the end; they live in the arena. */
const char *const *edge_flags_arguments(struct edge_flags *flags);

#endif
