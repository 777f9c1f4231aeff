/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script_side.h - a side of an exchange that plays a script: sends so many bytes of a pattern,
 * checks the pattern that it gets.
 */
#ifndef TRUNKLINE_TESTS_UNIT_SUPPORT_SCRIPT_SIDE_H
#define TRUNKLINE_TESTS_UNIT_SUPPORT_SCRIPT_SIDE_H

#include "dataplane/http/exchange.h"

struct script_side {
    struct side side;
    struct exchange *exchange;
    /* the script */
    uint64_t body_bytes;     /* to send; then the end */
    struct fields *trailers; /* to send */
    size_t step_max;         /* puts and consumes are of 1 to step_max bytes; 0: as they come */
    uint64_t consume_max;    /* consumes no more than this; UINT64_MAX at first */
    bool endless;            /* never sends the end */
    bool unchecked;          /* what comes is not of the pattern */
    bool stays;              /* does not detach at the end */
    void (*head_told)(struct script_side *script); /* inside on_head; may be NULL */
    /* what happened */
    uint64_t sent_bytes, got_bytes;
    bool head_got, end_sent, end_got, aborted, stopped, detached;
    int status, interim_status, interim_count;
    uint32_t trailer_count;
    enum err origin_err; /* what the observer was asked about */
    bool done;           /* the observer's on_done */
};

/* A new exchange with this client side; the observer notes and, on origin failure, ends it. */
struct exchange *script_client_open(struct script_side *script, struct exchange_pools *pools,
                                    const struct client_facts *facts);
void script_origin_attach(struct script_side *script, struct exchange *exchange);
/* Heads in the exchange's arena; fields to be added by the caller before it puts them. */
struct head *script_request(struct exchange *exchange, const char *method, const char *path);
struct head *script_response(struct exchange *exchange, int status);
void script_field(struct head *head, const char *name, const char *value);
/* Puts what there is room for, and the end. */
void script_produce(struct script_side *script);
void script_consume(struct script_side *script);

#endif
