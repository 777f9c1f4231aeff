/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_identity.h - are two workers the same: program, flags and access log?
 *
 * A supervisor that finds workers of a dead one keeps those that are what it would start itself,
 * and replaces the others: so a supervisor's death costs no visitor anything, and a new binary or a
 * new flag still takes effect.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_IDENTITY_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_WORKER_IDENTITY_H

#include "common/model/digest.h"

struct worker_identity {
    const char *program;     /* a path; /proc/self/exe for a worker itself */
    const char *const *argv; /* edge_flags_arguments */
    int access_log_fd;       /* -1: none */
};

/* A program that cannot be looked at is like no other. */
struct digest worker_identity_digest(const struct worker_identity *identity);

#endif
