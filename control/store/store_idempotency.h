/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_idempotency.h - what a client may ask again: the digest of the request, and its answer.
 *
 *      absent --claim, in the change's transaction--> claimed --answer, in one of its own-->
 * answered
 *
 * A row that stays claimed is of a control that died in between: the change is there, its answer
 * is lost.  Rows live for LIMIT_API_IDEMPOTENCY_MS.  Answers are sealed with the master key.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_IDEMPOTENCY_H
#define TRUNKLINE_CONTROL_STORE_STORE_IDEMPOTENCY_H

#include "common/base/buf.h"
#include "common/model/digest.h"
#include "control/store/store.h"

struct store_idempotency {
    struct digest key, request;
    bool answered;
    /* Of the answer. */
    uint64_t status, revision;
    struct span body;
};

/* ERR_NOT_FOUND: never asked, or too long ago. */
MUST_USE enum err store_idempotency_find(struct store_conn *conn, const struct digest *key,
                                         uint64_t now_us, struct arena *arena,
                                         struct store_idempotency *out);
/* ERR_EXISTS: somebody was faster.  Drops what is too old. */
MUST_USE enum err store_idempotency_claim(struct store_conn *conn,
                                          const struct store_idempotency *row, uint64_t now_us);
/* ERR_NOT_FOUND: it was never claimed. */
MUST_USE enum err store_idempotency_answer(struct store_conn *conn,
                                           const struct store_idempotency *row);

#endif
