/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_feed.h - a replica in a directory of its own, and revisions for it that a test writes by
 * hand.
 */
#ifndef TRUNKLINE_TESTS_UNIT_SUPPORT_ZONE_FEED_H
#define TRUNKLINE_TESTS_UNIT_SUPPORT_ZONE_FEED_H

#include "common/model/zone_document.h"
#include "dataplane/supervisor/replica.h"

struct zone_feed {
    char dir[64], replica_path[96], key_path[96];
    struct seal_key key;
    struct replica *replica;
};

/* Makes the directory, the key and an empty replica. */
void zone_feed_open(struct zone_feed *feed);
/* Closes and opens the replica; returns whether it was replaced. */
bool zone_feed_reopen(struct zone_feed *feed);
/* Removes everything. */
void zone_feed_close(struct zone_feed *feed);

/* 32 digits that end in number. */
struct id zone_feed_id(unsigned number);

/* One zone with one origin, 192.0.2.1, behind each of its names. */
struct zone_recipe {
    unsigned zone;            /* its id */
    const char *name;         /* of the zone */
    const char *hostnames[4]; /* NULL ends them */
    unsigned certificate;     /* its id; 0: none */
    uint64_t revision;
    enum ssl_mode ssl;
    bool h2, paused;
};
/* The document's bytes. */
void zone_recipe_encode(const struct zone_recipe *recipe, struct buf *out);
/* A DOCUMENT message; its body is borrowed from body. */
struct message zone_recipe_message(const struct zone_recipe *recipe, struct buf *body);

void zone_feed_begin(struct zone_feed *feed, uint64_t revision, bool full);
enum err zone_feed_put(struct zone_feed *feed, const struct zone_recipe *recipe);
/* A certificate for *.name and name, signed by a CA of the moment. */
void zone_feed_put_certificate(struct zone_feed *feed, unsigned certificate,
                               const struct zone_recipe *recipe);
void zone_feed_put_tombstone(struct zone_feed *feed, unsigned zone, uint64_t revision);
void zone_feed_commit(struct zone_feed *feed, uint64_t revision);

/* All of the above for one zone. */
void zone_feed_apply(struct zone_feed *feed, const struct zone_recipe *recipe);

#endif
