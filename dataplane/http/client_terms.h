/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_terms.h - how long a visitor may take, as the operator set it.
 *
 * Limits: LIMIT_CLIENT_HEAD_MS, LIMIT_CLIENT_IDLE_MS, LIMIT_CLIENT_GRACE_MS, LIMIT_CLIENT_RATE are
 * the defaults.
 */
#ifndef TRUNKLINE_DATAPLANE_HTTP_CLIENT_TERMS_H
#define TRUNKLINE_DATAPLANE_HTTP_CLIENT_TERMS_H

#include <stddef.h>

#include "common/base/pace.h"
#include "common/model/limits.h"

struct client_terms {
    uint64_t head_ms;       /* a handshake; a whole request head */
    uint64_t idle_ms;       /* a connection with nothing in flight */
    struct pace_terms pace; /* of request bodies, and of what was written to it */
};

/* NULL: the defaults. */
static inline const struct client_terms *client_terms_of(const struct client_terms *set)
{
    static const struct client_terms defaults = {
        .head_ms = LIMIT_CLIENT_HEAD_MS,
        .idle_ms = LIMIT_CLIENT_IDLE_MS,
        .pace = {.grace_ms = LIMIT_CLIENT_GRACE_MS, .rate_bytes_s = LIMIT_CLIENT_RATE},
    };
    return set ? set : &defaults;
}

#endif
