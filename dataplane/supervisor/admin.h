/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin.h - what operators and their monitoring ask an edge, over plain HTTP/1.1.
 *
 *      GET /healthz   200 while the supervisor runs
 *      GET /readyz    200 while every slot has a worker that accepts, else 503
 *      GET /metrics   Prometheus text: the counters of all workers (common/model/counter_table.h)
 *      GET /status    JSON: edge, revision, link, workers
 *      GET /status.txt  the same for people (`trunkline-edge status`)
 *
 * It changes nothing and knows no visitor; still it belongs on loopback or a network of operators.
 * A request is an exchange like any other, answered by a reply side (flow.md L6).
 *
 * Limits: LIMIT_ADMIN_CONNS connections; the deadlines of any HTTP/1.1 visitor.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_ADMIN_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_ADMIN_H

#include "dataplane/supervisor/edge_status.h"

struct admin;

/* Takes a listening socket.  status outlives it. */
struct admin *admin_open(struct loop *loop, int fd, const struct edge_status *status);
/* Cuts its connections; it frees itself from the loop.  NULL is fine. */
void admin_close(struct admin **admin);

#endif
