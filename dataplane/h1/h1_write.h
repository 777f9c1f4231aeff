/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_write.h - heads to bytes.
 *
 * Everything is written from parsed parts; `host` comes first, cookie crumbs become one line again
 * (RFC 9113 8.2.3), the framing is what the caller decided and nothing else.  What is written here
 * parses again to the same head: tests/fuzz/fuzz_h1_parse.c.
 *
 * Ownership: the bytes live in the arena that is given.
 */
#ifndef TRUNKLINE_DATAPLANE_H1_H1_WRITE_H
#define TRUNKLINE_DATAPLANE_H1_H1_WRITE_H

#include "dataplane/http/head.h"

enum h1_framing {
    H1_BARE,   /* no body; a length may still be told: HEAD, 304 */
    H1_LENGTH, /* exactly length_bytes */
    H1_CHUNKED,
    H1_UNTIL_CLOSE,
};

struct h1_body {
    enum h1_framing framing;
    int64_t length_bytes; /* or HEAD_LENGTH_UNKNOWN */
};

enum h1_persistence {
    H1_PERSIST_UNSAID,     /* HTTP/1.1 keeps alive without a word */
    H1_PERSIST_KEEP_ALIVE, /* HTTP/1.0 wants it said */
    H1_PERSIST_CLOSE,
};

struct span h1_write_request(const struct head *head, struct h1_body body, struct arena *arena);
struct span h1_write_response(const struct head *head, struct h1_body body,
                              enum h1_persistence persistence, struct arena *arena);

/* "1f4\r\n"; returns how many bytes. */
#define H1_CHUNK_LINE_BYTES 18
size_t h1_write_chunk_line(size_t len, char out[H1_CHUNK_LINE_BYTES]);

/* The last chunk, the trailers (NULL: none) and the empty line. */
struct span h1_write_last_chunk(const struct fields *trailers, struct arena *arena);

/* "Not Found"; "Unknown" for a code that has no registered phrase. */
const char *h1_reason(int status);

#endif
