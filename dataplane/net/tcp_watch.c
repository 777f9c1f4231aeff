/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_watch.c - whether a peer takes what was written to it.
 */
#include "dataplane/net/tcp_watch.h"

#include "dataplane/net/tcp_acked.h"

bool tcp_watch_late(struct tcp_watch *watch, int fd, size_t pending_bytes, deadline_fn *look)
{
    struct tcp_acked now;
    if (!tcp_acked_ask(fd, &now))
        return false; /* it is gone already, and that is told otherwise */
    watch->pace.moved_bytes += now.acked_bytes - watch->acked_bytes;
    watch->acked_bytes = now.acked_bytes;
    if (pending_bytes == 0 && !now.waiting)
        return false;
    if (pace_late(&watch->pace, &watch->terms, loop_now_ms(watch->loop)))
        return true;
    deadline_arm(watch->loop, &watch->deadline, PACE_CHECK_MS(&watch->terms), look);
    return false;
}
