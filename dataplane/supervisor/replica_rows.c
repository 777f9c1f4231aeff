/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_rows.c - the rows of one revision, into the live tables or the staged ones.
 */
#include "dataplane/supervisor/replica_int.h"

#include "common/base/mem.h"
#include "common/model/hostname.h"
#include "common/model/zone_document.h"
#include "dataplane/route/replica_reader.h"

#define SQL_BYTES_MAX 512
#define NAMES_BYTES_MAX ((size_t)(LIMIT_HOSTNAME_BYTES + 1) * CERTIFICATE_NAMES_MAX)

/* '@' stands for the prefix of the tables. */
static const char *const rows[ROW_COUNT] = {
    [ROW_DOCUMENT] = "SELECT revision, body FROM @documents WHERE zone_id = ?1",
    [ROW_PUT_DOCUMENT] = "INSERT OR REPLACE INTO @documents (zone_id, revision, digest, body)"
                         " VALUES (?1, ?2, ?3, ?4)",
    [ROW_DROP_DOCUMENT] = "DELETE FROM @documents WHERE zone_id = ?1",
    [ROW_PUT_HOSTNAME] = "INSERT OR REPLACE INTO @hostnames (name, zone_id) VALUES (?2, ?1)",
    [ROW_DROP_HOSTNAMES] = "DELETE FROM @hostnames WHERE zone_id = ?1",
    [ROW_RIVALS] = "SELECT zone_id FROM @hostnames WHERE name IN (?2, ?3) AND zone_id <> ?1",
    [ROW_PUT_CERTIFICATE] =
        "INSERT OR REPLACE INTO @certificates (zone_id, id, names, chain_pem, key_sealed)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [ROW_HAS_CERTIFICATE] = "SELECT 1 FROM @certificates WHERE zone_id = ?1 AND id = ?2",
    [ROW_DROP_CERTIFICATES] = "DELETE FROM @certificates WHERE zone_id = ?1 AND instr(?2, id) = 0",
};

enum err replica_rows_prepare(struct replica *replica, const char *prefix,
                              sqlite3_stmt *statements[ROW_COUNT])
{
    struct buf sql;
    int code = SQLITE_OK;
    buf_init(&sql, SQL_BYTES_MAX);
    for (size_t i = 0; i < ROW_COUNT && code == SQLITE_OK; i++) {
        struct span rest = span_str(rows[i]);
        struct span before = span_split(&rest, '@');
        buf_clear(&sql);
        buf_append(&sql, before);
        buf_append_str(&sql, prefix);
        buf_append(&sql, rest);
        code = sqlite3_prepare_v3(replica->db, buf_cstr(&sql), -1, SQLITE_PREPARE_PERSISTENT,
                                  &statements[i], NULL);
    }
    buf_release(&sql);
    return code == SQLITE_OK ? ERR_OK : replica_failed(replica, code);
}

void replica_rows_finalize(sqlite3_stmt *statements[ROW_COUNT])
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        sqlite3_finalize(statements[i]);
        statements[i] = NULL;
    }
}

/* The statement with its first parameter, which is always the zone. */
static sqlite3_stmt *row_of(struct replica *replica, enum replica_row row, const struct id *zone_id)
{
    ASSERT(replica->state != REPLICA_IDLE);
    sqlite3_stmt *statement =
        replica->state == REPLICA_STAGING ? replica->staged[row] : replica->live[row];
    sqlite3_bind_text(statement, 1, zone_id->text, -1, SQLITE_STATIC);
    return statement;
}

static void bind_text(sqlite3_stmt *row, int index, struct span text)
{
    sqlite3_bind_text(row, index, text.len > 0 ? (const char *)text.ptr : "", (int)text.len,
                      SQLITE_STATIC);
}

static void bind_bytes(sqlite3_stmt *row, int index, struct span bytes)
{
    sqlite3_bind_blob(row, index, bytes.len > 0 ? (const void *)bytes.ptr : "", (int)bytes.len,
                      SQLITE_STATIC);
}

/* Runs a statement that gives no row, and lets go of what was bound. */
static enum err run(struct replica *replica, sqlite3_stmt *row)
{
    int code = sqlite3_step(row);
    sqlite3_reset(row);
    sqlite3_clear_bindings(row);
    return code == SQLITE_DONE ? ERR_OK : replica_failed(replica, code);
}

static void note_changed(struct replica *replica, struct span zone_id)
{
    struct span ids = buf_span(&replica->changed);
    if (replica->changed_all || replica->changed.overflowed)
        return;
    for (size_t at = 0; at < ids.len; at += ID_TEXT_BYTES) {
        if (span_equal(span_first(span_skip(ids, at), ID_TEXT_BYTES), zone_id))
            return;
    }
    buf_append(&replica->changed, zone_id);
}

/* A name that this zone takes, or takes out from under a wildcard, may be in the workers' caches
 * as another zone's. */
static enum err note_rivals(struct replica *replica, const struct zone_document *document,
                            struct span name)
{
    struct hostname wildcard;
    if (replica->changed_all)
        return ERR_OK;
    if (!hostname_wildcard_of(name, &wildcard))
        wildcard.len = 0;
    sqlite3_stmt *row = row_of(replica, ROW_RIVALS, &document->zone_id);
    bind_text(row, 2, name);
    bind_text(row, 3, hostname_span(&wildcard));
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW)
        note_changed(replica, span_of(sqlite3_column_text(row, 0), ID_TEXT_BYTES));
    sqlite3_reset(row);
    sqlite3_clear_bindings(row);
    return code == SQLITE_DONE ? ERR_OK : replica_failed(replica, code);
}

static enum err put_hostnames(struct replica *replica, const struct zone_document *document)
{
    /* A full copy begins empty, and has no index to find a zone's rows by yet. */
    if (replica->state == REPLICA_CHANGING)
        TRY(run(replica, row_of(replica, ROW_DROP_HOSTNAMES, &document->zone_id)));
    for (size_t i = 0; i < document->hostname_count; i++) {
        struct span name = document->hostnames[i].name;
        TRY(note_rivals(replica, document, name));
        sqlite3_stmt *row = row_of(replica, ROW_PUT_HOSTNAME, &document->zone_id);
        bind_text(row, 2, name);
        TRY(run(replica, row));
    }
    return ERR_OK;
}

static enum err check_certificates(struct replica *replica, const struct zone_document *document,
                                   struct problem *problem)
{
    size_t shown_count = document->certificate_count;
    for (size_t i = 0; i < shown_count + document->client_certificate_count; i++) {
        const struct id *id = i < shown_count ? &document->certificates[i]
                                              : &document->client_certificates[i - shown_count];
        sqlite3_stmt *row = row_of(replica, ROW_HAS_CERTIFICATE, &document->zone_id);
        bind_text(row, 2, id_span(id));
        int code = sqlite3_step(row);
        sqlite3_reset(row);
        sqlite3_clear_bindings(row);
        if (code == SQLITE_DONE)
            return problem_set(problem, ERR_INVALID,
                               i < shown_count ? "certificates" : "client_certificates",
                               "%s is not there", id->text);
        if (code != SQLITE_ROW)
            return replica_failed(replica, code);
    }
    return ERR_OK;
}

static void list_ids(const struct id *ids, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        buf_append(out, id_span(&ids[i]));
        buf_append_byte(out, ' ');
    }
}

enum err replica_document(struct replica *replica, const struct id *zone_id, uint64_t *revision_out,
                          struct buf *body_out)
{
    sqlite3_stmt *row = replica->live[ROW_DOCUMENT];
    sqlite3_bind_text(row, 1, zone_id->text, -1, SQLITE_STATIC);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        *revision_out = (uint64_t)sqlite3_column_int64(row, 0);
        buf_append(body_out,
                   span_of(sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1)));
    }
    sqlite3_reset(row);
    sqlite3_clear_bindings(row);
    if (code == SQLITE_ROW)
        return body_out->overflowed ? ERR_CORRUPT : ERR_OK;
    return code == SQLITE_DONE ? ERR_NOT_FOUND : replica_failed(replica, code);
}

static enum err drop_unnamed(struct replica *replica, const struct zone_document *document)
{
    struct buf listed;
    buf_init(&listed, (size_t)(LIMIT_ZONE_CERTIFICATES + LIMIT_ZONE_CLIENT_CERTIFICATES) *
                          (ID_TEXT_BYTES + 1));
    list_ids(document->certificates, document->certificate_count, &listed);
    list_ids(document->client_certificates, document->client_certificate_count, &listed);
    ASSERT(!listed.overflowed);
    sqlite3_stmt *row = row_of(replica, ROW_DROP_CERTIFICATES, &document->zone_id);
    bind_text(row, 2, buf_span(&listed));
    enum err err = run(replica, row);
    buf_release(&listed);
    return err;
}

enum err replica_put_document(struct replica *replica, const struct message_document *message,
                              const struct zone_document *document, struct problem *problem)
{
    ASSERT(id_equal(message->zone_id, document->zone_id));
    TRY(check_certificates(replica, document, problem));
    sqlite3_stmt *row = row_of(replica, ROW_PUT_DOCUMENT, &message->zone_id);
    sqlite3_bind_int64(row, 2, (sqlite3_int64)message->revision);
    bind_bytes(row, 3, digest_span(&message->digest));
    bind_bytes(row, 4, message->body);
    TRY(run(replica, row));
    TRY(put_hostnames(replica, document));
    note_changed(replica, id_span(&message->zone_id));
    return replica_stage_batch(replica);
}

enum err replica_drop_certificates(struct replica *replica, const struct id *zone_id)
{
    struct zone_document *document = NULL;
    struct problem problem;
    struct buf body;
    uint64_t revision = 0;
    if (replica->state != REPLICA_CHANGING)
        return ERR_OK; /* a full copy brings what is named alone */
    buf_init(&body, LIMIT_DOCUMENT_BYTES);
    enum err err = replica_document(replica, zone_id, &revision, &body);
    if (err == ERR_OK)
        err = zone_document_decode(buf_span(&body), revision, &document, &problem);
    if (err == ERR_OK)
        err = drop_unnamed(replica, document);
    zone_document_unref(&document);
    buf_release(&body);
    return err == ERR_NOT_FOUND ? ERR_OK : err; /* a deleted zone's have gone with it */
}

enum err replica_put_tombstone(struct replica *replica, const struct message_tombstone *message)
{
    const struct id *zone_id = &message->zone_id;
    TRY(run(replica, row_of(replica, ROW_DROP_DOCUMENT, zone_id)));
    TRY(run(replica, row_of(replica, ROW_DROP_HOSTNAMES, zone_id)));
    sqlite3_stmt *row = row_of(replica, ROW_DROP_CERTIFICATES, zone_id);
    bind_text(row, 2, SPAN_EMPTY);
    TRY(run(replica, row));
    note_changed(replica, id_span(zone_id));
    return ERR_OK;
}

enum err replica_put_certificate(struct replica *replica, const struct message_certificate *message,
                                 const struct certificate_facts *facts)
{
    char bound_to[REPLICA_BINDING_BYTES];
    struct buf sealed, names;
    buf_init(&sealed, LIMIT_PRIVATE_KEY_BYTES + SEAL_OVERHEAD_BYTES);
    buf_init(&names, NAMES_BYTES_MAX);
    for (size_t i = 0; i < facts->name_count; i++) {
        buf_append(&names, hostname_span(&facts->names[i]));
        buf_append_byte(&names, '\n');
    }
    seal_close(&replica->key,
               replica_binding(&message->zone_id, &message->certificate_id, bound_to),
               message->key_pem, &sealed);
    ASSERT(!sealed.overflowed && !names.overflowed);
    sqlite3_stmt *row = row_of(replica, ROW_PUT_CERTIFICATE, &message->zone_id);
    bind_text(row, 2, id_span(&message->certificate_id));
    bind_text(row, 3, buf_span(&names));
    bind_bytes(row, 4, message->chain_pem);
    bind_bytes(row, 5, buf_span(&sealed));
    enum err err = run(replica, row);
    buf_release(&sealed);
    buf_release(&names);
    return err == ERR_OK ? replica_stage_batch(replica) : err;
}

/* Every verified connection depends on it: workers forget all. */
enum err replica_put_origin_ca(struct replica *replica, const struct message_certificate *message)
{
    struct span id = id_span(&message->certificate_id);
    sqlite3_stmt *row = row_of(replica, ROW_DROP_CERTIFICATES, &message->zone_id);
    bind_text(row, 2, id);
    TRY(run(replica, row));
    row = row_of(replica, ROW_PUT_CERTIFICATE, &message->zone_id);
    bind_text(row, 2, id);
    bind_text(row, 3, SPAN_EMPTY);
    bind_bytes(row, 4, message->chain_pem);
    bind_bytes(row, 5, SPAN_EMPTY);
    TRY(run(replica, row));
    replica->changed_all = true;
    return ERR_OK;
}

enum err replica_keep(struct replica *replica, const struct id *zone_id)
{
    return replica->state == REPLICA_STAGING ? replica_stage_keep(replica, zone_id) : ERR_OK;
}
