/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_origin_int.h - what the three files of an origin's connection share.
 *
 *      h1_origin.c         the connection and what its owner is told
 *      h1_origin_read.c    what it reads: response flows
 *      h1_origin_write.c   what it writes: request flows
 *
 *      IDLE --run--> HEAD --head--> LENGTH | CHUNKS | UNTIL_CLOSE --end--> WAIT --request
 * written--> IDLE |             |                     |                              |
 *        '--any byte---'----any doubt--------'---request not wanted---------'--> CLOSED
 */
#ifndef TRUNKLINE_DATAPLANE_H1_H1_ORIGIN_INT_H
#define TRUNKLINE_DATAPLANE_H1_H1_ORIGIN_INT_H

#include "dataplane/h1/h1_chunk.h"
#include "dataplane/h1/h1_origin.h"
#include "dataplane/h1/h1_parse.h"
#include "dataplane/h1/h1_websocket.h"
#include "dataplane/h1/h1_write.h"
#include "dataplane/net/deadline.h"

enum h1_answer_phase {
    H1_ANSWER_IDLE,
    H1_ANSWER_HEAD,
    H1_ANSWER_LENGTH,
    H1_ANSWER_CHUNKS,
    H1_ANSWER_UNTIL_CLOSE,
    H1_ANSWER_TUNNEL, /* raw bytes both ways, up to the origin's end */
    H1_ANSWER_WAIT,   /* the answer is complete, the request is not written yet */
    H1_ANSWER_CLOSED,
};

/* What the owner is to be told from the loop. */
enum h1_origin_event {
    H1_ORIGIN_EVENT_SLOTS = 1,
    H1_ORIGIN_EVENT_DRAINING = 2,
    H1_ORIGIN_EVENT_CLOSED = 4,
};

struct h1_origin_answer {
    enum h1_answer_phase phase;
    struct h1_scan scan;
    struct h1_chunk chunk;
    uint64_t left_bytes;
    unsigned interim_count;
    bool begun;     /* a byte of it has arrived */
    bool tunnelled; /* it was 101: request bytes flow too */
    bool keep_alive;
};

struct h1_origin_request {
    struct span pending; /* head or last chunk: in the exchange's arena, not written yet */
    enum h1_framing framing;
    uint64_t left_bytes; /* of a length that was told */
    bool begun;
    bool ending;
    bool written;   /* to its end */
    bool reused;    /* an exchange ran here before */
    bool tunnelled; /* a tunnel was asked for, by this key */
    struct span key;
};

struct h1_origin {
    struct http_conn conn;
    struct transport *transport; /* NULL once let go */
    struct loop *loop;
    struct h1_origin_options options;
    struct buf in; /* read, not taken yet */
    struct side side;
    struct h1_origin_answer answer;
    struct h1_origin_request request;
    struct deadline deadline; /* for the next byte of an answer */
    uint64_t due_at_ms;       /* then it is over; 0: when the deadline is */
    struct wake wake;
    unsigned events;
    enum err close_err;
    bool ended; /* the origin sends no more */
    bool paused;
    bool taking;
};

/* h1_origin.c */
/* Lets go of the transport; what runs fails with err. */
void h1_origin_end(struct h1_origin *origin, enum err err);
/* The request is written and the answer read: the next one, or the end. */
void h1_origin_finish(struct h1_origin *origin);
/* Arms the deadline for the next byte of the answer. */
void h1_origin_expect(struct h1_origin *origin);

/* No new exchanges; tells the owner. */
void h1_origin_start_draining(struct h1_origin *origin);

/* h1_origin_read.c */
void h1_origin_read(struct h1_origin *origin, struct span bytes);
/* Takes what it can of origin->in. */
void h1_origin_read_on(struct h1_origin *origin);
/* What the end of the bytes means for what is being read. */
enum err h1_origin_ended_err(const struct h1_origin *origin);

/* h1_origin_write.c */
void h1_origin_begin_request(struct h1_origin *origin);
/* Writes what can be written. */
void h1_origin_flush(struct h1_origin *origin);

#endif
