/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_liveness.h - is an origin still there that has not been heard for a while?
 *
 *      heard --LIMIT_ORIGIN_QUIET_MS--> quiet --a request starts, or runs--> PING
 *                                                      any byte --> heard
 *                                                      none for LIMIT_ORIGIN_PING_MS --> dead
 *
 * A zone may want one at an interval as well, whatever is heard, for as long as the connection is
 * open; its silence means the same.
 *
 * While only answers to PINGs are heard the next one waits for LIMIT_ORIGIN_PING_AGAIN_MS: gRPC
 * takes more of them for an attack.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_LIVENESS_H
#define TRUNKLINE_DATAPLANE_H2_H2_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed when the connection opens. */
struct h2_liveness {
    uint64_t pinged_at_ms, answered_at_ms;
    uint64_t interval_ms, interval_from_ms; /* 0: none is wanted */
    bool asking;                            /* a PING is out */
};

/* From now on a PING every interval_ms; 0: none. */
void h2_liveness_every(struct h2_liveness *liveness, uint64_t interval_ms, uint64_t now_ms);
/* Until the next one of these; UINT64_MAX when there is none to wait for. */
uint64_t h2_liveness_wait_ms(const struct h2_liveness *liveness, uint64_t now_ms);

/* A PING is due; starting: a request is about to be sent. */
bool h2_liveness_due(const struct h2_liveness *liveness, uint64_t heard_at_ms, uint64_t now_ms,
                     bool starting);
void h2_liveness_ask(struct h2_liveness *liveness, uint64_t now_ms);
void h2_liveness_answered(struct h2_liveness *liveness, uint64_t now_ms);
/* Nothing was heard since the PING. */
bool h2_liveness_dead(const struct h2_liveness *liveness, uint64_t heard_at_ms, uint64_t now_ms);

#endif
