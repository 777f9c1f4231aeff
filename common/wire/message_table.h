/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_table.h - every message between control, supervisor and worker: name, number, direction.
 *
 * Directions: DOWN control to edge, UP edge to control, BOTH; TO_WORKER supervisor to worker,
 * FROM_WORKER worker to supervisor, WORKER_BOTH both of these.  Numbers are never used twice
 * (schema/wire.md).
 */
#ifndef TRUNKLINE_COMMON_WIRE_MESSAGE_TABLE_H
#define TRUNKLINE_COMMON_WIRE_MESSAGE_TABLE_H

/* clang-format off */
#define MESSAGE_TABLE(X)                                                                        \
    X(HELLO,           hello,           1,  UP)          /* I am edge E, I have {epoch, revision, chain} */      \
    X(BEGIN,           begin,           2,  DOWN)        /* documents follow, up to `revision`; full or since */ \
    X(DOCUMENT,        document,        3,  DOWN)        /* one zone */                                          \
    X(TOMBSTONE,       tombstone,       4,  DOWN)        /* one zone is gone */                                  \
    X(CERTIFICATE,     certificate,     5,  DOWN)        /* one certificate with its key */                      \
    X(COMMIT,          commit,          6,  DOWN)        /* apply what came since BEGIN */                       \
    X(ACK,             ack,             7,  UP)          /* all workers serve `revision` */                      \
    X(NACK,            nack,            8,  UP)          /* this zone's document was set aside, and why */       \
    X(HEARTBEAT,       heartbeat,       9,  BOTH)        /* newest revision of the sender */                     \
    X(EVENT,           event,           10, UP)          /* decided about an origin; from a worker too */         \
    X(WORKER_READY,    worker_ready,    32, FROM_WORKER) /* accepting */                                         \
    X(ZONES_CHANGED,   zones_changed,   33, TO_WORKER)   /* forget what you cached of these */                   \
    X(ZONES_FORGOTTEN, zones_forgotten, 34, FROM_WORKER) /* new exchanges follow `revision` */                   \
    X(DRAIN,           drain,           35, TO_WORKER)   /* accept no more, end when the last exchange has */    \
    X(ADOPT,           adopt,           36, FROM_WORKER) /* orphan to a new supervisor: take my sockets (SCM_RIGHTS) */ \
    X(PROTOCOL,        protocol,        37, WORKER_BOTH) /* learned about an origin: tell the others */                  \
    X(TICKET_KEYS,     ticket_keys,     38, WORKER_BOTH) /* session tickets are sealed with these */
/* clang-format on */

#endif
