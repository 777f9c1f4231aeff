/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_idempotency.h - a change that a client may ask for twice is made once.
 *
 * The claim belongs to the change and is committed with it; the answer is kept right after.  Rows
 * are no tenant's: they have neither audit nor revision.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_CHANGE_IDEMPOTENCY_H
#define TRUNKLINE_CONTROL_CHANGE_CHANGE_IDEMPOTENCY_H

#include "control/change/change.h"
#include "control/store/store_idempotency.h"

/* row: key and request.  ERR_EXISTS: another request has the key. */
MUST_USE enum err change_idempotency_claim(struct change *change,
                                           const struct store_idempotency *row);
/* row: key, status, revision and body, for the claim that was committed. */
MUST_USE enum err change_idempotency_answer(const struct change_door *door,
                                            const struct store_idempotency *row);

#endif
