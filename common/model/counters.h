/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.h - one page of counters: who counts, adds; who asks, reads; nobody waits.
 *
 * A page belongs to a slot, and all processes of that slot add to it (one that drains and the one
 * that replaces it), so adding is atomic; the order between counters is not kept.  It lies in
 * memory that the supervisor shares with its workers (dataplane/net/counter_pages.h): what a worker
 * that died has counted stays.
 *
 * Threads: any process, any thread.
 */
#ifndef TRUNKLINE_COMMON_MODEL_COUNTERS_H
#define TRUNKLINE_COMMON_MODEL_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/model/counter_table.h"

struct counters {
    _Atomic uint64_t value[COUNTER_COUNT];
};

static inline void counters_add(struct counters *counters, enum counter which, uint64_t count)
{
    atomic_fetch_add_explicit(&counters->value[which], count, memory_order_relaxed);
}

static inline uint64_t counters_read(const struct counters *counters, enum counter which)
{
    return atomic_load_explicit(&counters->value[which], memory_order_relaxed);
}

/* "CLIENT_CONNS", as in the table; lent for ever, as is what it means. */
const char *counter_name(enum counter which);
const char *counter_help(enum counter which);

#endif
