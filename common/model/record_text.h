/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_text.h - DNS records as a zone file (RFC 1035 5): read and written.
 *
 *      $ORIGIN shop.example.        www  300 IN A 192.0.2.1 ; proxied
 *      $TTL 1h                           |    |    |  |
 *                                       name ttl  type content
 *
 * What is read is names made whole, a type, a TTL and content in the form that the API takes;
 * whether a name or content is valid is for the one who makes a record of it.  SOA records and
 * records of a class but IN are passed over.
 *
 * Ownership: lines borrow the text; what had to be put together lives in the arena.
 * Limits:    the caller's, on the text; LIMIT_HOSTNAME_BYTES for $ORIGIN.
 */
#ifndef TRUNKLINE_COMMON_MODEL_RECORD_TEXT_H
#define TRUNKLINE_COMMON_MODEL_RECORD_TEXT_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/model/record.h"

struct record_text {
    struct span rest;   /* not yet read */
    struct span origin; /* without the dot at its end */
    struct span owner;  /* of the line before */
    uint64_t ttl_s;     /* $TTL; 1: none was said */
    size_t line;        /* where the reader stands, from 1 */
    struct arena *arena;
};

struct record_line {
    struct span name, content;
    enum record_type type;
    uint64_t ttl_s;
    uint64_t priority; /* of MX */
    bool priority_given;
};

/* origin: the zone's name, until the text says another. */
void record_text_begin(struct record_text *reader, struct span text, struct span origin,
                       struct arena *arena);

/* ERR_NOT_FOUND: no more.  ERR_INVALID with the path "line 7". */
MUST_USE enum err record_text_next(struct record_text *reader, struct record_line *out,
                                   struct problem *problem);

/* Appends one line. */
void record_text_write(const struct record_line *line, struct buf *out);

#endif
