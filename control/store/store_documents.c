/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_documents.c - revisions, and the document that each zone has at its newest one.
 */
#include "control/store/store_documents.h"

#include "common/base/clock.h"
#include "control/store/statement.h"

static enum err newest(struct store_conn *conn, uint64_t *revision, struct digest *chain)
{
    *revision = 0;
    *chain = (struct digest){{0}};
    struct statement s;
    statement_open(&s, conn,
                   "SELECT revision, chain FROM revisions ORDER BY revision DESC LIMIT 1");
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        *revision = statement_u64(&s);
        statement_digest(&s, chain);
    }
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_revision_next(struct store_conn *conn, uint64_t *out)
{
    struct digest chain;
    ASSERT(conn->writing);
    TRY(newest(conn, out, &chain));
    *out += 1;
    return ERR_OK;
}

enum err store_revision_take(struct store_conn *conn, const struct digest *changed, uint64_t *out)
{
    ASSERT(conn->writing);
    uint64_t last = 0;
    struct digest previous;
    TRY(newest(conn, &last, &previous));
    struct digest chain = digest_chain(&previous, changed);
    struct statement s;
    statement_open(&s, conn, "INSERT INTO revisions (revision, chain, at_us) VALUES (?, ?, ?)");
    statement_bind_u64(&s, last + 1);
    statement_bind_digest(&s, &chain);
    statement_bind_u64(&s, clock_wall_us());
    TRY(statement_run(&s));
    *out = last + 1;
    return ERR_OK;
}

enum err store_document_put(struct store_conn *conn, const struct store_document *document)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO documents (zone_id, revision, deleted, digest, body) "
                   "VALUES (?, ?, ?, ?, ?) ON CONFLICT (zone_id) DO UPDATE SET "
                   "revision = excluded.revision, deleted = excluded.deleted, "
                   "digest = excluded.digest, body = excluded.body");
    statement_bind_id(&s, &document->zone_id);
    statement_bind_u64(&s, document->revision);
    statement_bind_bool(&s, document->deleted);
    statement_bind_digest(&s, &document->digest);
    statement_bind_blob(&s, document->body);
    return statement_run(&s);
}

enum err store_document_get(struct store_conn *conn, const struct id *zone_id, struct arena *arena,
                            struct store_document *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT zone_id, revision, deleted, digest, body FROM documents "
                   "WHERE zone_id = ?");
    statement_bind_id(&s, zone_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        statement_id(&s, &out->zone_id);
        out->revision = statement_u64(&s);
        out->deleted = statement_bool(&s);
        statement_digest(&s, &out->digest);
        out->body = statement_text(&s, arena);
    }
    statement_close(&s);
    return err;
}
