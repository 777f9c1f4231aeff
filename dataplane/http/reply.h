/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h - an answer that we author ourselves is just another origin side (flow.md L6).
 *
 * Error pages, 404 for unknown hosts, redirects: all travel the one path, so client codecs have no
 * error branch.  The rest of the request body is stopped, not read.
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_REPLY_H
#define TRUNKLINE_DATAPLANE_HTTP_REPLY_H

#include "dataplane/http/exchange.h"

/* Attaches an origin side that answers with head (in the exchange's arena; status and fields
 * filled, content_length is set here) and body (copied; at most LIMIT_FLOW_BYTES).  HEAD requests
 * get the head alone. */
void reply_attach(struct exchange *exchange, struct head *head, struct span body);

#endif
