/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_redirect.h - who asked over plain HTTP where the zone always uses HTTPS, and where he is
 * sent.
 */
#ifndef TRUNKLINE_DATAPLANE_PROXY_PROXY_REDIRECT_H
#define TRUNKLINE_DATAPLANE_PROXY_PROXY_REDIRECT_H

#include "common/model/zone_document.h"
#include "dataplane/http/head.h"

/* always_use_https is on and the zone is not paused.  Who proves to a CA that a name is his does it
 * over plain HTTP (RFC 8555 8.3): that goes to the origin. */
bool proxy_redirect_wanted(const struct zone_document *document, struct span path);

/* The same (normalised) host, path and query over HTTPS, in the arena.  Who asked at port 80 is
 * sent to 443, wherever this edge listens: something forwards both to it.  Who named another port
 * sees the edge's own, and is sent to https_port. */
struct span proxy_redirect_url(const struct head *asked, struct span host, uint16_t https_port,
                               struct arena *arena);

#endif
