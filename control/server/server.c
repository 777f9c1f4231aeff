/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - the REST service's daemon: its socket, its options, its end.
 */
#include "control/server/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/limits.h"
#include "control/publish/propagation.h"
#include "control/server/server_int.h"

#define SERVER_THREADS 4
#define CONNECTION_MEMORY_BYTES 65536
#define PEM_BYTES_MAX 262144
#define LISTEN_BACKLOG 512
#define STOP_S 2

/* libmicrohttpd's own lines: mostly clients that left, which are no one's trouble. */
__attribute__((format(printf, 2, 0))) static void log_foreign(void *cls, const char *format,
                                                              va_list args)
{
    (void)cls;
    if (!log_enabled(LOG_DEBUG))
        return;
    char text[256];
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        return;
    log_debug("server_library_said", F_SPAN("text", span_trim(span_str(text))));
}

/* "host:port" or "[v6]:port" into *address; the host must be a literal. */
static enum err parse_listen(const char *listen, struct addrinfo **out, struct problem *problem)
{
    struct span text = span_str(listen);
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    struct span host = span_first(text, colon ? colon - 1 : 0);
    struct span port = span_skip(text, colon);
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = span_of(host.ptr + 1, host.len - 2);
    char host_text[64], port_text[8];
    uint64_t number;
    if (host.len == 0 || !span_to_cstr(host, host_text, sizeof(host_text)) ||
        !span_to_cstr(port, port_text, sizeof(port_text)) ||
        text_parse_u64(port, UINT16_MAX, &number) != ERR_OK)
        return problem_set(problem, ERR_INVALID, "listen",
                           "\"%.100s\" is not ADDRESS:PORT, as in 127.0.0.1:8080", listen);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    if (getaddrinfo(host_text, port_text, &hints, out) != 0)
        return problem_set(problem, ERR_INVALID, "listen", "\"%s\" is not an address", host_text);
    return ERR_OK;
}

/* Bound here and not by the library, so that a problem can say what is wrong. */
static enum err open_socket(const char *listen_text, int *out, struct problem *problem)
{
    struct addrinfo *address = NULL;
    TRY(parse_listen(listen_text, &address, problem));
    enum err err = ERR_OK;
    int one = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        err = problem_set(problem, ERR_IO, "listen", "cannot listen on %.100s: %s", listen_text,
                          errno == EADDRINUSE ? "the port is in use" : strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(address);
    *out = fd;
    return err;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    ASSERT(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static enum err read_pem(const char *path, const char *option, struct buf *out,
                         struct problem *problem)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return problem_set(problem, ERR_IO, option, "cannot read %.100s: %s", path,
                           strerror(errno));
    buf_init(out, PEM_BYTES_MAX);
    uint8_t *place = buf_reserve(out, PEM_BYTES_MAX - 1);
    buf_added(out, fread(place, 1, PEM_BYTES_MAX - 1, file));
    bool failed = ferror(file) != 0;
    ASSERT(fclose(file) == 0);
    if (failed || out->len == 0)
        return problem_set(problem, ERR_IO, option, "%.100s cannot be read or is empty", path);
    return ERR_OK;
}

static enum err load_tls(struct server *server, const struct server_options *options,
                         struct problem *problem)
{
    if (!options->tls_cert && !options->tls_key)
        return ERR_OK;
    if (!options->tls_cert || !options->tls_key)
        return problem_set(problem, ERR_INVALID, options->tls_cert ? "tls_key" : "tls_cert",
                           "is missing: a certificate and its key go together");
    TRY(read_pem(options->tls_cert, "tls_cert", &server->tls_cert, problem));
    TRY(read_pem(options->tls_key, "tls_key", &server->tls_key, problem));
    server->tls = true;
    server->api.secure = true;
    return ERR_OK;
}

static struct MHD_Daemon *start_daemon(struct server *server, int fd)
{
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (server->tls) {
        flags |= MHD_USE_TLS;
        tls[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0,
                                         (void *)(uintptr_t)buf_cstr(&server->tls_cert)};
        tls[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0,
                                         (void *)(uintptr_t)buf_cstr(&server->tls_key)};
    }
    return MHD_start_daemon(flags, 0, NULL, NULL, server_request_on_progress, server,
                            MHD_OPTION_EXTERNAL_LOGGER, log_foreign, NULL, MHD_OPTION_LISTEN_SOCKET,
                            fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)SERVER_THREADS,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)LIMIT_API_CONNS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                            (unsigned)LIMIT_API_CONNS_PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)LIMIT_API_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_URI_LOG_CALLBACK,
                            server_request_begin, server, MHD_OPTION_NOTIFY_COMPLETED,
                            server_request_on_end, server, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

enum err server_open(const struct server_options *options, struct server **out,
                     struct problem *problem)
{
    int fd;
    struct server *server = mem_new(struct server);
    TAG_SET(server, SERVER_TAG);
    ASSERT(pthread_mutex_init(&server->lock, NULL) == 0);
    ASSERT(pthread_cond_init(&server->ended, NULL) == 0);
    server->propagation = options->propagation;
    server->api = *options->api;
    if (server->propagation)
        server->api.propagation =
            (struct api_propagation){server_propagation_read, server->propagation};
    enum err err = load_tls(server, options, problem);
    if (err == ERR_OK)
        err = open_socket(options->listen, &fd, problem);
    if (err == ERR_OK) {
        server->port = bound_port(fd);
        server->daemon = start_daemon(server, fd);
        if (!server->daemon) {
            close(fd);
            err = problem_set(problem, ERR_IO, server->tls ? "tls_cert" : "listen", "%s",
                              server->tls ? "the certificate and its key are not usable"
                                          : "the REST service does not start");
        }
    }
    if (err != ERR_OK) {
        server_close(&server);
        return err;
    }
    log_info("server_listening", F_STR("listen", options->listen), F_U64("port", server->port),
             F_BOOL("tls", server->tls));
    *out = server;
    return ERR_OK;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

/* Until no request runs, or STOP_MS have passed: a client that sends its body slowly is not waited
 * for. */
static void wait_for_requests(struct server *server)
{
    struct timespec end;
    ASSERT(clock_gettime(CLOCK_REALTIME, &end) == 0);
    end.tv_sec += STOP_S;
    ASSERT(pthread_mutex_lock(&server->lock) == 0);
    while (server->running > 0 && pthread_cond_timedwait(&server->ended, &server->lock, &end) == 0)
        continue;
    ASSERT(pthread_mutex_unlock(&server->lock) == 0);
}

static void stop_daemon(struct server *server)
{
    /* The socket is ours from now on: nobody new comes in. */
    MHD_socket fd = MHD_quiesce_daemon(server->daemon);
    /* The library aborts when it is stopped with a suspended connection. */
    if (server->propagation)
        propagation_stop(server->propagation);
    if (server->api.hasher)
        hasher_stop(server->api.hasher);
    wait_for_requests(server);
    MHD_stop_daemon(server->daemon);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
}

void server_close(struct server **out)
{
    struct server *server = *out;
    if (!server)
        return;
    if (server->daemon)
        stop_daemon(server);
    if (server->tls_key.ptr)
        mem_wipe(server->tls_key.ptr, server->tls_key.len);
    buf_release(&server->tls_cert);
    buf_release(&server->tls_key);
    ASSERT(pthread_cond_destroy(&server->ended) == 0);
    ASSERT(pthread_mutex_destroy(&server->lock) == 0);
    mem_free(out);
}
