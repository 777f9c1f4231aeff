/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_certificates.c - the certificates of a zone and the installation's local CA.
 */
#include "control/store/store_certificates.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "control/store/certificate_seal.h"
#include "control/store/statement.h"

#define CERTIFICATE_COLUMNS                                                                      \
    "c.id, c.zone_id, c.source = 'local', c.source = 'client', c.chain_pem, c.names, c.issuer, " \
    "c.serial, "                                                                                 \
    "c.signature, c.fingerprint, c.not_before_s, c.not_after_s, c.created_at_us, c.priority"
#define CA_BOUND SPAN("trunkline local ca")

static void read_certificate(struct statement *s, struct arena *arena,
                             struct store_certificate *out)
{
    statement_id(s, &out->id);
    statement_id(s, &out->zone_id);
    out->local = statement_bool(s);
    out->client = statement_bool(s);
    out->chain_pem = statement_text(s, arena);
    out->names = statement_text(s, arena);
    out->issuer = statement_text(s, arena);
    out->serial = statement_text(s, arena);
    out->signature = statement_text(s, arena);
    out->fingerprint = statement_text(s, arena);
    out->not_before_s = statement_u64(s);
    out->not_after_s = statement_u64(s);
    out->created_at_us = statement_u64(s);
    out->priority = statement_u64(s);
}

/* The zone is the row: a zone without certificates gives one row of NULLs, an unseen one none. */
enum err store_certificate_list(struct store_conn *conn, const struct store_scope *scope,
                                const struct id *zone_id, struct arena *arena,
                                struct store_certificate_list *out)
{
    struct statement s;
    size_t rows_max = LIMIT_ZONE_CERTIFICATES + LIMIT_ZONE_CLIENT_CERTIFICATES + 1;
    statement_open(&s, conn,
                   "SELECT " CERTIFICATE_COLUMNS
                   " FROM zones z LEFT JOIN certificates c ON c.zone_id = z.id WHERE z.id = ?1 AND "
                   "(?2 OR z.account_id IN (SELECT account_id FROM members WHERE user_id = ?3)) "
                   "ORDER BY c.source, c.priority DESC, c.created_at_us DESC, c.id");
    statement_bind_id(&s, zone_id);
    statement_bind_bool(&s, scope->platform_wide);
    statement_bind_id(&s, &scope->user_id);
    out->rows = arena_calloc(arena, rows_max, sizeof(*out->rows));
    out->count = 0;
    enum err err = statement_row(&s);
    bool seen = err == ERR_OK;
    while (err == ERR_OK && out->count < rows_max) {
        read_certificate(&s, arena, &out->rows[out->count]);
        if (out->rows[out->count].id.text[0] != '\0')
            out->count++;
        err = statement_row(&s);
    }
    statement_close(&s);
    return seen && err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_certificate_get(struct store_conn *conn, const struct store_scope *scope,
                               const struct id *zone_id, const struct id *id, struct arena *arena,
                               struct store_certificate *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT " CERTIFICATE_COLUMNS
                   " FROM certificates c JOIN zones z ON z.id = c.zone_id WHERE z.id = ?1 AND "
                   "(?2 OR z.account_id IN (SELECT account_id FROM members WHERE user_id = ?3)) "
                   "AND c.id = ?4");
    statement_bind_id(&s, zone_id);
    statement_bind_bool(&s, scope->platform_wide);
    statement_bind_id(&s, &scope->user_id);
    statement_bind_id(&s, id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        read_certificate(&s, arena, out);
    statement_close(&s);
    return err;
}

static void bind_facts(struct statement *s, const struct store_certificate *certificate)
{
    statement_bind_id(s, &certificate->id);
    statement_bind_id(s, &certificate->zone_id);
    statement_bind_text(s, certificate->local    ? SPAN("local")
                           : certificate->client ? SPAN("client")
                                                 : SPAN("custom"));
    statement_bind_text(s, certificate->names);
    statement_bind_text(s, certificate->issuer);
    statement_bind_text(s, certificate->serial);
    statement_bind_text(s, certificate->signature);
    statement_bind_text(s, certificate->fingerprint);
    statement_bind_u64(s, certificate->not_before_s);
    statement_bind_u64(s, certificate->not_after_s);
    statement_bind_u64(s, certificate->created_at_us);
    statement_bind_text(s, certificate->chain_pem);
}

enum err store_certificate_insert(struct store_conn *conn,
                                  const struct store_certificate *certificate, struct span key_pem)
{
    struct certificate_binding binding =
        certificate_binding(&certificate->zone_id, &certificate->id);
    struct buf sealed;
    buf_init(&sealed, LIMIT_PRIVATE_KEY_BYTES + SEAL_OVERHEAD_BYTES);
    seal_close(&conn->store->master, span_str(binding.text), key_pem, &sealed);
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO certificates (id, zone_id, source, names, issuer, serial, "
                   "signature, fingerprint, not_before_s, not_after_s, created_at_us, chain_pem, "
                   "key_sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind_facts(&s, certificate);
    statement_bind_blob(&s, buf_span(&sealed));
    enum err err = statement_run(&s);
    if (sealed.overflowed)
        err = ERR_TOO_LARGE;
    buf_release(&sealed);
    return err;
}

enum err store_certificate_prioritise(struct store_conn *conn, const struct id *zone_id,
                                      const struct id *id, uint64_t priority)
{
    struct statement s;
    statement_open(&s, conn, "UPDATE certificates SET priority = ? WHERE zone_id = ? AND id = ?");
    statement_bind_u64(&s, priority);
    statement_bind_id(&s, zone_id);
    statement_bind_id(&s, id);
    return statement_run_one(&s);
}

enum err store_certificate_delete(struct store_conn *conn, const struct id *zone_id,
                                  const struct id *id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM certificates WHERE zone_id = ? AND id = ?");
    statement_bind_id(&s, zone_id);
    statement_bind_id(&s, id);
    return statement_run_one(&s);
}

enum err store_certificates_stamp(struct store_conn *conn, const struct id *zone_id,
                                  uint64_t revision)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE certificates SET revision = ? WHERE zone_id = ? AND revision = 0");
    statement_bind_u64(&s, revision);
    statement_bind_id(&s, zone_id);
    return statement_run(&s);
}

enum err store_certificate_ending(struct store_conn *conn, uint64_t not_after_s,
                                  struct id *zone_id_out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT zone_id FROM certificates WHERE source = 'local' AND not_after_s < ? "
                   "ORDER BY not_after_s LIMIT 1");
    statement_bind_u64(&s, not_after_s);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        statement_id(&s, zone_id_out);
    statement_close(&s);
    return err;
}

enum err store_ca_put(struct store_conn *conn, struct span chain_pem, struct span key_pem)
{
    struct buf sealed;
    buf_init(&sealed, LIMIT_PRIVATE_KEY_BYTES + SEAL_OVERHEAD_BYTES);
    seal_close(&conn->store->master, CA_BOUND, key_pem, &sealed);
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO local_ca (id, chain_pem, key_sealed, created_at_us) "
                   "VALUES (1, ?, ?, ?)");
    statement_bind_text(&s, chain_pem);
    statement_bind_blob(&s, buf_span(&sealed));
    statement_bind_u64(&s, clock_wall_us());
    enum err err = statement_run(&s);
    if (sealed.overflowed)
        err = ERR_TOO_LARGE;
    buf_release(&sealed);
    return err;
}

enum err store_ca_get(struct store_conn *conn, struct buf *chain_out, struct buf *key_out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT chain_pem, key_sealed FROM local_ca WHERE id = 1");
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        buf_append(chain_out, statement_lend(&s));
        if (key_out)
            err = seal_open(&conn->store->master, CA_BOUND, statement_lend(&s), key_out);
    }
    statement_close(&s);
    return err;
}
