/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_grpc.h - what is different for gRPC: it needs HTTP/2 all the way, and its errors are
 * trailers.
 *
 * A gRPC client reads `grpc-status`, not the status line: a page of ours would only confuse it. The
 * answer is 200 with no body and the status in its one header block ("Trailers-Only").  gRPC-Web is
 * made for HTTP/1.1 and is no gRPC here.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_GRPC_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_GRPC_H

#include "dataplane/http/head.h"

/* Fills an initialised head with the answer: 14 (UNAVAILABLE) for what the origin or the edge did,
 * 12 or 13 for what the visitor did; text is the message for people, plain ASCII. */
void proxy_grpc_answer(struct head *head, enum err err, const char *text);

#endif
