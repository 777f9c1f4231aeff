/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_acked.h - what a peer has acknowledged, asked of the kernel.
 *
 * A room of its own, because the kernel's header of TCP and the one that uv.h brings along cannot
 * be read together, and the latter does not know these numbers.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TCP_ACKED_H
#define TRUNKLINE_DATAPLANE_NET_TCP_ACKED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/assert.h"

struct tcp_acked {
    uint64_t acked_bytes; /* since the connection began */
    bool waiting;         /* the kernel holds bytes that are not acknowledged */
};

/* False when there is no connection any more. */
MUST_USE bool tcp_acked_ask(int fd, struct tcp_acked *out);

#endif
