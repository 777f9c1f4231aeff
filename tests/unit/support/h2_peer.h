/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_peer.h - the other end of an HTTP/2 connection, played by nghttp2 itself and, where a test
 * wants to be rude, by raw bytes.
 */
#ifndef TRUNKLINE_TESTS_UNIT_SUPPORT_H2_PEER_H
#define TRUNKLINE_TESTS_UNIT_SUPPORT_H2_PEER_H

#include <nghttp2/nghttp2.h>

#include "tests/unit/support/pair_transport.h"

#define H2_PEER_STREAMS 4096

struct h2_peer_stream {
    int status; /* of the last head; 0 before */
    int interim_count;
    uint64_t data_bytes;
    uint32_t data_frames, head_frames, data_frames_to_send;
    bool ended, reset, requested;
    uint32_t reset_code;
    uint64_t body_left; /* of what this peer sends; UINT64_MAX: never ends */
    char method[16], cookie[64], te[32];
    uint32_t field_count;
};

struct h2_peer {
    nghttp2_session *ng;
    struct pair_end *end;
    struct loop_flush flush;
    struct h2_peer_stream streams[H2_PEER_STREAMS]; /* by (id - 1) / 2 */
    int goaway_count;
    uint32_t goaway_code;
    int32_t goaway_last_id;
    uint32_t settings_count, request_count;
    uint32_t told_streams_max;
    bool silent, ended, closed;
};

/* Takes over the end.  settings_max: MAX_CONCURRENT_STREAMS of its SETTINGS; UINT32_MAX: none is
 * told; with silent nothing is sent at all. */
void h2_peer_open(struct h2_peer *peer, struct pair_end *end, bool server, uint32_t streams_max,
                  bool silent);
void h2_peer_release(struct h2_peer *peer);
/* What was submitted leaves in this turn. */
void h2_peer_flush(struct h2_peer *peer);
struct h2_peer_stream *h2_peer_stream(struct h2_peer *peer, int32_t id);
/* GET / or POST / with that many bytes; fields: "name", "value", ... NULL. */
int32_t h2_peer_request(struct h2_peer *peer, const char *method, uint64_t body_bytes,
                        const char *const *fields);
void h2_peer_respond(struct h2_peer *peer, int32_t id, const char *status, uint64_t body_bytes);
void h2_peer_reset(struct h2_peer *peer, int32_t id, uint32_t code);

#endif
