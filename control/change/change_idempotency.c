/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change_idempotency.c - the claim in the change, the answer behind it.
 */
#include "control/change/change_idempotency.h"

#include "control/change/change_int.h"

enum err change_idempotency_claim(struct change *change, const struct store_idempotency *row)
{
    return store_idempotency_claim(change->conn, row, change->now_us);
}

enum err change_idempotency_answer(const struct change_door *door,
                                   const struct store_idempotency *row)
{
    struct store_conn *conn = NULL;
    TRY(store_write_begin(door->store, &conn));
    enum err err = store_idempotency_answer(conn, row);
    if (err == ERR_OK)
        return store_write_commit(&conn);
    store_write_rollback(&conn);
    return err;
}
