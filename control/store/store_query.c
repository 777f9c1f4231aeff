/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_query.c - the WHERE, ORDER and LIMIT of a list, composed from filters.
 */
#include "control/store/store_query.h"

#include <limits.h>

#define SQL_BYTES_MAX 8192

void query_init(struct store_query *q, bool match_any)
{
    *q = (struct store_query){.match_any = match_any};
    buf_init(&q->required, SQL_BYTES_MAX);
    buf_init(&q->filters, SQL_BYTES_MAX);
    buf_init(&q->sql, SQL_BYTES_MAX);
}

void query_release(struct store_query *q)
{
    buf_release(&q->required);
    buf_release(&q->filters);
    buf_release(&q->sql);
}

static size_t add_text(struct store_query *q, struct span text)
{
    ASSERT(q->text_count < QUERY_TEXTS_MAX);
    q->texts[q->text_count++] = text;
    return q->text_count;
}

static void require(struct store_query *q)
{
    if (q->required.len > 0)
        buf_append_str(&q->required, " AND ");
}

void query_scope(struct store_query *q, const char *account_column, const struct store_scope *scope)
{
    if (scope->platform_wide)
        return;
    require(q);
    buf_appendf(&q->required, "%s IN (SELECT account_id FROM members WHERE user_id = ?%zu)",
                account_column, add_text(q, id_span(&scope->user_id)));
}

/* "(zone or account is in the list)" with its text bound. */
static void append_in(struct store_query *q, const char *column, struct span list)
{
    buf_appendf(&q->required, "%s IN (SELECT value FROM json_each(?%zu))", column,
                add_text(q, list));
}

void query_scope_zones(struct store_query *q, const struct store_scope *scope)
{
    const struct store_reach *reach = scope->reach;
    if (scope->zones_limited && !scope->platform_wide) {
        require(q);
        size_t user = add_text(q, id_span(&scope->user_id));
        buf_appendf(&q->required,
                    "(z.account_id IN (SELECT account_id FROM members WHERE user_id = ?%zu AND "
                    "NOT zones_limited) OR z.id IN (SELECT mz.zone_id FROM member_zones mz JOIN "
                    "members m ON m.id = mz.member_id WHERE m.user_id = ?%zu))",
                    user, user);
    }
    if (!reach)
        return;
    require(q);
    buf_appendf(&q->required, "(%d OR ", reach->zones_all);
    append_in(q, "z.account_id", reach->accounts);
    buf_append_str(&q->required, " OR ");
    append_in(q, "z.id", reach->zones);
    buf_append_str(&q->required, ") AND NOT (");
    append_in(q, "z.account_id", reach->but_accounts);
    buf_append_str(&q->required, " OR ");
    append_in(q, "z.id", reach->but_zones);
    buf_append_byte(&q->required, ')');
}

void query_reach_accounts(struct store_query *q, const struct store_scope *scope)
{
    const struct store_reach *reach = scope->reach;
    if (!reach)
        return;
    require(q);
    buf_appendf(&q->required, "(%d OR ", reach->accounts_all);
    append_in(q, "a.id", reach->accounts);
    buf_append_str(&q->required, ") AND NOT ");
    append_in(q, "a.id", reach->but_accounts);
}

void query_require(struct store_query *q, const char *column, struct span text)
{
    require(q);
    buf_appendf(&q->required, "%s = ?%zu", column, add_text(q, text));
}

void query_filter(struct store_query *q, const char *column, const struct store_filter *filter)
{
    if (filter->match == STORE_MATCH_ALL)
        return;
    if (q->filters.len > 0)
        buf_append_str(&q->filters, q->match_any ? ") OR (" : ") AND (");
    size_t n = add_text(q, filter->text);
    switch (filter->match) {
    case STORE_MATCH_ALL:
    case STORE_MATCH_EQUAL:
        buf_appendf(&q->filters, "%s = ?%zu", column, n);
        break;
    case STORE_MATCH_NOT_EQUAL:
        buf_appendf(&q->filters, "%s <> ?%zu", column, n);
        break;
    case STORE_MATCH_CONTAINS:
        buf_appendf(&q->filters, "instr(%s, ?%zu) > 0", column, n);
        break;
    case STORE_MATCH_STARTS_WITH:
        /* A range, so that an index serves it: nothing that is UTF-8 has the byte FF. */
        buf_appendf(&q->filters, "%s >= ?%zu AND %s < ?%zu || x'FF'", column, n, column, n);
        break;
    case STORE_MATCH_ANY_OF:
        buf_appendf(&q->filters, "%s IN (SELECT value FROM json_each(?%zu))", column, n);
        break;
    case STORE_MATCH_ENDS_WITH:
        buf_appendf(&q->filters, "length(%s) >= length(?%zu) AND substr(%s, -length(?%zu)) = ?%zu",
                    column, n, column, n, n);
        break;
    }
}

static void append_where(struct store_query *q, const char *from)
{
    buf_appendf(&q->sql, " FROM %s", from);
    const char *word = " WHERE ";
    if (q->required.len > 0) {
        buf_append_str(&q->sql, word);
        buf_append(&q->sql, buf_span(&q->required));
        word = " AND ";
    }
    if (q->filters.len > 0) {
        buf_append_str(&q->sql, word);
        buf_append_str(&q->sql, "((");
        buf_append(&q->sql, buf_span(&q->filters));
        buf_append_str(&q->sql, "))");
    }
}

static void open_bound(struct store_query *q, struct store_conn *conn, struct statement *s)
{
    ASSERT(!q->sql.overflowed && !q->required.overflowed && !q->filters.overflowed);
    statement_open_once(s, conn, buf_cstr(&q->sql));
    for (size_t i = 0; i < q->text_count; i++)
        statement_bind_text(s, q->texts[i]);
}

/* A page so far out that its first row has no number is past the end as well. */
static uint64_t page_offset(const struct store_page *page)
{
    ASSERT(page->page > 0 && page->per_page > 0);
    uint64_t skipped = page->page - 1;
    return skipped > INT64_MAX / page->per_page ? INT64_MAX : skipped * page->per_page;
}

bool query_page_exists(const struct store_page *page, uint64_t total_count)
{
    return page_offset(page) < total_count;
}

static void append_order(struct store_query *q, const struct query_select *select)
{
    for (size_t i = 0; select->order[i]; i++)
        buf_appendf(&q->sql, "%s %s%s", i == 0 ? " ORDER BY" : ",", select->order[i],
                    select->page.descending ? " DESC" : "");
}

void query_open(struct store_query *q, struct store_conn *conn, const struct query_select *select,
                struct statement *s)
{
    buf_clear(&q->sql);
    if (select->key)
        buf_appendf(&q->sql, "SELECT %s FROM (SELECT %s AS key", select->columns, select->key);
    else
        buf_appendf(&q->sql, "SELECT %s", select->columns);
    append_where(q, select->from);
    append_order(q, select);
    buf_append_str(&q->sql, " LIMIT ");
    buf_append_u64(&q->sql, select->page.per_page);
    buf_append_str(&q->sql, " OFFSET ");
    buf_append_u64(&q->sql, page_offset(&select->page));
    if (select->key) {
        buf_appendf(&q->sql, ") p CROSS JOIN %s", select->joined);
        append_order(q, select);
    }
    open_bound(q, conn, s);
}

enum err query_count(struct store_query *q, struct store_conn *conn, const char *from,
                     uint64_t *out)
{
    struct statement s;
    buf_clear(&q->sql);
    buf_append_str(&q->sql, "SELECT count(*)");
    append_where(q, from);
    open_bound(q, conn, &s);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        *out = statement_u64(&s);
    statement_close(&s);
    return err;
}
