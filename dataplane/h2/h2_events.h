/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_events.h - what nghttp2 tells, told on to streams and role.
 *
 * The only file with nghttp2 callbacks but for the body's (h2_stream.c).  Any order of frames is
 * tolerated: nothing here assumes that a stream exists.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_EVENTS_H
#define TRUNKLINE_DATAPLANE_H2_H2_EVENTS_H

#include <nghttp2/nghttp2.h>

/* The callbacks of a session whose user data is a struct h2_session. */
void h2_events_set(nghttp2_session_callbacks *callbacks);

#endif
