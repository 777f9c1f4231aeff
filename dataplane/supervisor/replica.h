/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica.h - the edge's own copy of all zones: a SQLite file, written by the supervisor alone.
 *
 * One revision is one transaction: documents, certificates and {epoch, revision, chain} together,
 * so that the file is right after kill -9 at any point (WAL, synchronous=NORMAL: a power cut may
 * lose the newest revisions, which control sends again).  A full copy is staged in tables of its
 * own, in many small transactions, and swapped in by the commit: until then workers read the old
 * one.
 *
 *      begin -> certificate ... -> tombstone | document | keep ... -> commit
 *           \___________________________ rollback _________________/
 *
 * Tables are in schema/replica; dataplane/route/replica_reader.c is the only reader.
 *
 * Limits: LIMIT_REPLICA_CHECK_BYTES.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_H

#include "common/model/certificate.h"
#include "common/model/seal.h"
#include "common/wire/message.h"

struct replica;
struct zone_document;

struct replica_position {
    struct id epoch; /* empty: nothing was ever applied */
    uint64_t revision;
    struct digest chain;
};

/* Opens or makes the file; *key is copied.  One that is not ours, is of a newer form or fails its
 * check is set aside as PATH.bad-<time> and a new one is begun: *replaced says so. */
MUST_USE enum err replica_open(const char *path, const struct seal_key *key, struct replica **out,
                               bool *replaced, struct problem *problem);
void replica_close(struct replica **replica);
/* For one that turned out to be corrupt while it was open: sets it aside and begins a new one. */
MUST_USE enum err replica_replace(struct replica **replica, struct problem *problem);

void replica_position(const struct replica *replica, struct replica_position *out);

MUST_USE enum err replica_begin(struct replica *replica, const struct message_begin *begin);
/* The body was checked by the caller (zone_document_decode); hostnames come from there.
 * ERR_INVALID when it names a certificate that the zone does not have. */
MUST_USE enum err replica_put_document(struct replica *replica,
                                       const struct message_document *message,
                                       const struct zone_document *document,
                                       struct problem *problem);
/* The zone's document as it is now, inside or outside of a revision; ERR_NOT_FOUND. */
MUST_USE enum err replica_document(struct replica *replica, const struct id *zone_id,
                                   uint64_t *revision_out, struct buf *body_out);
/* Inside a revision: certificates go that its document names no more.  Not by itself, because a
 * former document may come back (crash_guard.h). */
MUST_USE enum err replica_drop_certificates(struct replica *replica, const struct id *zone_id);
MUST_USE enum err replica_put_tombstone(struct replica *replica,
                                        const struct message_tombstone *message);
/* facts are the caller's check; the key is sealed with the edge's own. */
MUST_USE enum err replica_put_certificate(struct replica *replica,
                                          const struct message_certificate *message,
                                          const struct certificate_facts *facts);
/* The CA that origins are verified with, in the place of the last. */
MUST_USE enum err replica_put_origin_ca(struct replica *replica,
                                        const struct message_certificate *message);
/* This zone stays as it was before begin: its new document was refused. */
MUST_USE enum err replica_keep(struct replica *replica, const struct id *zone_id);
MUST_USE enum err replica_commit(struct replica *replica, const struct message_commit *commit);
/* Nothing of what came since begin is there.  Idempotent. */
void replica_rollback(struct replica *replica);

/* What workers must forget: zones changed since the last begin, and those that share a hostname
 * with one.  Lent until the next begin. */
struct replica_changes {
    bool all;
    struct span zone_ids; /* zone_count times ID_TEXT_BYTES characters */
    size_t zone_count;
};
void replica_changes(const struct replica *replica, struct replica_changes *out);

#endif
