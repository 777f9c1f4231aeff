/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_origin_ca.c - the CA that signs for origins, and what it has signed.
 */
#include "control/store/store_origin_ca.h"

#include "common/base/clock.h"
#include "common/model/seal.h"
#include "control/store/statement.h"

#define CA_BOUND SPAN("trunkline origin ca")
#define CERTIFICATE_COLUMNS                                                         \
    "o.id, o.account_id, o.hostnames, o.request_type, o.validity_days, o.csr_pem, " \
    "o.chain_pem, o.serial, o.not_after_s, o.created_at_us, o.revoked_at_us"
#define SEEN "(?1 OR o.account_id IN (SELECT account_id FROM members WHERE user_id = ?2))"
#define OF_ZONE                                                    \
    " FROM origin_certificates o JOIN origin_certificate_zones z " \
    "ON z.certificate_id = o.id WHERE " SEEN " AND z.zone_id = ?3 AND o.revoked_at_us = 0"

/* ---- the CA */

enum err store_origin_ca_put(struct store_conn *conn, struct span chain_pem, struct span key_pem)
{
    struct id record_id = id_new();
    struct buf sealed;
    buf_init(&sealed, LIMIT_PRIVATE_KEY_BYTES + SEAL_OVERHEAD_BYTES);
    seal_close(&conn->store->master, CA_BOUND, key_pem, &sealed);
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO origin_ca (id, record_id, chain_pem, key_sealed, created_at_us) "
                   "VALUES (1, ?, ?, ?, ?)");
    statement_bind_id(&s, &record_id);
    statement_bind_text(&s, chain_pem);
    statement_bind_blob(&s, buf_span(&sealed));
    statement_bind_u64(&s, clock_wall_us());
    enum err err = statement_run(&s);
    if (sealed.overflowed)
        err = ERR_TOO_LARGE;
    buf_release(&sealed);
    return err;
}

enum err store_origin_ca_get(struct store_conn *conn, struct buf *chain_out, struct buf *key_out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT chain_pem, key_sealed FROM origin_ca WHERE id = 1");
    enum err err = statement_row(&s);
    if (err == ERR_OK) {
        buf_append(chain_out, statement_lend(&s));
        if (key_out)
            err = seal_open(&conn->store->master, CA_BOUND, statement_lend(&s), key_out);
    }
    statement_close(&s);
    return err;
}

/* A record's id names its bytes for ever. */
enum err store_origin_ca_update(struct store_conn *conn, struct span chain_pem)
{
    struct id record_id = id_new();
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE origin_ca SET record_id = ?, chain_pem = ?, revision = 0 WHERE id = 1");
    statement_bind_id(&s, &record_id);
    statement_bind_text(&s, chain_pem);
    return statement_run_one(&s);
}

enum err store_origin_ca_stamp(struct store_conn *conn, uint64_t revision)
{
    struct statement s;
    statement_open(&s, conn, "UPDATE origin_ca SET revision = ? WHERE revision = 0");
    statement_bind_u64(&s, revision);
    return statement_run(&s);
}

/* ---- what it has signed */

static void read_row(struct statement *s, struct arena *arena, struct store_origin_certificate *out)
{
    statement_id(s, &out->id);
    statement_id(s, &out->account_id);
    out->hostnames = statement_text(s, arena);
    out->request_type = statement_text(s, arena);
    out->validity_days = statement_u64(s);
    out->csr_pem = statement_text(s, arena);
    out->chain_pem = statement_text(s, arena);
    out->serial = statement_text(s, arena);
    out->not_after_s = statement_u64(s);
    out->created_at_us = statement_u64(s);
    out->revoked_at_us = statement_u64(s);
}

enum err store_origin_certificate_insert(struct store_conn *conn,
                                         const struct store_origin_certificate *row)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO origin_certificates (id, account_id, hostnames, request_type, "
                   "validity_days, csr_pem, chain_pem, serial, not_after_s, created_at_us) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    statement_bind_id(&s, &row->id);
    statement_bind_id(&s, &row->account_id);
    statement_bind_text(&s, row->hostnames);
    statement_bind_text(&s, row->request_type);
    statement_bind_u64(&s, row->validity_days);
    statement_bind_text(&s, row->csr_pem);
    statement_bind_text(&s, row->chain_pem);
    statement_bind_text(&s, row->serial);
    statement_bind_u64(&s, row->not_after_s);
    statement_bind_u64(&s, row->created_at_us);
    return statement_run(&s);
}

enum err store_origin_certificate_link(struct store_conn *conn, const struct id *id,
                                       const struct id *zone_id)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT OR IGNORE INTO origin_certificate_zones (certificate_id, zone_id) "
                   "VALUES (?, ?)");
    statement_bind_id(&s, id);
    statement_bind_id(&s, zone_id);
    return statement_run(&s);
}

static void bind_scope(struct statement *s, const struct store_scope *scope)
{
    statement_bind_bool(s, scope->platform_wide);
    statement_bind_id(s, &scope->user_id);
}

enum err store_origin_certificate_get(struct store_conn *conn, const struct store_scope *scope,
                                      const struct id *id, struct arena *arena,
                                      struct store_origin_certificate *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT " CERTIFICATE_COLUMNS " FROM origin_certificates o WHERE " SEEN
                   " AND o.id = ?3");
    bind_scope(&s, scope);
    statement_bind_id(&s, id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        read_row(&s, arena, out);
    statement_close(&s);
    return err;
}

static enum err check_zone(struct store_conn *conn,
                           const struct store_origin_certificate_query *query)
{
    struct statement s;
    statement_open(&s, conn, "SELECT 1 FROM zones o WHERE " SEEN " AND o.id = ?3");
    bind_scope(&s, &query->scope);
    statement_bind_id(&s, &query->zone_id);
    enum err err = statement_row(&s);
    statement_close(&s);
    return err;
}

static enum err count_all(struct store_conn *conn,
                          const struct store_origin_certificate_query *query, uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT count(*)" OF_ZONE);
    bind_scope(&s, &query->scope);
    statement_bind_id(&s, &query->zone_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

enum err store_origin_certificate_list(struct store_conn *conn,
                                       const struct store_origin_certificate_query *query,
                                       struct arena *arena,
                                       struct store_origin_certificate_list *out)
{
    struct statement s;
    size_t rows_max = (size_t)query->page.per_page;
    TRY(check_zone(conn, query));
    TRY(count_all(conn, query, &out->total_count));
    statement_open(&s, conn,
                   "SELECT " CERTIFICATE_COLUMNS OF_ZONE
                   " ORDER BY o.created_at_us DESC, o.id LIMIT ?4 OFFSET ?5");
    bind_scope(&s, &query->scope);
    statement_bind_id(&s, &query->zone_id);
    statement_bind_u64(&s, query->page.per_page);
    statement_bind_u64(&s, (query->page.page - 1) * query->page.per_page);
    out->rows = arena_calloc(arena, rows_max, sizeof(*out->rows));
    out->count = 0;
    enum err err = statement_row(&s);
    while (err == ERR_OK && out->count < rows_max) {
        read_row(&s, arena, &out->rows[out->count++]);
        err = statement_row(&s);
    }
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_origin_certificate_revoke(struct store_conn *conn, const struct id *id,
                                         uint64_t at_us)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE origin_certificates SET revoked_at_us = ? WHERE id = ? AND "
                   "revoked_at_us = 0");
    statement_bind_u64(&s, at_us);
    statement_bind_id(&s, id);
    return statement_run_one(&s);
}

enum err store_origin_revocations(struct store_conn *conn, uint64_t now_s, struct arena *arena,
                                  struct span **out, size_t *count_out)
{
    struct statement s;
    size_t count = 0;
    struct span *serials = arena_calloc(arena, LIMIT_ORIGIN_REVOCATIONS, sizeof(*serials));
    statement_open(&s, conn,
                   "SELECT serial FROM origin_certificates WHERE revoked_at_us > 0 AND "
                   "not_after_s > ?");
    statement_bind_u64(&s, now_s);
    enum err err = statement_row(&s);
    while (err == ERR_OK && count < LIMIT_ORIGIN_REVOCATIONS) {
        serials[count++] = statement_text(&s, arena);
        err = statement_row(&s);
    }
    statement_close(&s);
    *out = serials;
    *count_out = count;
    return err == ERR_NOT_FOUND ? ERR_OK : err == ERR_OK ? ERR_LIMIT : err;
}
