/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_parse.h - bytes to heads, strictly (RFC 9112, security.md 3.3): refuse, never repair.
 *
 * Two steps, sans I/O.  h1_scan finds the end of a head while bytes trickle in and refuses early
 * what can never become one (bare LF, too long).  h1_parse_* then reads the whole head at once.
 * Where the bytes were split changes nothing.
 *
 *      bytes --h1_scan--> ERR_MORE ... ERR_OK: head_len --h1_parse_request--> head, message
 *
 * Ownership: the parsed head points into one copy in the arena of head->fields.  Threads: any.
 * Limits: LIMIT_TARGET_BYTES (414), LIMIT_HEAD_BYTES and LIMIT_FIELDS (431), LIMIT_TRAILER_BYTES.
 */
#ifndef TRUNKLINE_DATAPLANE_H1_H1_PARSE_H
#define TRUNKLINE_DATAPLANE_H1_H1_PARSE_H

#include "dataplane/http/head.h"

enum h1_kind { H1_REQUEST, H1_RESPONSE };

/* Progress in one head. */
struct h1_scan {
    enum h1_kind kind;
    size_t start;     /* behind the one empty line that may come before a request (RFC 9112 2.2) */
    size_t at;        /* looked at up to here */
    size_t line_at;   /* the line being looked at begins here */
    size_t fields_at; /* 0: still in the first line */
    size_t head_len;  /* with the empty line; known when h1_scan_feed said ERR_OK */
};

/* What a head says about its message beside what `struct head` keeps. */
struct h1_message {
    bool chunked;
    bool until_close; /* response: its body ends with the connection */
    bool keep_alive;
};

void h1_scan_init(struct h1_scan *scan, enum h1_kind kind);

/* bytes begins where the head begins, each time, and only grows.  ERR_MORE, or ERR_OK with the
 * head at [start, head_len), or why it never becomes one. */
MUST_USE enum err h1_scan_feed(struct h1_scan *scan, struct span bytes);

/* raw is a whole head.  head is initialised and has its scheme; fills all else. */
MUST_USE enum err h1_parse_request(struct span raw, struct head *head, struct h1_message *out,
                                   struct problem *problem);

/* The same for an answer to request_method; ERR_ORIGIN_ANSWER. */
MUST_USE enum err h1_parse_response(struct span raw, struct span request_method, struct head *head,
                                    struct h1_message *out, struct problem *problem);

/* raw is zero or more field lines.  fields is initialised. */
MUST_USE enum err h1_parse_trailers(struct span raw, struct fields *fields,
                                    struct problem *problem);

#endif
