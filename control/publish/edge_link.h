/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_link.h - what is said on one link to one edge, sans I/O.
 *
 *            HELLO                newest > has, or full        rows end              ACK
 *   GREETING -----> IDLE -------------------------> STREAMING --------> AWAITING_ACK ----.
 *      [take]        ^            [advance]                  [advance]                   |
 *                    '-------------------------------------------------------------------'
 *
 * Bytes of the edge go in through edge_link_take, bytes for it gather in `out`.  Rows are read only
 * while `out` holds less than EDGE_LINK_FILL_BYTES, so a slow edge costs one buffer and one read
 * transaction, and its publisher gives up on it when it stops reading.
 *
 * Ownership: the link borrows store and propagation; it owns its feed and its buffers.
 * Threads:   the publisher's.
 * Limits:    LIMIT_LINK_OUT_BYTES, LIMIT_FRAME_BYTES.
 */
#ifndef TRUNKLINE_CONTROL_PUBLISH_EDGE_LINK_H
#define TRUNKLINE_CONTROL_PUBLISH_EDGE_LINK_H

#include "common/wire/message.h"
#include "control/publish/propagation.h"
#include "control/store/store_feed.h"

#define EDGE_LINK_FILL_BYTES 262144

enum edge_link_state {
    EDGE_LINK_GREETING,
    EDGE_LINK_IDLE,
    EDGE_LINK_STREAMING,
    EDGE_LINK_AWAITING_ACK,
};

struct edge_link {
    enum edge_link_state state;
    struct store *store;
    struct propagation *propagation;
    struct frame_reader in;
    struct buf out;
    struct store_feed *feed;       /* STREAMING only */
    struct store_feed_point point; /* of the running push */
    struct propagation_edge edge;  /* what is recorded of it; edge.revision is what it has */
    bool full_wanted; /* what it has is of another epoch, of a forked store, or nothing */
    bool superseded;  /* the same edge has a newer link: say nothing of its end */
    uint64_t begun_at_us;
    uint64_t row_count;
};

void edge_link_open(struct edge_link *link, struct store *store, struct propagation *propagation);
void edge_link_close(struct edge_link *link);

/* Reads what the edge said.  ERR_PROTOCOL: it speaks nonsense, close the link; any other err: the
 * store failed, close it too (the edge comes back). */
MUST_USE enum err edge_link_take(struct edge_link *link, struct span bytes);

/* Goes on with the push, or begins one when the edge lacks `newest`; to be called when a revision
 * is committed, when the edge said something, and when `out` was emptied. */
MUST_USE enum err edge_link_advance(struct edge_link *link, uint64_t newest);

void edge_link_heartbeat(struct edge_link *link, uint64_t newest);

#endif
