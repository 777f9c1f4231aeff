/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticket_keys.h - the keys of session tickets: made here, rotated here, the same for all workers.
 *
 *                       each --ticket-rotation
 *      random --> next --------> current --------> previous --------> forgotten
 *                 opens          seals, opens      opens
 *
 * So a ticket is good for one rotation at least, at each worker and its replacements, and a key
 * lives for three.  They are in memory only: a supervisor that starts makes its own, unless it
 * adopts workers.  Then it waits for what the first of them says, so that its predecessor's tickets
 * stay good; the wait ends after LIMIT_ADOPT_MS.
 *
 * Limits: LIMIT_TICKET_KEYS, LIMIT_TICKET_ROTATION_MS.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_TICKET_KEYS_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_TICKET_KEYS_H

#include "dataplane/net/deadline.h"
#include "dataplane/supervisor/worker_channel.h"

struct ticket_keys {
    struct loop *loop;
    struct worker_board *board;
    uint64_t rotation_ms;
    struct deadline rotation; /* or the end of the wait for an orphan's */
    uint64_t rotate_at_s;
    uint8_t keys[LIMIT_TICKET_KEYS][LIMIT_TICKET_KEY_BYTES];
    size_t count; /* 0: waiting */
};

struct ticket_keys_options {
    struct loop *loop;
    struct worker_board *board;
    uint64_t rotation_ms;
    bool awaited; /* workers are adopted */
};

/* Channels that open on the board from now on are told. */
void ticket_keys_init(struct ticket_keys *keys, const struct ticket_keys_options *options);
/* No rotation any more; the keys are wiped. */
void ticket_keys_release(struct ticket_keys *keys);

#endif
