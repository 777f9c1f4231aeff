/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_rig.h - a loop, a pair of transports, and on its ends whatever a test of dataplane/h2 needs.
 *
 *      script clients -> exchange -> h2_origin =near==far= h2_client -> exchange -> script origins
 *                                    (or h2_peer)          (or h2_peer)
 */
#ifndef TRUNKLINE_TESTS_UNIT_SUPPORT_H2_RIG_H
#define TRUNKLINE_TESTS_UNIT_SUPPORT_H2_RIG_H

#include "dataplane/h2/h2_client.h"
#include "dataplane/h2/h2_origin.h"
#include "tests/unit/support/h2_peer.h"
#include "tests/unit/support/script_side.h"

#define RIG_SIDES 1024

struct h2_rig {
    struct loop loop;
    struct exchange_pools pools;
    struct pair_end near, far;
    struct http_conn *origin;
    struct h2_client *client;
    struct h2_peer *peer;
    struct exchange_intake intake;
    struct client_facts facts;
    int slots_told, draining_told, origin_closed_told, client_closed_told;
    enum err origin_closed_err, client_closed_err;
    /* requests of ours through h2_origin, and those that h2_client took in */
    struct script_side requests[RIG_SIDES], answers[RIG_SIDES];
    size_t request_count, answer_count;
    /* how answers are given */
    int status;
    uint64_t answer_bytes;
    size_t step_max;
    bool mute; /* no answer head at all */
    bool withhold_end;
    bool with_trailers;
    int interim_status;
};

struct h2_rig *rig_open(void);
void rig_close(struct h2_rig **rig);
void rig_open_origin(struct h2_rig *rig, uint64_t read_timeout_ms, uint64_t settings_timeout_ms);
void rig_open_client(struct h2_rig *rig);
void rig_open_peer(struct h2_rig *rig, bool server, uint32_t streams_max, bool silent);
/* One more exchange with a script client, run on the origin connection. */
struct script_side *rig_request(struct h2_rig *rig, const char *method, uint64_t body_bytes);
/* The same, not run yet. */
struct script_side *rig_prepare(struct h2_rig *rig, const char *method, uint64_t body_bytes);
/* Turns of the loop until cond, at most 30 s: `RIG_UNTIL(rig, rig->answer_count == 3)`. */
bool rig_turn(struct h2_rig *rig, uint64_t since_ms);
uint64_t rig_now_ms(void);
#define RIG_UNTIL(rig, cond)                           \
    do {                                               \
        for (uint64_t since_ = rig_now_ms(); !(cond);) \
            if (!rig_turn((rig), since_))              \
                fail_msg("never happened: %s", #cond); \
    } while (0)
/* A few turns, in which whatever was on its way arrives. */
void rig_settle(struct h2_rig *rig);

#endif
