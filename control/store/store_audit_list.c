/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_audit_list.c - who changed what, read back page by page.
 */
#include "common/model/limits.h"
#include "control/store/statement.h"
#include "control/store/store_audit.h"

#define ROW_COLUMNS                                                                         \
    "a.id, a.at_us, a.user_id, a.token_id, a.account_id, a.zone_id, a.action, a.old_json, " \
    "a.new_json, a.ip, a.request_id, coalesce(u.email, ''), coalesce(c.name, ''), "         \
    "coalesce(z.name, '')"
#define ROW_FROM                                                                   \
    " FROM audit a LEFT JOIN users u ON u.id = a.user_id LEFT JOIN accounts c ON " \
    "c.id = a.account_id LEFT JOIN zones z ON z.id = a.zone_id WHERE "
#define ROW_FILTERS                                                                \
    " AND (?2 = 0 OR a.at_us >= ?2) AND (?3 = 0 OR a.at_us < ?3) AND (?4 = '' OR " \
    "u.email = ?4) AND (?5 = '' OR a.action = ?5) AND (?6 = '' OR a.zone_id = ?6) AND (?7 = 0 OR "
#define ROW_PAGE " LIMIT ?8 OFFSET ?9"
#define ROWS_OLDEST_FIRST(column) \
    "SELECT " ROW_COLUMNS ROW_FROM column " = ?1" ROW_FILTERS "a.id > ?7) ORDER BY a.id" ROW_PAGE
#define ROWS_NEWEST_FIRST(column)                             \
    "SELECT " ROW_COLUMNS ROW_FROM column " = ?1" ROW_FILTERS \
    "a.id < ?7) ORDER BY a.id DESC" ROW_PAGE

/* The plus keeps SQLite off the account's index: a zone has fewer rows. */
#define OF_ZONE "a.zone_id = ?6 AND +a.account_id"

enum rows_of { ROWS_OF_USER, ROWS_OF_ACCOUNT, ROWS_OF_ZONE };

/* By whose rows, then by order: each is its own literal, so that each is prepared once. */
static const char *const statements[][2] = {
    {ROWS_OLDEST_FIRST("a.user_id"), ROWS_NEWEST_FIRST("a.user_id")},
    {ROWS_OLDEST_FIRST("a.account_id"), ROWS_NEWEST_FIRST("a.account_id")},
    {ROWS_OLDEST_FIRST(OF_ZONE), ROWS_NEWEST_FIRST(OF_ZONE)},
};

static enum rows_of narrowest(const struct store_audit_query *query)
{
    if (query->account_id.text[0] == '\0')
        return ROWS_OF_USER;
    return query->zone_id.text[0] != '\0' ? ROWS_OF_ZONE : ROWS_OF_ACCOUNT;
}

static void read_row(struct statement *s, struct arena *arena, struct store_audit_row *out)
{
    struct store_audit_entry *entry = &out->entry;
    out->id = statement_u64(s);
    entry->at_us = statement_u64(s);
    statement_id(s, &entry->user_id);
    statement_id(s, &entry->token_id);
    statement_id(s, &entry->account_id);
    statement_id(s, &entry->zone_id);
    entry->action = statement_text(s, arena);
    entry->old_json = statement_text(s, arena);
    entry->new_json = statement_text(s, arena);
    entry->ip = statement_text(s, arena);
    entry->request_id = statement_text(s, arena);
    out->user_email = statement_text(s, arena);
    out->account_name = statement_text(s, arena);
    out->zone_name = statement_text(s, arena);
}

enum err store_audit_list(struct store_conn *conn, const struct store_audit_query *query,
                          struct arena *arena, struct store_audit_list *out)
{
    const struct store_page *page = &query->page;
    enum rows_of of = narrowest(query);
    struct statement s;
    *out =
        (struct store_audit_list){.rows = arena_calloc(arena, page->per_page, sizeof(*out->rows))};
    statement_open(&s, conn, statements[of][page->descending]);
    statement_bind_id(&s, of == ROWS_OF_USER ? &query->user_id : &query->account_id);
    statement_bind_u64(&s, query->since_us);
    statement_bind_u64(&s, query->before_us);
    statement_bind_text(&s, query->actor_email);
    statement_bind_text(&s, query->action);
    statement_bind_id(&s, &query->zone_id);
    statement_bind_u64(&s, query->after_id);
    statement_bind_u64(&s, page->per_page);
    statement_bind_u64(&s, (page->page - 1) * page->per_page);
    enum err err = ERR_OK;
    size_t bytes = 0;
    while (out->count < page->per_page && (err = statement_row(&s)) == ERR_OK) {
        const struct store_audit_entry *entry = &out->rows[out->count].entry;
        read_row(&s, arena, &out->rows[out->count++]);
        bytes += entry->old_json.len + entry->new_json.len;
        if (bytes > LIMIT_AUDIT_LIST_BYTES) {
            err = ERR_LIMIT;
            break;
        }
    }
    statement_close(&s);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
