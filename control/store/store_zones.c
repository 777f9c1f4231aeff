/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_zones.c - zones: rows, lists by page, and who has which name.
 */
#include "control/store/store_zones.h"

#include "control/store/store_query.h"

#define ZONE_COLUMNS                                                                           \
    "z.id, z.account_id, a.name, z.name, z.name_servers, z.status, z.type, z.plan, z.paused, " \
    "z.verification_key, z.created_at_us, z.modified_at_us, z.activated_at_us, "               \
    "coalesce(d.revision, 0)"
#define ZONE_FROM ZONE_FROM_BY("")
#define ZONE_FROM_BY(index)                                                                  \
    "zones z " index "LEFT JOIN accounts a ON a.id = z.account_id LEFT JOIN documents d ON " \
    "d.zone_id = z.id"
/* A list finds the ids of its page first: SQLite leaves a LEFT JOIN out that nothing asks for. */
#define KEY_FROM "zones z LEFT JOIN accounts a ON a.id = z.account_id"
/* In the order of accounts: their index by name first, then the zones of each by theirs. */
#define KEY_FROM_ACCOUNTS "accounts a CROSS JOIN zones z ON z.account_id = a.id"
#define ZONE_JOINED                                                                  \
    "zones z ON z.id = p.key LEFT JOIN accounts a ON a.id = z.account_id LEFT JOIN " \
    "documents d ON d.zone_id = z.id"

static enum err read_zone(struct statement *s, struct arena *arena, struct store_zone *out)
{
    statement_id(s, &out->id);
    statement_id(s, &out->account_id);
    out->account_name = statement_text(s, arena);
    out->name = statement_text(s, arena);
    out->name_servers = statement_text(s, arena);
    out->status = statement_text(s, arena);
    out->type = statement_text(s, arena);
    enum err err = plan_parse(statement_lend(s), &out->plan);
    out->paused = statement_bool(s);
    out->verification_key = statement_text(s, arena);
    out->created_at_us = statement_u64(s);
    out->modified_at_us = statement_u64(s);
    out->activated_at_us = statement_u64(s);
    out->revision = statement_u64(s);
    return err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

enum err store_zone_get(struct store_conn *conn, const struct store_scope *scope,
                        const struct id *id, struct arena *arena, struct store_zone *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT " ZONE_COLUMNS " FROM " ZONE_FROM " WHERE z.id = ?1 AND "
                   "(?2 OR z.account_id IN (SELECT account_id FROM members WHERE user_id = ?3))");
    statement_bind_id(&s, id);
    statement_bind_bool(&s, scope->platform_wide);
    statement_bind_id(&s, &scope->user_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        err = read_zone(&s, arena, out);
    statement_close(&s);
    return err;
}

enum err store_zone_account(struct store_conn *conn, const struct id *id, struct id *out)
{
    struct statement s;
    *out = (struct id){{0}};
    statement_open(&s, conn, "SELECT account_id FROM zones WHERE id = ?");
    statement_bind_id(&s, id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        statement_id(&s, out);
    statement_close(&s);
    return err;
}

static const char *const *order_columns(enum store_zone_order order)
{
    static const char *const by_name[] = {"z.name", NULL};
    static const char *const by_status[] = {"z.status", "z.name", NULL};
    static const char *const by_account_id[] = {"z.account_id", "z.name", NULL};
    static const char *const by_account_name[] = {"a.name", "a.id", "z.name", NULL};
    switch (order) {
    case STORE_ZONES_BY_NAME:
        return by_name;
    case STORE_ZONES_BY_STATUS:
        return by_status;
    case STORE_ZONES_BY_ACCOUNT_ID:
        return by_account_id;
    case STORE_ZONES_BY_ACCOUNT_NAME:
        return by_account_name;
    }
    UNREACHABLE();
}

static enum err read_zones(struct statement *s, size_t rows_max, struct arena *arena,
                           struct store_zone_list *out)
{
    out->rows = arena_calloc(arena, rows_max, sizeof(*out->rows));
    for (out->count = 0; out->count < rows_max; out->count++) {
        enum err err = statement_row(s);
        if (err != ERR_OK)
            return err == ERR_NOT_FOUND ? ERR_OK : err;
        TRY(read_zone(s, arena, &out->rows[out->count]));
    }
    return ERR_OK;
}

/* A user with one account is asked about that one: its zones stand in an index by name. */
static enum err narrow(struct store_conn *conn, struct store_zone_query *query)
{
    struct id first = {{0}};
    size_t count = 0;
    enum err err;
    if (query->scope.platform_wide || query->account_id.text[0] != '\0')
        return ERR_OK;
    struct statement s;
    statement_open(&s, conn, "SELECT account_id FROM members WHERE user_id = ? LIMIT 2");
    statement_bind_id(&s, &query->scope.user_id);
    for (; (err = statement_row(&s)) == ERR_OK; count++)
        statement_id(&s, &first);
    statement_close(&s);
    if (count == 1)
        query->account_id = first;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static bool filtered(const struct store_zone_query *query)
{
    return query->scope.zones_limited || query->scope.reach ||
           query->name.match != STORE_MATCH_ALL || query->account_name.match != STORE_MATCH_ALL ||
           query->status.match != STORE_MATCH_ALL || query->type.match != STORE_MATCH_ALL;
}

/* Without filters the accounts know how many zones they have. */
static enum err count_zones(struct store_conn *conn, const struct store_zone_query *query,
                            struct store_query *q, uint64_t *out)
{
    if (filtered(query))
        return query_count(q, conn, KEY_FROM, out);
    /* One for each way to find them; an operator's whole list is the sum over all accounts. */
    static const char *const statements[] = {
        "SELECT sum(zone_count) FROM accounts WHERE ?1 = '' AND ?2",
        "SELECT sum(zone_count) FROM accounts WHERE id = ?1 AND ?2",
        "SELECT sum(zone_count) FROM members m JOIN accounts a ON a.id = m.account_id WHERE "
        "?1 = '' AND NOT ?2 AND m.user_id = ?3",
        "SELECT sum(zone_count) FROM members m JOIN accounts a ON a.id = m.account_id WHERE "
        "m.account_id = ?1 AND NOT ?2 AND m.user_id = ?3",
    };
    bool one = query->account_id.text[0] != '\0', all = query->scope.platform_wide;
    struct statement s;
    statement_open(&s, conn, statements[(all ? 0 : 2) + (one ? 1 : 0)]);
    statement_bind_id(&s, &query->account_id);
    statement_bind_bool(&s, all);
    if (!all)
        statement_bind_id(&s, &query->scope.user_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}

/* An operator's list, not that of an account or of a user's accounts. */
static bool of_all(const struct store_zone_query *query)
{
    return query->scope.platform_wide && query->account_id.text[0] == '\0';
}

/* The name backwards: "moc.elpmaxe". */
static struct span name_key(struct span name, struct hostname *out)
{
    ASSERT(name.len <= LIMIT_HOSTNAME_BYTES);
    for (size_t i = 0; i < name.len; i++)
        out->text[i] = (char)name.ptr[name.len - 1 - i];
    out->text[name.len] = '\0';
    out->len = name.len;
    return hostname_span(out);
}

/* The end of a name is the begin of its key. */
static void filter_name(struct store_query *q, const struct store_filter *name)
{
    if (name->match != STORE_MATCH_ENDS_WITH || name->text.len > LIMIT_HOSTNAME_BYTES) {
        query_filter(q, "z.name", name);
        return;
    }
    const struct store_filter begin = {STORE_MATCH_STARTS_WITH, name_key(name->text, &q->key)};
    query_filter(q, "z.name_key", &begin);
}

static void compose(struct store_query *q, const struct store_zone_query *query)
{
    query_init(q, query->match_any);
    query_scope(q, "z.account_id", &query->scope);
    query_scope_zones(q, &query->scope);
    if (query->account_id.text[0] != '\0')
        query_require(q, "z.account_id", id_span(&query->account_id));
    filter_name(q, &query->name);
    query_filter(q, "a.name", &query->account_name);
    /* A plus keeps SQLite off the index: that of one status is longer than any account's. */
    query_filter(q, of_all(query) ? "z.status" : "+z.status", &query->status);
    query_filter(q, "z.type", &query->type);
}

enum err store_zone_list(struct store_conn *conn, const struct store_zone_query *asked,
                         struct arena *arena, struct store_zone_list *out)
{
    struct store_zone_query query = *asked;
    struct store_query q;
    *out = (struct store_zone_list){0};
    TRY(narrow(conn, &query));
    const struct query_select select = {
        .columns = ZONE_COLUMNS,
        .from = of_all(&query) && query.order == STORE_ZONES_BY_ACCOUNT_NAME ? KEY_FROM_ACCOUNTS
                                                                             : KEY_FROM,
        .order = order_columns(query.order),
        .page = query.page,
        .key = "z.id",
        .joined = ZONE_JOINED,
    };
    compose(&q, &query);
    enum err err = count_zones(conn, &query, &q, &out->total_count);
    if (err == ERR_OK && query_page_exists(&query.page, out->total_count)) {
        struct statement s;
        query_open(&q, conn, &select, &s);
        err = read_zones(&s, query.page.per_page, arena, out);
        statement_close(&s);
    }
    query_release(&q);
    return err;
}

static enum err count_zone(struct store_conn *conn, const struct id *account_id, bool added)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE accounts SET zone_count = zone_count + iif(?, 1, -1) WHERE id = ?");
    statement_bind_bool(&s, added);
    statement_bind_id(&s, account_id);
    return statement_run_one(&s);
}

enum err store_zone_pending(struct store_conn *conn, const struct id *after, size_t count_max,
                            struct arena *arena, struct store_zone_list *out)
{
    struct statement s;
    *out = (struct store_zone_list){0};
    statement_open(&s, conn,
                   "SELECT " ZONE_COLUMNS " FROM " ZONE_FROM_BY(
                       "INDEXED BY zones_pending ") " WHERE z.status = 'pending' AND z.id > ? "
                                                    "ORDER BY z.id LIMIT ?");
    statement_bind_id(&s, after);
    statement_bind_u64(&s, count_max);
    enum err err = read_zones(&s, count_max, arena, out);
    statement_close(&s);
    return err;
}

enum err store_zone_insert(struct store_conn *conn, const struct store_zone *zone)
{
    struct hostname key;
    struct statement s;
    statement_open(&s, conn,
                   "INSERT INTO zones (id, account_id, name, name_key, name_servers, status, type, "
                   "plan, paused, verification_key, created_at_us, modified_at_us, "
                   "activated_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    statement_bind_id(&s, &zone->id);
    statement_bind_id(&s, &zone->account_id);
    statement_bind_text(&s, zone->name);
    statement_bind_text(&s, name_key(zone->name, &key));
    statement_bind_text(&s, zone->name_servers);
    statement_bind_text(&s, zone->status);
    statement_bind_text(&s, zone->type);
    statement_bind_text(&s, span_str(plan_slug(zone->plan)));
    statement_bind_bool(&s, zone->paused);
    statement_bind_text(&s, zone->verification_key);
    statement_bind_u64(&s, zone->created_at_us);
    statement_bind_u64(&s, zone->modified_at_us);
    statement_bind_u64(&s, zone->activated_at_us);
    TRY(statement_run(&s));
    return count_zone(conn, &zone->account_id, true);
}

enum err store_zone_update(struct store_conn *conn, const struct store_zone *zone)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE zones SET plan = ?, paused = ?, status = ?, activated_at_us = ?, "
                   "modified_at_us = ? WHERE id = ?");
    statement_bind_text(&s, span_str(plan_slug(zone->plan)));
    statement_bind_bool(&s, zone->paused);
    statement_bind_text(&s, zone->status);
    statement_bind_u64(&s, zone->activated_at_us);
    statement_bind_u64(&s, zone->modified_at_us);
    statement_bind_id(&s, &zone->id);
    return statement_run_one(&s);
}

enum err store_zone_delete(struct store_conn *conn, const struct store_zone *zone)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM zones WHERE id = ?");
    statement_bind_id(&s, &zone->id);
    TRY(statement_run_one(&s));
    return count_zone(conn, &zone->account_id, false);
}

static enum err read_claim(struct statement *s, struct store_zone_claim *out)
{
    enum err err = statement_row(s);
    if (err == ERR_OK) {
        statement_id(s, &out->id);
        statement_id(s, &out->account_id);
        struct span name = statement_lend(s);
        out->name.len = name.len;
        if (!span_to_cstr(name, out->name.text, sizeof(out->name.text)))
            err = ERR_CORRUPT;
    }
    statement_close(s);
    return err;
}

enum err store_zone_claimed(struct store_conn *conn, struct span name, struct store_zone_claim *out)
{
    struct statement s;
    statement_open(&s, conn, "SELECT id, account_id, name FROM zones WHERE name = ?");
    statement_bind_text(&s, name);
    return read_claim(&s, out);
}

enum err store_zone_claimed_below(struct store_conn *conn, struct span name,
                                  const struct id *account_id, struct store_zone_claim *out)
{
    struct hostname key;
    struct statement s;
    /* '/' is the byte behind '.': between them lies everything below the name. */
    statement_open(&s, conn,
                   "SELECT id, account_id, name FROM zones WHERE name_key > ?1 || '.' AND "
                   "name_key < ?1 || '/' AND account_id <> ?2 LIMIT 1");
    statement_bind_text(&s, name_key(name, &key));
    statement_bind_id(&s, account_id);
    return read_claim(&s, out);
}
