/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_listener.c - accepting visitors, draining them, letting them go.
 */
#include "dataplane/client/client_listener.h"

#include <unistd.h>

#include "common/base/mem.h"
#include "dataplane/client/client_conn.h"
#include "dataplane/net/listen.h"

struct client_listener {
    struct client_listener_options options;
    struct listener *listener; /* NULL once it stopped accepting */
    struct client_conn_owner owner;
    bool closing;
    struct wake ending;
    void (*closed)(void *owner);
    void *closed_owner;
};

/* Who finds the worker full is closed at once, and the next ones wait in the kernel's queue. */
static bool listener_on_accept(void *owner, int fd, const struct sockaddr_storage *peer)
{
    struct client_listener *listener = owner;
    struct counters *counters = listener->options.loop->counters;
    if (!client_limits_make_room(listener->options.limits)) {
        counters_add(counters, COUNTER_CLIENT_CONNS_REFUSED, 1);
        (void)close(fd);
        return false;
    }
    counters_add(counters, COUNTER_CLIENT_CONNS, 1);
    client_conn_open(&listener->owner, fd, peer);
    return true;
}

static void listener_on_starved(void *owner)
{
    struct client_listener *listener = owner;
    client_limits_starve(listener->options.limits);
}

static const struct listener_events listener_events = {
    .on_accept = listener_on_accept,
    .on_starved = listener_on_starved,
};

static void post_end(struct client_listener *listener)
{
    if (listener->closing && list_empty(&listener->owner.conns))
        wake_post(&listener->options.loop->wakeq, &listener->ending);
}

static void conn_gone(struct client_conn_owner *owner)
{
    post_end(container_of(owner, struct client_listener, owner));
}

static void listener_ended(struct wake *wake)
{
    struct client_listener *listener = container_of(wake, struct client_listener, ending);
    void (*closed)(void *owner) = listener->closed;
    void *owner = listener->closed_owner;
    free(listener);
    closed(owner);
}

struct client_listener *client_listener_open(const struct client_listener_options *options)
{
    struct client_listener *listener = mem_new(struct client_listener);
    listener->options = *options;
    listener->owner.options = &listener->options;
    listener->owner.gone = conn_gone;
    list_init(&listener->owner.conns);
    wake_init(&listener->ending, listener_ended);
    listener->listener = listener_open(options->loop, options->fd, &listener_events, listener);
    return listener;
}

static void stop_accepting(struct client_listener *listener)
{
    if (listener->listener)
        listener_close(&listener->listener);
}

void client_listener_drain(struct client_listener *listener)
{
    stop_accepting(listener);
    LIST_EACH(&listener->owner.conns, node)
    client_conn_drain(node);
}

void client_listener_close(struct client_listener **slot, void (*closed)(void *owner), void *owner)
{
    struct client_listener *listener = *slot;
    *slot = NULL;
    stop_accepting(listener);
    listener->closing = true;
    listener->closed = closed;
    listener->closed_owner = owner;
    LIST_EACH(&listener->owner.conns, node)
    client_conn_close(node);
    post_end(listener);
}

size_t client_listener_conns(const struct client_listener *listener)
{
    return listener->owner.conns.count;
}
