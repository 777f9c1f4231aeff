/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_acked.c - TCP_INFO.
 */
#include "dataplane/net/tcp_acked.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

bool tcp_acked_ask(int fd, struct tcp_acked *out)
{
    struct tcp_info tcp = {0};
    socklen_t bytes = sizeof(tcp);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &bytes) != 0)
        return false;
    out->acked_bytes = tcp.tcpi_bytes_acked;
    out->waiting = tcp.tcpi_notsent_bytes > 0 || tcp.tcpi_unacked > 0;
    return true;
}
