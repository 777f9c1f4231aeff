/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_transport.h - a transport without a socket: what is written is kept, what is read is given
 * by the test.
 *
 * Lives in the test; close and abort only leave a mark.  Events given after that, or bytes given
 * while reading is stopped, break the rules of transport.h and ASSERT.
 */
#ifndef TRUNKLINE_TESTS_UNIT_SUPPORT_FAKE_TRANSPORT_H
#define TRUNKLINE_TESTS_UNIT_SUPPORT_FAKE_TRANSPORT_H

#include "common/base/buf.h"
#include "dataplane/net/transport.h"

struct fake_transport {
    struct transport base;
    struct buf out;  /* all that was written */
    size_t room_max; /* write room left; SIZE_MAX: as much as a real one */
    bool reading, closed, aborted, end_said;
};

void fake_transport_open(struct fake_transport *fake, struct loop *loop);
void fake_transport_release(struct fake_transport *fake);
/* Given in pieces of at most step bytes; waits where reading is stopped: returns what was taken. */
size_t fake_transport_give(struct fake_transport *fake, struct span bytes, size_t step);
void fake_transport_end(struct fake_transport *fake);
void fake_transport_die(struct fake_transport *fake, enum err err);
/* The peer has taken everything: room bytes are free again. */
void fake_transport_room(struct fake_transport *fake, size_t room);

static inline bool fake_transport_gone(const struct fake_transport *fake)
{
    return fake->closed || fake->aborted;
}

#endif
