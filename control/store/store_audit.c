/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_audit.c - who changed what: appended rows, each sealed by the hash of the one before.
 */
#include "control/store/store_audit.h"

#include "control/store/statement.h"

#define AUDIT_HEAD "audit_head" /* meta: the newest hash, so that a cut end shows */
#define AUDIT_COLUMNS \
    "at_us, user_id, token_id, account_id, zone_id, action, old_json, new_json, ip, request_id"
#define AUDIT_ROW_BYTES_MAX (4 * LIMIT_API_BODY_BYTES)

struct audit_row {
    uint64_t at_us;
    struct span texts[9]; /* in the order of AUDIT_COLUMNS */
};

static struct digest row_hash(const struct digest *previous, const struct audit_row *row)
{
    struct buf bytes;
    buf_init(&bytes, AUDIT_ROW_BYTES_MAX);
    buf_append_u64(&bytes, row->at_us);
    for (size_t i = 0; i < countof(row->texts); i++) {
        buf_appendf(&bytes, "|%zu|", row->texts[i].len);
        buf_append(&bytes, row->texts[i]);
    }
    struct digest item = digest_of(buf_span(&bytes));
    buf_release(&bytes);
    return digest_chain(previous, &item);
}

static enum err read_head(struct store_conn *conn, struct digest *out)
{
    struct buf head;
    *out = (struct digest){{0}};
    buf_init(&head, DIGEST_BYTES);
    enum err err = meta_get(conn, AUDIT_HEAD, &head);
    if (err == ERR_OK && head.len == DIGEST_BYTES)
        memcpy(out->bytes, head.ptr, DIGEST_BYTES);
    buf_release(&head);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_audit_append(struct store_conn *conn, const struct store_audit_entry *entry)
{
    ASSERT(conn->writing);
    struct audit_row row = {
        entry->at_us,
        {id_span(&entry->user_id), id_span(&entry->token_id), id_span(&entry->account_id),
         id_span(&entry->zone_id), entry->action, entry->old_json, entry->new_json, entry->ip,
         entry->request_id},
    };
    struct digest previous;
    TRY(read_head(conn, &previous));
    struct digest hash = row_hash(&previous, &row);
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO audit (" AUDIT_COLUMNS ", prev_hash, hash) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    statement_bind_u64(&s, row.at_us);
    for (size_t i = 0; i < countof(row.texts); i++)
        statement_bind_text(&s, row.texts[i]);
    statement_bind_digest(&s, &previous);
    statement_bind_digest(&s, &hash);
    TRY(statement_run(&s));
    return meta_put(conn, AUDIT_HEAD, digest_span(&hash));
}

/* False when the row is not what follows *previous, which becomes the row's hash. */
static bool follow_row(struct statement *s, struct digest *previous)
{
    struct audit_row row;
    struct digest before, stored;
    row.at_us = statement_u64(s);
    for (size_t i = 0; i < countof(row.texts); i++)
        row.texts[i] = statement_lend(s);
    statement_digest(s, &before);
    statement_digest(s, &stored);
    bool linked = digest_equal(previous, &before);
    *previous = row_hash(previous, &row);
    return linked && digest_equal(previous, &stored);
}

enum err store_audit_verify(struct store_conn *conn, struct problem *problem)
{
    struct digest head, previous = {{0}};
    uint64_t number = 0;
    TRY(read_head(conn, &head));
    struct statement s;
    statement_open(&s, conn,
                   "SELECT id, " AUDIT_COLUMNS ", prev_hash, hash FROM audit ORDER BY id");
    enum err err;
    while ((err = statement_row(&s)) == ERR_OK) {
        number = statement_u64(&s);
        if (!follow_row(&s, &previous)) {
            err = problem_set(problem, ERR_CORRUPT, "audit",
                              "row %llu is not what was written there", (unsigned long long)number);
            break;
        }
    }
    statement_close(&s);
    if (err != ERR_NOT_FOUND)
        return err;
    if (!digest_equal(&previous, &head))
        return problem_set(problem, ERR_CORRUPT, "audit", "rows behind number %llu are missing",
                           (unsigned long long)number);
    return ERR_OK;
}
