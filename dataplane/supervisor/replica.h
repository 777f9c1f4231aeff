/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica.h - the edge's own copy of all zones: a SQLite file, written by the supervisor alone.
 *
 * One revision is one transaction: documents, certificates and {epoch, revision, chain} together,
 * so that the file is right after kill -9 at any point (WAL, synchronous=NORMAL: a power cut may
 * lose the newest revisions, which control sends again). A full copy is staged in tables of its own
 * and swapped in by the commit.
 *
 *      begin -> document | tombstone | certificate ... -> commit
 *           \__________________ rollback _____________/
 *
 * Tables are in schema/replica.sql; dataplane/route/replica_reader.c is the only reader.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_H

#include "common/model/seal.h"
#include "common/wire/message.h"

struct replica;

struct replica_position {
    struct id epoch; /* empty: nothing was ever applied */
    uint64_t revision;
    struct digest chain;
};

/* Opens or makes the file.  One that does not open or fails its check is set aside as
 * PATH.bad-<time> and a new one is begun: *replaced says so. */
MUST_USE enum err replica_open(const char *path, const struct seal_key *key, struct replica **out,
                               bool *replaced, struct problem *problem);
void replica_close(struct replica **replica);

void replica_position(const struct replica *replica, struct replica_position *out);

MUST_USE enum err replica_begin(struct replica *replica, const struct message_begin *begin);
/* The body was checked by the caller (zone_document_decode); hostnames come from there. */
struct zone_document;
MUST_USE enum err replica_put_document(struct replica *replica,
                                       const struct message_document *message,
                                       const struct zone_document *document);
MUST_USE enum err replica_put_tombstone(struct replica *replica,
                                        const struct message_tombstone *message);
/* Seals the key with the edge's own. */
MUST_USE enum err replica_put_certificate(struct replica *replica,
                                          const struct message_certificate *message);
MUST_USE enum err replica_commit(struct replica *replica, const struct message_commit *commit);
void replica_rollback(struct replica *replica);

#endif
