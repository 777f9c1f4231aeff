/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_int.h - what tcp_dial needs of transport_tcp.
 */
#ifndef TRUNKLINE_DATAPLANE_NET_TCP_INT_H
#define TRUNKLINE_DATAPLANE_NET_TCP_INT_H

#include "dataplane/net/transport.h"

/* Takes fd, connected or about to be.  *uv is lent for uv_tcp_connect. */
struct transport *transport_tcp_from_fd(struct loop *loop, int fd, uv_tcp_t **uv);

#endif
