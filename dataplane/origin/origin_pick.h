/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin_pick.h - which of a hostname's origins gets this exchange.
 *
 * Origins that failed a dial are set aside with a growing pause; the others share the load, the
 * least burdened first, ties by turns.  When all are set aside the one that has rested longest is
 * tried: 521 comes only when all refuse.
 */
#ifndef TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_PICK_H
#define TRUNKLINE_DATAPLANE_ORIGIN_ORIGIN_PICK_H

#include "dataplane/origin/origin_pool.h"

/* Chooses among origins[0..count) those whose bit in `tried` is not set; returns its index, or
 * count when all were tried. */
size_t origin_pick(struct origin_pools *pools, const struct origin *origins, size_t count,
                   uint64_t tried);

#endif
