/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_reader.h - what a worker asks of the replica: the only SQL outside the supervisor.
 *
 * The connection is read-only and each question is one short read, so that the supervisor's
 * checkpoints are never held up.  A document's digest is checked when it is read: a replica that
 * rotted on disk gives ERR_CORRUPT, never half a zone.
 *
 * Tables are in schema/replica.
 */
#ifndef TRUNKLINE_DATAPLANE_ROUTE_REPLICA_READER_H
#define TRUNKLINE_DATAPLANE_ROUTE_REPLICA_READER_H

#include "common/base/buf.h"
#include "common/model/id.h"
#include "common/model/zone_document.h"

struct replica_reader;

/* ERR_NOT_FOUND when no file is there. */
MUST_USE enum err replica_reader_open(const char *path, struct replica_reader **out,
                                      struct problem *problem);
void replica_reader_close(struct replica_reader **reader);

/* False when the path names another file by now: the supervisor began a new replica. */
bool replica_reader_current(const struct replica_reader *reader);

/* The zone that has host, by its exact name, else by the wildcard one label up; where zones
 * compete, the newer document.  ERR_HOST_UNKNOWN when there is none. */
MUST_USE enum err replica_reader_zone(struct replica_reader *reader, struct span host,
                                      struct id *out);

/* *out has one reference.  ERR_NOT_FOUND, ERR_CORRUPT. */
MUST_USE enum err replica_reader_document(struct replica_reader *reader, const struct id *zone_id,
                                          struct zone_document **out);

/* Appends the names that a certificate covers, a line each.  ERR_NOT_FOUND. */
MUST_USE enum err replica_reader_names(struct replica_reader *reader,
                                       const struct id *certificate_id, struct buf *out);

struct replica_certificate {
    struct id zone_id;
    struct buf chain_pem, key_sealed; /* the caller's */
};
/* Appends to the two buffers.  ERR_NOT_FOUND. */
MUST_USE enum err replica_reader_certificate(struct replica_reader *reader,
                                             const struct id *certificate_id,
                                             struct replica_certificate *out);

/* Appends the CA that signs for origins, as PEM.  ERR_NOT_FOUND. */
MUST_USE enum err replica_reader_origin_ca(struct replica_reader *reader, struct buf *out);

/* What a private key in the replica is bound to (seal.h): its zone and its certificate. */
#define REPLICA_BINDING_BYTES (2 * ID_TEXT_BYTES)
static inline struct span replica_binding(const struct id *zone_id, const struct id *certificate_id,
                                          char out[REPLICA_BINDING_BYTES])
{
    memcpy(out, zone_id->text, ID_TEXT_BYTES);
    memcpy(out + ID_TEXT_BYTES, certificate_id->text, ID_TEXT_BYTES);
    return span_of(out, REPLICA_BINDING_BYTES);
}

#endif
