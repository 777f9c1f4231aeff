/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_watch.h - whether a peer takes what was written to it.
 *
 * While something of it waits, in our memory or in the kernel's, the peer has to acknowledge bytes
 * at a pace.  What the kernel took is no measure: it takes megabytes, and then tells of room in
 * steps of a third of them, so that a slow but honest peer looks dead for minutes and a dead one
 * alive.  With nothing left to take, silence is nobody's fault and the watch rests.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TCP_WATCH_H
#define TRUNKLINE_DATAPLANE_NET_TCP_WATCH_H

#include "common/base/pace.h"
#include "dataplane/net/deadline.h"

struct tcp_watch {
    struct loop *loop; /* NULL: nobody watches */
    struct pace_terms terms;
    struct deadline deadline;
    struct pace pace;
    uint64_t acked_bytes; /* at the last look */
};

static inline void tcp_watch_wrote(struct tcp_watch *watch, deadline_fn *look)
{
    if (!watch->loop || deadline_armed(&watch->deadline))
        return;
    pace_begin(&watch->pace, loop_now_ms(watch->loop));
    deadline_arm(watch->loop, &watch->deadline, PACE_CHECK_MS(&watch->terms), look);
}

/* From look: true when the peer is late; otherwise the next look follows while something of
 * pending_bytes or of what the kernel holds waits. */
MUST_USE bool tcp_watch_late(struct tcp_watch *watch, int fd, size_t pending_bytes,
                             deadline_fn *look);

#endif
