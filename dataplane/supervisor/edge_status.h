/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_status.h - what an edge is and does, as text for machines and for people.
 *
 * It borrows the parts that know and asks them; it changes nothing.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_EDGE_STATUS_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_EDGE_STATUS_H

#include "common/base/buf.h"
#include "dataplane/net/counter_pages.h"
#include "dataplane/supervisor/origin_news.h"
#include "dataplane/supervisor/worker_slots.h"

struct edge_status {
    const char *edge_id;
    struct loop *loop;
    uint64_t started_at_ms;
    struct replica *const *replica;
    const struct origin_news *news; /* knows whether control is there */
    const struct worker_slots *slots;
    const struct counter_pages *counters;
};

/* Every slot has a worker that accepts. */
bool edge_status_ready(const struct edge_status *status);

void edge_status_json(const struct edge_status *status, struct buf *out);
void edge_status_text(const struct edge_status *status, struct buf *out);
/* Prometheus text format 0.0.4. */
void edge_status_metrics(const struct edge_status *status, struct buf *out);

#endif
