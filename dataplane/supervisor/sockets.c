/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets.c - first the orphans', then our own.
 */
#include "dataplane/supervisor/sockets.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/model/address_policy.h"
#include "dataplane/net/listen.h"

struct endpoint {
    struct address address;
    uint64_t port;
};

/* "127.0.0.1:80", "[::1]:80" */
static bool parse_endpoint(const char *text, struct endpoint *out)
{
    struct span all = span_str(text);
    size_t colon = all.len;
    while (colon > 0 && all.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    struct span host = span_first(all, colon - 1), port = span_skip(all, colon);
    if (host.len > 2 && host.ptr[0] == '[')
        host = span_first(span_skip(host, 1), host.len - 2);
    return address_parse(host, &out->address) == ERR_OK &&
           text_parse_u64(port, UINT16_MAX, &out->port) == ERR_OK;
}

bool sockets_address_wanted(const char *wanted, const char *bound)
{
    struct endpoint a, b;
    if (!parse_endpoint(wanted, &a) || !parse_endpoint(bound, &b))
        return false;
    return memcmp(&a.address, &b.address, sizeof(a.address)) == 0 &&
           (a.port == 0 || a.port == b.port);
}

static bool fd_wanted(const struct activated *activated, const char *wanted, int fd)
{
    char bound[SOCKET_ADDRESS_BYTES];
    if (activated->count > 0)
        return activation_has(activated, fd);
    listen_address(fd, bound, sizeof(bound));
    return sockets_address_wanted(wanted, bound);
}

/* Sockets that systemd made may be fewer than slots. */
static bool is_shared(const struct sockets_options *options)
{
    return options->activation->https.count > 0 || options->activation->http.count > 0;
}

static bool have_already(const struct sockets *sockets, int https_fd)
{
    for (unsigned i = 0; i < sockets->slot_count; i++) {
        if (listen_same(sockets->slots[i].https_fd, https_fd))
            return true;
    }
    return false;
}

static void take_counters(const struct adopted *orphan, struct sockets *out)
{
    if (out->counters.memory != NULL)
        close(orphan->counters_fd);
    else if (counter_pages_map(orphan->counters_fd, &out->counters) != ERR_OK)
        log_warn("orphan_counters_lost", F_I64("pid", orphan->pid));
}

static bool has_slot_for(const struct sockets_options *options, const struct adopted *orphan,
                         const struct sockets *sockets)
{
    if (!fd_wanted(&options->activation->https, options->https, orphan->https_fd) ||
        !fd_wanted(&options->activation->http, options->http, orphan->http_fd))
        return false;
    if (is_shared(options))
        return sockets->slot_count < options->slot_count;
    return !have_already(sockets, orphan->https_fd);
}

static void take_orphan(const struct sockets_options *options, const struct adopted *orphan,
                        struct sockets *out)
{
    take_counters(orphan, out);
    if (has_slot_for(options, orphan, out)) {
        out->slots[out->slot_count++] = (struct socket_pair){
            .https_fd = orphan->https_fd,
            .http_fd = orphan->http_fd,
            .channel_fd = orphan->channel_fd,
            .orphan_pid = orphan->pid,
            .orphan_identity = orphan->identity,
        };
        out->adopted_count++;
        return;
    }
    log_warn("orphan_surplus", F_I64("pid", orphan->pid));
    close(orphan->https_fd);
    close(orphan->http_fd);
    out->surplus[out->surplus_count++] = *orphan;
}

/* The first of a kind decides the port of all. */
static enum err bind_kind(const char *wanted, int first_fd, int *out, struct problem *problem)
{
    char bound[SOCKET_ADDRESS_BYTES];
    if (first_fd < 0)
        return listen_bind(wanted, out, problem);
    listen_address(first_fd, bound, sizeof(bound));
    return listen_bind(bound, out, problem);
}

/* used: what the slots before have of this kind. */
static enum err open_kind(const struct activated *activated, const char *wanted,
                          const int used[LIMIT_WORKERS], unsigned count, int *out,
                          struct problem *problem)
{
    if (activated->count == 0)
        return bind_kind(wanted, count > 0 ? used[0] : -1, out, problem);
    *out = activation_copy(activated, used, count);
    return *out >= 0 ? ERR_OK : problem_set(problem, ERR_IO, wanted, "no descriptor is left");
}

static enum err bind_slot(const struct sockets_options *options, struct sockets *out,
                          struct problem *problem)
{
    int https[LIMIT_WORKERS], http[LIMIT_WORKERS];
    struct socket_pair pair = {.channel_fd = -1};
    for (unsigned i = 0; i < out->slot_count; i++) {
        https[i] = out->slots[i].https_fd;
        http[i] = out->slots[i].http_fd;
    }
    TRY(open_kind(&options->activation->https, options->https, https, out->slot_count,
                  &pair.https_fd, problem));
    enum err err = open_kind(&options->activation->http, options->http, http, out->slot_count,
                             &pair.http_fd, problem);
    if (err != ERR_OK) {
        close(pair.https_fd);
        return err;
    }
    out->slots[out->slot_count++] = pair;
    return ERR_OK;
}

/* Only where no orphan is: one that drains, or did not come yet, listens there with right. */
static enum err probe(const struct sockets_options *options, struct problem *problem)
{
    if (options->activation->https.count == 0)
        TRY(listen_probe(options->https, problem));
    return options->activation->http.count > 0 ? ERR_OK : listen_probe(options->http, problem);
}

static void close_all(struct sockets *sockets)
{
    for (unsigned i = 0; i < sockets->slot_count; i++) {
        close(sockets->slots[i].https_fd);
        close(sockets->slots[i].http_fd);
        if (sockets->slots[i].channel_fd >= 0)
            close(sockets->slots[i].channel_fd);
    }
    for (unsigned i = 0; i < sockets->surplus_count; i++)
        close(sockets->surplus[i].channel_fd);
    counter_pages_release(&sockets->counters);
}

static int by_slot(const void *a, const void *b)
{
    const struct adopted *one = a, *other = b;
    return one->slot < other->slot ? -1 : one->slot > other->slot;
}

enum err sockets_open(const struct sockets_options *options, struct sockets *out,
                      struct problem *problem)
{
    *out = (struct sockets){0};
    struct adopted *orphans = mem_calloc(LIMIT_WORKERS, sizeof(*orphans));
    size_t count = adoption_collect(options->state, options->door, orphans, LIMIT_WORKERS);
    /* Where all have come, each keeps the number that its lock has. */
    qsort(orphans, count, sizeof(*orphans), by_slot);
    for (size_t i = 0; i < count; i++)
        take_orphan(options, &orphans[i], out);
    bool missing = adoption_missing(options->state, orphans, count);
    mem_free(&orphans);
    if (out->slot_count > options->slot_count)
        log_warn("slots_kept", F_U64("wanted", options->slot_count),
                 F_U64("kept", out->slot_count));
    enum err err = ERR_OK;
    if (out->slot_count == 0 && out->surplus_count == 0 && !missing)
        err = probe(options, problem);
    while (out->slot_count < options->slot_count && err == ERR_OK)
        err = bind_slot(options, out, problem);
    if (err != ERR_OK)
        close_all(out);
    return err;
}
