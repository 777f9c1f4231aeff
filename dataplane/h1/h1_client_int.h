/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_client_int.h - what the three files of a visitor's connection share.
 *
 *      h1_client.c          the connection: opened, timed, drained, closed
 *      h1_client_read.c     bytes -> request flow
 *      h1_client_answer.c   response flow -> bytes
 *
 *      HEAD --head--> LENGTH | CHUNKS --end--> WAIT --answer written--> HEAD ...
 *        |                                      '--101--> TUNNEL --end--> WAIT --> CLOSED
 *        |                   |                  |
 *        |                   |                  '--not kept alive--> CLOSED
 *        |                   '--answer written, nobody wants the rest--> CLOSED
 *        '--refused: a fixed answer--> CLOSED
 *
 * A closed transport still flushes the answer and discards what the visitor sends for a while, so
 * that an early answer is not lost to a reset.
 */
#ifndef TRUNKLINE_DATAPLANE_H1_H1_CLIENT_INT_H
#define TRUNKLINE_DATAPLANE_H1_H1_CLIENT_INT_H

#include "dataplane/h1/h1_chunk.h"
#include "dataplane/h1/h1_client.h"
#include "dataplane/h1/h1_parse.h"
#include "dataplane/h1/h1_write.h"
#include "dataplane/net/deadline.h"

enum h1_read_phase {
    H1_READ_HEAD,
    H1_READ_LENGTH,
    H1_READ_CHUNKS,
    H1_READ_WAIT,   /* the request is complete, or waits for a tunnel; its answer is not written */
    H1_READ_TUNNEL, /* raw bytes, up to the visitor's end */
    H1_READ_CLOSED,
};

enum h1_timed { H1_TIMED_NOTHING, H1_TIMED_HEAD, H1_TIMED_IDLE, H1_TIMED_DRAIN, H1_TIMED_BODY };

struct h1_client_request {
    enum h1_read_phase phase;
    struct h1_scan scan;
    struct h1_chunk chunk;
    uint64_t left_bytes;  /* LENGTH */
    size_t dropped_bytes; /* of a body that nobody wants */
    enum http_version version;
    bool keep_alive;
    bool continue_owed; /* the visitor waits for `100 Continue` */
};

struct h1_client_answer {
    struct span pending; /* head or last chunk: in the exchange's arena, not written yet */
    enum h1_framing framing;
    bool begun;   /* a byte of the final answer was promised */
    bool ending;  /* the last chunk is pending */
    bool written; /* to its end */
};

struct h1_client {
    struct transport *transport; /* NULL once let go */
    struct loop *loop;
    const struct exchange_intake *intake;
    struct client_facts facts;
    const struct h1_client_events *events;
    void *owner;
    struct buf in; /* read, not taken yet */
    struct side side;
    struct h1_client_request request;
    struct h1_client_answer answer;
    struct deadline read_deadline;
    enum h1_timed timed; /* what the read deadline is for */
    struct pace pace;    /* of the body that is read */
    struct wake closed_wake;
    enum err close_err;
    bool draining; /* no request after this one */
    bool served;   /* has answered a request: an idle end surprises nobody */
    bool ended;    /* the visitor sends no more */
    bool paused;   /* transport_read_stop */
    bool taking;   /* inside take_all: it goes on by itself */
};

/* h1_client.c: lets go of the transport and tells the owner from the loop. */
void h1_client_end(struct h1_client *conn, enum err err);
/* The same with a reset: what was cut must look cut. */
void h1_client_cut(struct h1_client *conn, enum err err);
/* The owner is told that an exchange runs, or none. */
void h1_client_tell_running(struct h1_client *conn, bool running);
/* Reading is paused or resumed, and timed, by what is being read. */
void h1_client_pace(struct h1_client *conn);

/* h1_client_read.c: takes what it can of conn->in. */
void h1_client_read(struct h1_client *conn, struct span bytes);
void h1_client_read_on(struct h1_client *conn);
/* The request did not come in time, and has no answer yet. */
void h1_client_read_expired(struct h1_client *conn);

/* h1_client_answer.c */
extern const struct side_ops h1_client_side_ops;
/* Writes what can be written. */
void h1_client_flush(struct h1_client *conn);
/* The answer is written and the request read as far as anybody wants it: the next one, or the end.
 */
void h1_client_finish(struct h1_client *conn);
/* A fixed answer for a request that has no exchange any more, then the end. */
void h1_client_refuse(struct h1_client *conn, enum err err);

#endif
