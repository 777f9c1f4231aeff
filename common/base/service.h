/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - what a program tells systemd, and what it is given by it.
 *
 * The protocol is a datagram of KEY=value lines to the socket in NOTIFY_SOCKET, and inherited
 * descriptors that LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES describe.  Where the variables are not
 * set there is no systemd, and every call here does nothing.
 */
#ifndef TRUNKLINE_COMMON_BASE_SERVICE_H
#define TRUNKLINE_COMMON_BASE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

enum service_state { SERVICE_READY, SERVICE_RELOADING, SERVICE_STOPPING, SERVICE_ALIVE };

/* Best effort: a systemd that does not listen changes nothing. */
void service_tell(enum service_state state);

/* SERVICE_ALIVE is to be told at least this often, half of what systemd would wait; 0: never. */
uint64_t service_watchdog_ms(void);

#define SERVICE_FIRST_FD 3

/* How many descriptors were passed, from SERVICE_FIRST_FD on; they are closed by exec from here on,
 * and forgotten in the environment, so that a child does not take them for its own. */
unsigned service_take_fds(unsigned fds_max);
/* Their FileDescriptorName=, colons between them; "" without.  Asked before service_take_fds. */
const char *service_fd_names(void);

#endif
