/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_feed.h - what changed since a revision, row by row, for the publisher.
 *
 *      hello {epoch, revision, chain} --> store_feed_known? --> since = revision, else 0 (full)
 *      store_feed_open(since) --> point now --> store_feed_next ... ERR_CLOSED --> store_feed_close
 *
 * A feed is one read transaction on a connection of its own: all of it belongs to the one point
 * that store_feed_open told.  Certificates come first, then tombstones, then documents in the order
 * of revisions.  Since 0 there are no tombstones: it is a full copy.  Memory is one row.
 *
 * Ownership: the caller closes the feed; an item's spans are lent until the next call.
 * Threads:   one thread at a time per feed.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_FEED_H
#define TRUNKLINE_CONTROL_STORE_STORE_FEED_H

#include "common/model/digest.h"
#include "control/store/store.h"

struct store_feed_point {
    struct id epoch;
    uint64_t revision;
    struct digest chain;
};

enum store_feed_kind { STORE_FEED_CERTIFICATE, STORE_FEED_TOMBSTONE, STORE_FEED_DOCUMENT };

struct store_feed_item {
    enum store_feed_kind kind;
    struct id zone_id;
    uint64_t revision;
    struct digest digest; /* DOCUMENT: of body */
    struct span body;     /* DOCUMENT */
    struct id certificate_id;
    struct span chain_pem, key_pem; /* CERTIFICATE; the key is in clear.  The origin CA has neither
                                       zone nor key */
};

struct store_feed;

/* The newest point. */
MUST_USE enum err store_feed_now(struct store *store, struct store_feed_point *out);
/* *out: `point` is one of this store's past, so that an edge which has it may go on from there. */
MUST_USE enum err store_feed_known(struct store *store, const struct store_feed_point *point,
                                   bool *out);

MUST_USE enum err store_feed_open(struct store *store, uint64_t since_revision,
                                  struct store_feed_point *now_out, struct store_feed **out);
/* ERR_CLOSED after the last item.  ERR_CORRUPT: a key that does not open; the next call goes on
 * behind it. */
MUST_USE enum err store_feed_next(struct store_feed *feed, struct store_feed_item *out);
/* Leaves NULL behind; NULL is fine. */
void store_feed_close(struct store_feed **feed);

#endif
