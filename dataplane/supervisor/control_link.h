/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_link.h - the supervisor's connection to control: dials, says hello, hears the feed,
 * dials again.
 *
 *      WAITING --backoff--> DIALLING --> CONNECTED --silence, EOF, bad frame, link_reject--.
 *         ^                    | refused                                                   |
 *         '--------------------+-----------------------------------------------------------'
 *
 * The pause before a dial doubles from 50 ms to LIMIT_LINK_BACKOFF_MS, with jitter, and begins anew
 * once control has answered.  A heartbeat goes out each LIMIT_LINK_HEARTBEAT_MS; a link without a
 * frame for LIMIT_LINK_SILENCE_MS is dead.
 *
 * Limits: LIMIT_LINK_OUT_BYTES and the above.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_CONTROL_LINK_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_CONTROL_LINK_H

#include "common/wire/message.h"
#include "dataplane/net/loop.h"

struct control_link;

struct control_link_events {
    /* Fills the hello for a new connection. */
    void (*hello)(void *owner, struct message_hello *out);
    /* Not OK: the link is given up and dialled anew. */
    enum err (*message)(void *owner, const struct message *message, struct problem *problem);
    void (*lost)(void *owner);
    /* For heartbeats. */
    uint64_t (*revision)(void *owner);
};

struct control_link_options {
    struct loop *loop;
    const char *path;
    const struct control_link_events *events;
    void *owner;
};

/* Begins to dial. */
struct control_link *control_link_open(const struct control_link_options *options);
/* Dropped when nobody is connected. */
void control_link_send(struct control_link *link, const struct message *message);
/* Leaves NULL behind; no event follows. */
void control_link_close(struct control_link **link);

#endif
