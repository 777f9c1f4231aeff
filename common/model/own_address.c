/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_address.c - a UDP socket, connected and asked for its own end.
 */
#include "common/model/own_address.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t to_sockaddr(const struct address *address, struct sockaddr_storage *out)
{
    const in_port_t any_port = htons(9);
    *out = (struct sockaddr_storage){0};
    if (address_is_v4(address)) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
        in->sin_family = AF_INET;
        in->sin_port = any_port;
        memcpy(&in->sin_addr, address->bytes + 12, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = any_port;
    memcpy(&in6->sin6_addr, address->bytes, 16);
    return sizeof(*in6);
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
    return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, 16) == 0;
}

bool own_address_is(const struct address *address)
{
    struct sockaddr_storage there, here = {0};
    socklen_t there_bytes = to_sockaddr(address, &there), here_bytes = sizeof(here);
    int fd = socket(there.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno != EAFNOSUPPORT;
    bool own = connect(fd, (struct sockaddr *)&there, there_bytes) == 0 &&
               getsockname(fd, (struct sockaddr *)&here, &here_bytes) == 0 &&
               same_host(&there, &here);
    close(fd);
    return own;
}
