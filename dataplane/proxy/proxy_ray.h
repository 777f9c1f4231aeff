/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_ray.h - the id of an exchange that everybody sees: 16 hex digits, a hyphen, the edge's id.
 *
 * A counter behind a mixing function: unique in a worker for 2^64 exchanges, random between
 * workers, no system call.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_RAY_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_RAY_H

#include "common/base/arena.h"

struct proxy_rays {
    uint64_t seed, counter;
};

void proxy_rays_init(struct proxy_rays *rays);
/* The next one, in the arena. */
struct span proxy_rays_next(struct proxy_rays *rays, struct span edge_id, struct arena *arena);

#endif
