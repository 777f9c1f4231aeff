/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow.h - one message on its way through: head, bounded bytes, trailers, state.
 *
 *      IDLE --head--> OPEN --end--> ENDED         consumed to the last byte: the consumer saw the
 * end |              |
 *        '--------------+--stop--> STOPPED        nobody wants the rest; bytes are dropped but
 * credited (L7)
 *                       '--fail--> FAILED
 *
 * Only exchange.c moves it; codecs use the verbs of side.h.
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_FLOW_H
#define TRUNKLINE_DATAPLANE_HTTP_FLOW_H

#include "common/base/bytequeue.h"
#include "dataplane/http/head.h"

enum flow_state { FLOW_IDLE, FLOW_OPEN, FLOW_ENDED, FLOW_STOPPED, FLOW_FAILED };

struct flow {
    enum flow_state state;
    struct head *head;       /* NULL while IDLE */
    struct fields *trailers; /* NULL when there are none */
    struct bytequeue body;
    size_t unasked_bytes; /* consumed since on_room was posted last (L3) */
    size_t credit_bytes;  /* consumed since side_take_credit */
    uint64_t total_bytes; /* put since the head */
};

#endif
