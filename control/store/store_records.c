/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_records.c - the DNS records of a zone.
 */
#include "control/store/store_records.h"

#include "control/store/store_query.h"

#define RECORD_COLUMNS                                                                \
    "r.id, r.zone_id, r.type, r.name, r.content, r.comment, r.origin_host_header, "   \
    "r.origin_sni, r.ttl_s, r.priority, r.origin_port, r.priority_given, r.proxied, " \
    "r.created_at_us, r.modified_at_us"
#define RECORD_FROM "dns_records r"
#define ZONE_SEEN                                             \
    "(?2 OR EXISTS (SELECT 1 FROM zones z JOIN members m ON " \
    "m.account_id = z.account_id WHERE z.id = ?1 AND m.user_id = ?3))"

static enum err read_record(struct statement *s, struct arena *arena, struct store_record *out)
{
    statement_id(s, &out->id);
    statement_id(s, &out->zone_id);
    enum err err = record_type_parse(statement_lend(s), &out->type);
    out->name = statement_text(s, arena);
    out->content = statement_text(s, arena);
    out->comment = statement_text(s, arena);
    out->origin_host_header = statement_text(s, arena);
    out->origin_sni = statement_text(s, arena);
    out->ttl_s = statement_u64(s);
    out->priority = statement_u64(s);
    out->origin_port = statement_u64(s);
    out->priority_given = statement_bool(s);
    out->proxied = statement_bool(s);
    out->created_at_us = statement_u64(s);
    out->modified_at_us = statement_u64(s);
    return err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

enum err store_record_get(struct store_conn *conn, const struct store_scope *scope,
                          const struct id *zone_id, const struct id *id, struct arena *arena,
                          struct store_record *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT " RECORD_COLUMNS " FROM " RECORD_FROM
                   " WHERE r.zone_id = ?1 AND " ZONE_SEEN " AND r.id = ?4");
    statement_bind_id(&s, zone_id);
    statement_bind_bool(&s, scope->platform_wide);
    statement_bind_id(&s, &scope->user_id);
    statement_bind_id(&s, id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        err = read_record(&s, arena, out);
    statement_close(&s);
    return err;
}

static enum err zone_seen(struct store_conn *conn, const struct store_scope *scope,
                          const struct id *zone_id)
{
    struct statement s;
    statement_open(&s, conn, "SELECT 1 FROM zones WHERE id = ?1 AND " ZONE_SEEN);
    statement_bind_id(&s, zone_id);
    statement_bind_bool(&s, scope->platform_wide);
    statement_bind_id(&s, &scope->user_id);
    enum err err = statement_row(&s);
    statement_close(&s);
    return err;
}

static enum err read_records(struct statement *s, size_t rows_max, struct arena *arena,
                             struct store_record_list *out)
{
    out->rows = arena_calloc(arena, rows_max, sizeof(*out->rows));
    for (out->count = 0; out->count < rows_max; out->count++) {
        enum err err = statement_row(s);
        if (err != ERR_OK)
            return err == ERR_NOT_FOUND ? ERR_OK : err;
        TRY(read_record(s, arena, &out->rows[out->count]));
    }
    return ERR_OK;
}

static const char *const *order_columns(enum store_record_order order)
{
    static const char *const by_name[] = {"r.name", "r.type", "r.content", "r.id", NULL};
    static const char *const by_type[] = {"r.type", "r.name", "r.content", "r.id", NULL};
    static const char *const by_content[] = {"r.content", "r.name", "r.id", NULL};
    static const char *const by_ttl[] = {"r.ttl_s", "r.name", "r.id", NULL};
    static const char *const by_proxied[] = {"r.proxied", "r.name", "r.id", NULL};
    switch (order) {
    case STORE_RECORDS_BY_NAME:
        return by_name;
    case STORE_RECORDS_BY_TYPE:
        return by_type;
    case STORE_RECORDS_BY_CONTENT:
        return by_content;
    case STORE_RECORDS_BY_TTL:
        return by_ttl;
    case STORE_RECORDS_BY_PROXIED:
        return by_proxied;
    }
    UNREACHABLE();
}

static void compose(struct store_query *q, const struct store_record_query *query)
{
    const struct store_filter proxied = {
        query->proxied_given ? STORE_MATCH_EQUAL : STORE_MATCH_ALL,
        query->proxied ? SPAN("1") : SPAN("0"),
    };
    query_init(q, query->match_any);
    query_require(q, "r.zone_id", id_span(&query->zone_id));
    query_filter(q, "r.type", &query->type);
    query_filter(q, "r.name", &query->name);
    query_filter(q, "r.content", &query->content);
    query_filter(q, "r.comment", &query->comment);
    query_filter(q, "CAST(r.proxied AS TEXT)", &proxied);
}

enum err store_record_list(struct store_conn *conn, const struct store_record_query *query,
                           struct arena *arena, struct store_record_list *out)
{
    const struct query_select select = {RECORD_COLUMNS, RECORD_FROM, order_columns(query->order),
                                        query->page,    NULL,        NULL};
    struct store_query q;
    *out = (struct store_record_list){0};
    TRY(zone_seen(conn, &query->scope, &query->zone_id));
    compose(&q, query);
    enum err err = query_count(&q, conn, RECORD_FROM, &out->total_count);
    if (err == ERR_OK && query_page_exists(&query->page, out->total_count)) {
        struct statement s;
        query_open(&q, conn, &select, &s);
        err = read_records(&s, query->page.per_page, arena, out);
        statement_close(&s);
    }
    query_release(&q);
    return err;
}

enum err store_record_count(struct store_conn *conn, const struct id *zone_id, uint64_t *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT count(*) FROM dns_records WHERE zone_id = ?");
    statement_bind_id(&s, zone_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

enum err store_records_proxied(struct store_conn *conn, const struct id *zone_id,
                               struct arena *arena, struct store_record_list *out)
{
    struct statement s;
    uint64_t rows_max = 0;
    *out = (struct store_record_list){0};
    TRY(store_record_count(conn, zone_id, &rows_max));
    statement_open(&s, conn,
                   "SELECT " RECORD_COLUMNS " FROM " RECORD_FROM
                   " WHERE r.zone_id = ? AND r.proxied = 1 ORDER BY r.name, r.type, r.content");
    statement_bind_id(&s, zone_id);
    enum err err = read_records(&s, rows_max, arena, out);
    out->total_count = out->count;
    statement_close(&s);
    return err;
}

static void bind_values(struct statement *s, const struct store_record *record)
{
    statement_bind_text(s, record->name);
    statement_bind_text(s, span_str(record_type_name(record->type)));
    statement_bind_text(s, record->content);
    statement_bind_u64(s, record->ttl_s);
    statement_bind_bool(s, record->proxied);
    statement_bind_u64(s, record->priority);
    statement_bind_bool(s, record->priority_given);
    statement_bind_text(s, record->comment);
    statement_bind_u64(s, record->origin_port);
    statement_bind_text(s, record->origin_host_header);
    statement_bind_text(s, record->origin_sni);
    statement_bind_u64(s, record->created_at_us);
    statement_bind_u64(s, record->modified_at_us);
    statement_bind_id(s, &record->zone_id);
    statement_bind_id(s, &record->id);
}

enum err store_record_insert(struct store_conn *conn, const struct store_record *record)
{
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO dns_records (name, type, content, ttl_s, proxied, priority, "
                   "priority_given, comment, origin_port, origin_host_header, origin_sni, "
                   "created_at_us, modified_at_us, zone_id, id) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind_values(&s, record);
    return statement_run(&s);
}

enum err store_record_update(struct store_conn *conn, const struct store_record *record)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE dns_records SET name = ?, type = ?, content = ?, ttl_s = ?, "
                   "proxied = ?, priority = ?, priority_given = ?, comment = ?, origin_port = ?, "
                   "origin_host_header = ?, origin_sni = ?, created_at_us = ?, "
                   "modified_at_us = ? WHERE zone_id = ? AND id = ?");
    bind_values(&s, record);
    return statement_run_one(&s);
}

enum err store_record_delete(struct store_conn *conn, const struct id *zone_id, const struct id *id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM dns_records WHERE zone_id = ? AND id = ?");
    statement_bind_id(&s, zone_id);
    statement_bind_id(&s, id);
    return statement_run_one(&s);
}

static enum err read_exists(struct statement *s, bool *out)
{
    enum err err = statement_row(s);
    *out = err == ERR_OK;
    statement_close(s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err store_record_excluded(struct store_conn *conn, const struct store_record *record,
                               bool *out)
{
    *out = false;
    if (!record_type_proxiable(record->type))
        return ERR_OK;
    struct statement s;
    statement_open(&s, conn,
                   "SELECT 1 FROM dns_records WHERE zone_id = ?1 AND name = ?2 AND id <> ?3 AND "
                   "type IN ('A', 'AAAA', 'CNAME') AND (?4 = 'CNAME' OR type = 'CNAME') AND "
                   "NOT (type = ?4 AND content = ?5)");
    statement_bind_id(&s, &record->zone_id);
    statement_bind_text(&s, record->name);
    statement_bind_id(&s, &record->id);
    statement_bind_text(&s, span_str(record_type_name(record->type)));
    statement_bind_text(&s, record->content);
    return read_exists(&s, out);
}

enum err store_record_proxied_below(struct store_conn *conn, const struct id *zone_id,
                                    struct span name, bool *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT 1 FROM dns_records WHERE zone_id = ?1 AND proxied = 1 AND (name = ?2 "
                   "OR substr(name, -length(?2) - 1) = '.' || ?2)");
    statement_bind_id(&s, zone_id);
    statement_bind_text(&s, name);
    return read_exists(&s, out);
}
