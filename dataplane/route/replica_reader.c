/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_reader.c - five prepared statements on a read-only connection.
 */
#include "dataplane/route/replica_reader.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/digest.h"
#include "common/model/hostname.h"

#define BUSY_MS 200

enum question { ASK_ZONE, ASK_DOCUMENT, ASK_NAMES, ASK_CERTIFICATE, ASK_ORIGIN_CA, QUESTION_COUNT };

static const char *const questions[QUESTION_COUNT] = {
    [ASK_ZONE] = ("SELECT d.zone_id FROM hostnames h JOIN documents d ON d.zone_id = h.zone_id"
                  " WHERE h.name = ?1 ORDER BY d.revision DESC LIMIT 1"),
    [ASK_DOCUMENT] = "SELECT revision, digest, body FROM documents WHERE zone_id = ?1",
    [ASK_NAMES] = "SELECT names FROM certificates WHERE id = ?1",
    [ASK_CERTIFICATE] = "SELECT zone_id, chain_pem, key_sealed FROM certificates WHERE id = ?1",
    /* the one that belongs to no zone */
    [ASK_ORIGIN_CA] = "SELECT chain_pem FROM certificates WHERE zone_id = ?1 LIMIT 1",
};

struct replica_reader {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[QUESTION_COUNT];
    dev_t device;
    ino_t inode;
};

static enum err failed(struct replica_reader *reader, int code)
{
    enum err err =
        (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB ? ERR_CORRUPT : ERR_IO;
    log_error("replica_read_failed", F_STR("path", reader->path), F_I64("sqlite_code", code),
              F_STR("sqlite_text", sqlite3_errmsg(reader->db)), F_ERR(err));
    return err;
}

static struct span column(sqlite3_stmt *row, int index)
{
    const void *bytes = sqlite3_column_blob(row, index);
    return span_of(bytes, (size_t)sqlite3_column_bytes(row, index));
}

/* ERR_NOT_FOUND, or a row to be read and then reset by answered(). */
static enum err ask(struct replica_reader *reader, enum question question, struct span key,
                    sqlite3_stmt **out)
{
    sqlite3_stmt *statement = reader->statements[question];
    int code = sqlite3_bind_text(statement, 1, (const char *)key.ptr, (int)key.len, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *out = statement;
        return ERR_OK;
    }
    enum err err = code == SQLITE_DONE ? ERR_NOT_FOUND : failed(reader, code);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return err;
}

static void answered(sqlite3_stmt *row)
{
    sqlite3_reset(row);
    sqlite3_clear_bindings(row);
}

static enum err prepare(struct replica_reader *reader)
{
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        int code = sqlite3_prepare_v3(reader->db, questions[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &reader->statements[i], NULL);
        if (code != SQLITE_OK)
            return failed(reader, code);
    }
    return ERR_OK;
}

enum err replica_reader_open(const char *path, struct replica_reader **out, struct problem *problem)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return problem_set(problem, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "replica", "%s: %s",
                           path, strerror(errno));
    struct replica_reader *reader = mem_new(struct replica_reader);
    reader->path = strdup(path);
    ASSERT(reader->path != NULL);
    reader->device = file.st_dev;
    reader->inode = file.st_ino;
    int code = sqlite3_open_v2(path, &reader->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    enum err err = code == SQLITE_OK ? ERR_OK : failed(reader, code);
    if (err == ERR_OK) {
        sqlite3_busy_timeout(reader->db, BUSY_MS);
        err = prepare(reader);
    }
    if (err != ERR_OK) {
        problem_set(problem, err, "replica", "%s: %s", path, sqlite3_errmsg(reader->db));
        replica_reader_close(&reader);
        return err;
    }
    *out = reader;
    return ERR_OK;
}

void replica_reader_close(struct replica_reader **reader)
{
    struct replica_reader *r = *reader;
    if (r == NULL)
        return;
    for (size_t i = 0; i < QUESTION_COUNT; i++)
        sqlite3_finalize(r->statements[i]);
    sqlite3_close(r->db);
    mem_free(&r->path);
    mem_free(reader);
}

bool replica_reader_current(const struct replica_reader *reader)
{
    struct stat file;
    return stat(reader->path, &file) == 0 && file.st_dev == reader->device &&
           file.st_ino == reader->inode;
}

static enum err read_zone(struct replica_reader *reader, struct span name, struct id *out)
{
    sqlite3_stmt *row;
    TRY(ask(reader, ASK_ZONE, name, &row));
    enum err err = id_parse(column(row, 0), out);
    answered(row);
    return err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

enum err replica_reader_zone(struct replica_reader *reader, struct span host, struct id *out)
{
    struct hostname wildcard;
    enum err err = read_zone(reader, host, out);
    if (err == ERR_NOT_FOUND && hostname_wildcard_of(host, &wildcard))
        err = read_zone(reader, hostname_span(&wildcard), out);
    return err == ERR_NOT_FOUND ? ERR_HOST_UNKNOWN : err;
}

static enum err decode_document(sqlite3_stmt *row, const struct id *zone_id,
                                struct zone_document **out)
{
    struct problem problem = {.code = ERR_CORRUPT, .text = "the digest is not that of the body"};
    uint64_t revision = (uint64_t)sqlite3_column_int64(row, 0);
    struct span body = column(row, 2);
    struct digest digest = digest_of(body);
    enum err err = ERR_CORRUPT;
    if (span_equal(column(row, 1), digest_span(&digest)))
        err = zone_document_decode(body, revision, out, &problem);
    /* A key that rotted would hand one zone's document to another. */
    if (err == ERR_OK && !id_equal((*out)->zone_id, *zone_id)) {
        zone_document_unref(out);
        err = problem_set(&problem, ERR_CORRUPT, "zone_id", "is another zone's");
    }
    if (err == ERR_OK)
        return ERR_OK;
    log_error("replica_document_corrupt", F_SPAN("zone", id_span(zone_id)),
              F_STR("path", problem.path), F_STR("text", problem.text));
    return ERR_CORRUPT;
}

enum err replica_reader_document(struct replica_reader *reader, const struct id *zone_id,
                                 struct zone_document **out)
{
    sqlite3_stmt *row;
    TRY(ask(reader, ASK_DOCUMENT, id_span(zone_id), &row));
    enum err err = decode_document(row, zone_id, out);
    answered(row);
    return err;
}

enum err replica_reader_names(struct replica_reader *reader, const struct id *certificate_id,
                              struct buf *out)
{
    sqlite3_stmt *row;
    TRY(ask(reader, ASK_NAMES, id_span(certificate_id), &row));
    buf_append(out, column(row, 0));
    answered(row);
    return ERR_OK;
}

enum err replica_reader_certificate(struct replica_reader *reader, const struct id *certificate_id,
                                    struct replica_certificate *out)
{
    sqlite3_stmt *row;
    TRY(ask(reader, ASK_CERTIFICATE, id_span(certificate_id), &row));
    enum err err = id_parse(column(row, 0), &out->zone_id);
    buf_append(&out->chain_pem, column(row, 1));
    buf_append(&out->key_sealed, column(row, 2));
    answered(row);
    return err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

enum err replica_reader_origin_ca(struct replica_reader *reader, struct buf *out)
{
    sqlite3_stmt *row;
    TRY(ask(reader, ASK_ORIGIN_CA, SPAN(""), &row));
    buf_append(out, column(row, 0));
    answered(row);
    return ERR_OK;
}
