/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_int.h - what transport_tls knows of transport_tcp beyond the vtable.
 *
 * Encrypted records are made in a scratch that all connections of a loop share.  They go from there
 * to the kernel without a copy; only what the kernel did not take is kept.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TRANSPORT_INT_H
#define TRUNKLINE_DATAPLANE_NET_TRANSPORT_INT_H

#include "dataplane/net/transport.h"

/* How long transport_close goes on trying to deliver what is pending. */
#define TRANSPORT_CLOSE_MS 2000

/* Writes now, in one system call, behind what is pending already; what is left is pending and
 * on_room follows when it has become little.  bytes.len <= transport_write_room(t).  A failure is
 * told later, like that of transport_write. */
void transport_tcp_write_now(struct transport *t, struct span bytes);

/* Bytes that the kernel has not taken yet. */
size_t transport_tcp_pending(const struct transport *t);

/* What a transport calls once its owner is gone. */
const struct transport_events *transport_no_events(void);

#endif
