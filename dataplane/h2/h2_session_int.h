/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_session_int.h - what h2_session.c and h2_events.c share.
 */
#ifndef TRUNKLINE_DATAPLANE_H2_H2_SESSION_INT_H
#define TRUNKLINE_DATAPLANE_H2_H2_SESSION_INT_H

#define H2_SESSION_TAG 0x68327365u
#define H2_FIELD_OVERHEAD 32 /* RFC 9113 6.5.2 */

#endif
