/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_websocket.h - the key of a WebSocket handshake and its answer (RFC 6455 4.1 and 4.2.2).
 *
 *      visitor --key--> edge --key--> origin        HTTP/1.1: the visitor's own
 *      visitor -------> edge --key--> origin        HTTP/2 has none (RFC 8441 5.1): we make one
 *      visitor --key--> edge -------> origin        and answer one ourselves
 *
 * The accept value shows that an origin has understood: a 101 without it is no tunnel.
 */
#ifndef TRUNKLINE_DATAPLANE_H1_H1_WEBSOCKET_H
#define TRUNKLINE_DATAPLANE_H1_H1_WEBSOCKET_H

#include "common/base/span.h"

/* base64 of 16 and of 20 bytes. */
#define H1_WEBSOCKET_KEY_BYTES 24
#define H1_WEBSOCKET_ACCEPT_BYTES 28

/* Random; no NUL. */
void h1_websocket_make_key(char out[H1_WEBSOCKET_KEY_BYTES]);
/* key is at most one head long; no NUL. */
void h1_websocket_answer_key(struct span key, char out[H1_WEBSOCKET_ACCEPT_BYTES]);

#endif
