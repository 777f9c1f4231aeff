/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.c - sd_notify(3) and sd_listen_fds(3) by hand: one datagram, three variables.
 */
#include "common/base/service.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/span.h"
#include "common/base/text.h"

#define MESSAGE_BYTES_MAX 96
/* A systemd whose queue is full; READY is told once. */
#define PATIENCE_US 200000

static size_t write_message(enum service_state state, char out[MESSAGE_BYTES_MAX])
{
    switch (state) {
    case SERVICE_READY:
        return text_format(out, MESSAGE_BYTES_MAX, "READY=1");
    case SERVICE_RELOADING:
        return text_format(out, MESSAGE_BYTES_MAX, "RELOADING=1\nMONOTONIC_USEC=%llu",
                           (unsigned long long)clock_mono_ms() * 1000);
    case SERVICE_STOPPING:
        return text_format(out, MESSAGE_BYTES_MAX, "STOPPING=1");
    case SERVICE_ALIVE:
        return text_format(out, MESSAGE_BYTES_MAX, "WATCHDOG=1");
    }
    UNREACHABLE();
}

void service_tell(enum service_state state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char message[MESSAGE_BYTES_MAX];
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path ? strlen(path) : 0;
    if (len == 0 || !span_to_cstr(span_str(path), address.sun_path, sizeof(address.sun_path)))
        return;
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    const struct timeval patience = {.tv_usec = PATIENCE_US};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    size_t bytes = write_message(state, message);
    (void)sendto(fd, message, bytes, MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

static bool variable_u64(const char *name, uint64_t *out)
{
    const char *text = getenv(name);
    return text != NULL && text_parse_u64(span_str(text), UINT64_MAX, out) == ERR_OK;
}

/* Meant for us, and not for whoever started us. */
static bool is_ours(const char *pid_variable)
{
    uint64_t pid;
    return variable_u64(pid_variable, &pid) && pid == (uint64_t)getpid();
}

uint64_t service_watchdog_ms(void)
{
    uint64_t patience_us;
    if (!variable_u64("WATCHDOG_USEC", &patience_us))
        return 0;
    if (getenv("WATCHDOG_PID") != NULL && !is_ours("WATCHDOG_PID"))
        return 0;
    return patience_us / 2000;
}

const char *service_fd_names(void)
{
    const char *names = getenv("LISTEN_FDNAMES");
    return names != NULL ? names : "";
}

unsigned service_take_fds(unsigned fds_max)
{
    uint64_t count = 0;
    bool ours = is_ours("LISTEN_PID") && variable_u64("LISTEN_FDS", &count) && count <= fds_max;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (!ours)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        int fd = SERVICE_FIRST_FD + (int)i;
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return 0;
    }
    return (unsigned)count;
}
