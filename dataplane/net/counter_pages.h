/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter_pages.h - a page of counters for each worker slot, in memory that processes share.
 *
 *      supervisor: make --descriptor--> worker: map, counts on the page of its slot
 *          '--- sums over all pages, whoever lives
 *
 * The memory is a memfd that cannot shrink; it outlives workers, and through the orphans that hold
 * the descriptor also the supervisor (adoption.h).  Its first page says what the counters are
 * called, so that a program of another version does not take one for another.
 *
 * Limits: LIMIT_WORKERS pages of 4 KiB.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_COUNTER_PAGES_H
#define TRUNKLINE_DATAPLANE_NET_COUNTER_PAGES_H

#include "common/base/err.h"
#include "common/model/counters.h"

struct counter_pages {
    int fd;
    uint8_t *memory;
};

/* All counters are zero. */
MUST_USE enum err counter_pages_make(struct counter_pages *out, struct problem *problem);
/* Takes fd.  ERR_INVALID: it is not such memory, or of another version; fd is closed. */
MUST_USE enum err counter_pages_map(int fd, struct counter_pages *out);
/* Closes and unmaps; zeroed ones are fine. */
void counter_pages_release(struct counter_pages *pages);

struct counters *counter_pages_of(const struct counter_pages *pages, unsigned slot);
/* Over all slots. */
uint64_t counter_pages_sum(const struct counter_pages *pages, enum counter which);

#endif
