/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_side.h - a side of an exchange that writes down what it hears, and a rig of two of them
 * with an observer.
 *
 * Every event is one letter in `log`: I H B R S A.  A side that is greedy consumes at once.
 */
#ifndef TRUNKLINE_TESTS_UNIT_SUPPORT_FAKE_SIDE_H
#define TRUNKLINE_TESTS_UNIT_SUPPORT_FAKE_SIDE_H

#include "common/base/buf.h"
#include "dataplane/http/exchange.h"

#define FAKE_LOG_BYTES 256

struct fake_side {
    struct side side;
    char log[FAKE_LOG_BYTES]; /* wraps to empty when full */
    struct buf got;
    bool greedy, end_got;
    bool *in_verb; /* of the rig: an event inside a verb breaks L1 */
};

struct fake_rig {
    struct wakeq wakeq;
    struct arena_pool arenas;
    struct chunk_pool chunks;
    struct exchange_pools pools;
    struct exchange *exchange;
    struct fake_side client, origin;
    bool in_verb;
    /* what the observer heard */
    unsigned head_count, failed_count, gone_count, done_count;
    enum err failed_err;
    void (*on_failed)(struct fake_rig *rig); /* may be NULL */
};

/* An exchange with a client side and an observer; no head yet. */
void fake_rig_open(struct fake_rig *rig);
/* ASSERTs that the exchange is gone and that nothing leaked from the pools. */
void fake_rig_close(struct fake_rig *rig);
void fake_rig_attach(struct fake_rig *rig);
/* Until nothing is posted. */
void fake_rig_run(struct fake_rig *rig);

/* Heads in the exchange's arena. */
struct head *fake_rig_request(struct fake_rig *rig, const char *method, int64_t content_length);
struct head *fake_rig_response(struct fake_rig *rig, int status, int64_t content_length);

void fake_side_init(struct fake_side *fake, bool *in_verb);
void fake_side_release(struct fake_side *fake);
const struct side_ops *fake_side_ops(void);
/* Verbs with L1 watched. */
void fake_put(struct fake_side *fake, struct span bytes);
void fake_end(struct fake_side *fake);
/* Up to len bytes; into got. */
void fake_take(struct fake_side *fake, size_t len);

#endif
