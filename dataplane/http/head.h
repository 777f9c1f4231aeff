/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h - the start line and the fields of one message, in no protocol's form.
 *
 * Host and :authority are one member; content-length is a number that was checked; framing and
 * hop-by-hop fields are not in `fields` any more.  The codecs read and write this and nothing else,
 * so that what an origin gets was written from parsed parts only.
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_HEAD_H
#define TRUNKLINE_DATAPLANE_HTTP_HEAD_H

#include "dataplane/http/fields.h"

enum http_version { HTTP_1_0, HTTP_1_1, HTTP_2 };

#define HEAD_LENGTH_UNKNOWN (-1)

struct head {
    enum http_version version; /* of the peer that sent it */
    struct span method;        /* request only, also the next three */
    struct span scheme;        /* "http" or "https" */
    struct span authority;     /* lower case, with the port if one was given */
    struct span path;          /* with the query; "*" for OPTIONS */
    struct span protocol;      /* of an extended CONNECT (RFC 8441), before the check */
    struct span websocket_key; /* made for a tunnel whose request came without one; in an answer the
                                  accept value of a tunnel that HTTP/2 has opened */
    int status;                /* response only */
    int64_t content_length;    /* or HEAD_LENGTH_UNKNOWN */
    bool expects_continue;
    bool bodyless;  /* the message has no body, whatever its length says: HEAD, 204, 304, END_STREAM
                       on the head */
    bool tunnelled; /* request: a GET that asks for a WebSocket, whichever protocol's form it had;
                       answer: 101, both flows are raw bytes from here on */
    struct fields fields;
};

void head_init(struct head *head, struct arena *arena);

/* The rules that both codecs share for a request head (security.md 3.3): method, target, authority,
 * fields; fills content_length and expects_continue from the fields and removes framing, hop-by-hop
 * and Connection-named fields, host and expect. The caller filled version, method, scheme, path,
 * authority (HTTP/2; may be empty) and fields. */
MUST_USE enum err head_check_request(struct head *head, struct problem *problem);

/* The same for an answer: ERR_ORIGIN_ANSWER.  request_method decides about HEAD. */
MUST_USE enum err head_check_response(struct head *head, struct span request_method,
                                      struct problem *problem);

/* A trailer section: names that may not be there are ERR_REQUEST_FIELD. */
MUST_USE enum err head_check_trailers(const struct fields *trailers, struct problem *problem);

/* The content type is application/grpc, or that with a suffix (+proto). */
bool head_is_grpc(const struct head *head);

/* RFC 9110 9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE. */
bool method_is_idempotent(struct span method);

/* The authority without its port. */
struct span authority_host(struct span authority);

#endif
