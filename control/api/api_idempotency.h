/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_idempotency.h - Idempotency-Key: a POST that was sent again is answered again, not made
 * again.
 *
 *      POST, key new          -> made; key and request are committed with the change, then the
 * answer POST, key known        -> the first answer, with Idempotency-Replayed: true
 *      .. with another body   -> 422 (draft-ietf-httpapi-idempotency-key-header 2.7)
 *      .. whose answer is lost, or is being made -> 409: it was made, look before asking again
 *
 * A key belongs to the token (or the user) that sent it.  A POST that failed, or changed nothing,
 * keeps no key: it may be asked again.
 *
 * Limits: LIMIT_API_IDEMPOTENCY_KEY_BYTES, LIMIT_API_IDEMPOTENT_BYTES, LIMIT_API_IDEMPOTENCY_MS.
 */
#ifndef TRUNKLINE_CONTROL_API_API_IDEMPOTENCY_H
#define TRUNKLINE_CONTROL_API_API_IDEMPOTENCY_H

#include "control/api/api.h"

/* Before the answer of a POST with a key.  reply->replayed: it is answered already. */
MUST_USE enum err api_idempotency_begin(struct api_request *request, struct api_reply *reply);
/* Inside the change. */
MUST_USE enum err api_idempotency_claim(struct api_request *request, struct api_reply *reply);
/* After the answer. */
void api_idempotency_keep(struct api_request *request, const struct api_reply *reply);

#endif
