/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - what control, supervisor and worker say to each other; encode and decode as
 * neighbours.
 *
 * The feed of one edge (schema/wire.md, design.md "Configuration"):
 *
 *      edge                                control
 *      HELLO {epoch, revision, chain} -->
 *                                     <--  BEGIN {epoch, revision, full}
 *                                     <--  DOCUMENT | TOMBSTONE | CERTIFICATE ...
 *                                     <--  COMMIT {revision, chain}
 *      NACK per bad zone, then ACK    -->
 *
 * Control sends the next BEGIN only after the ACK.  A full feed replaces everything the edge has.
 *
 * Ownership: spans in a decoded message are lent by the frame; an encoder borrows.
 */
#ifndef TRUNKLINE_COMMON_WIRE_MESSAGE_H
#define TRUNKLINE_COMMON_WIRE_MESSAGE_H

#include "common/model/digest.h"
#include "common/model/id.h"
#include "common/model/origin_knowledge.h"
#include "common/wire/frame.h"
#include "common/wire/message_table.h"

enum message_kind {
#define X(name, member, number, direction) MESSAGE_##name = (number),
    MESSAGE_TABLE(X)
#undef X
};

struct message_hello {
    struct id epoch; /* empty: the edge has nothing */
    uint64_t revision;
    struct digest chain;
    struct span edge_id; /* 1 to 63 letters, digits, '-', '.', '_' */
    uint32_t worker_count;
};

struct message_begin {
    struct id epoch;
    uint64_t revision;
    bool full;
};

struct message_document {
    struct id zone_id;
    uint64_t revision;
    struct digest digest; /* of body */
    struct span body;     /* zone_document JSON */
};

struct message_tombstone {
    struct id zone_id;
    uint64_t revision;
};

struct message_certificate {
    struct id certificate_id, zone_id;
    uint64_t revision;
    struct span chain_pem;
    struct span key_pem; /* in clear: the socket is local and the peer was checked */
};

struct message_commit {
    uint64_t revision;
    struct digest chain;
};

struct message_ack {
    uint64_t revision;
    uint32_t workers_applied;
    uint32_t workers;
    uint64_t took_us; /* from COMMIT read to the last worker's answer */
};

struct message_nack {
    struct id zone_id;
    uint64_t revision;
    struct span path, text; /* of the problem */
};

struct message_heartbeat {
    uint64_t revision;
};

/* From a worker to its supervisor, and on to control. */
struct message_event {
    struct origin_event of;
};

struct message_worker_ready {
    uint32_t pid;
};

/* The year 9999: what a time in seconds may be, so that it is one in microseconds too. */
#define MESSAGE_WALL_MAX_S 253402300799u
#define MESSAGE_ZONES_MAX 4096
struct message_zones_changed {
    uint64_t revision;
    bool all;             /* then zone_ids is empty */
    struct span zone_ids; /* zone_count times ID_TEXT_BYTES characters */
    size_t zone_count;
};

struct message_zones_forgotten {
    uint64_t revision;
};

struct message_drain {
    uint64_t timeout_ms;
};

struct message_adopt {
    uint32_t pid;
    uint32_t slot;
    struct digest identity; /* what it was started as: program, flags, access log */
};

struct message_protocol {
    struct origin_knowledge learned;
};

/* From an orphan to the next supervisor: these are in use. */
struct message_ticket_keys {
    uint32_t lifetime_s;  /* of a session, 1 to LIMIT_TICKET_ROTATION_MS / 1000 */
    uint64_t rotate_at_s; /* wall clock */
    struct span keys;     /* 2 to LIMIT_TICKET_KEYS of LIMIT_TICKET_KEY_BYTES; the second seals */
};

struct message {
    enum message_kind kind;
    union {
#define X(name, member, number, direction) struct message_##member member;
        MESSAGE_TABLE(X)
#undef X
    };
};

/* "HELLO", ...; for logs. */
const char *message_name(enum message_kind kind);

/* Appends one frame. */
void message_encode(const struct message *message, struct buf *out);

/* ERR_PROTOCOL with a problem that names the field: unknown kind, short or long payload, bad id,
 * bad digest length, a document whose digest is not that of its body. */
MUST_USE enum err message_decode(const struct frame *frame, struct message *out,
                                 struct problem *problem);

#endif
