/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_accounts.c - accounts.
 */
#include "control/store/store_accounts.h"

#include "common/base/text.h"
#include "control/store/store_query.h"

#define ACCOUNT_COLUMNS \
    "a.id, a.name, a.zone_count, a.zones_max, a.tokens_max, a.members_max, a.created_at_us"
#define ACCOUNT_FROM "accounts a"

static void read_account(struct statement *s, struct arena *arena, struct store_account *out)
{
    statement_id(s, &out->id);
    out->name = statement_text(s, arena);
    out->zone_count = statement_u64(s);
    out->zones_max = statement_u64(s);
    out->tokens_max = statement_u64(s);
    out->members_max = statement_u64(s);
    out->created_at_us = statement_u64(s);
}

enum err store_account_insert(struct store_conn *conn, const struct store_account *account)
{
    struct statement s;
    statement_open(&s, conn, "INSERT INTO accounts (id, name, created_at_us) VALUES (?, ?, ?)");
    statement_bind_id(&s, &account->id);
    statement_bind_text(&s, account->name);
    statement_bind_u64(&s, account->created_at_us);
    return statement_run(&s);
}

enum err store_account_update(struct store_conn *conn, const struct store_account *account)
{
    struct statement s;
    statement_open(&s, conn,
                   "UPDATE accounts SET name = ?, zones_max = ?, tokens_max = ?, members_max = ? "
                   "WHERE id = ?");
    statement_bind_text(&s, account->name);
    statement_bind_u64(&s, account->zones_max);
    statement_bind_u64(&s, account->tokens_max);
    statement_bind_u64(&s, account->members_max);
    statement_bind_id(&s, &account->id);
    return statement_run_one(&s);
}

enum err store_account_delete(struct store_conn *conn, const struct id *id)
{
    struct statement s;
    statement_open(&s, conn, "DELETE FROM accounts WHERE id = ? AND zone_count = 0");
    statement_bind_id(&s, id);
    TRY(statement_run_one(&s));
    /* Its own tokens go with the user that they act as. */
    statement_open(&s, conn, "DELETE FROM users WHERE id = ?");
    statement_bind_id(&s, id);
    return statement_run(&s);
}

enum err store_account_get(struct store_conn *conn, const struct store_scope *scope,
                           const struct id *id, struct arena *arena, struct store_account *out)
{
    struct statement s;
    statement_open(&s, conn,
                   "SELECT " ACCOUNT_COLUMNS " FROM " ACCOUNT_FROM " WHERE a.id = ?1 AND "
                   "(?2 OR a.id IN (SELECT account_id FROM members WHERE user_id = ?3))");
    statement_bind_id(&s, id);
    statement_bind_bool(&s, scope->platform_wide);
    statement_bind_id(&s, &scope->user_id);
    enum err err = statement_row(&s);
    if (err == ERR_OK)
        read_account(&s, arena, out);
    statement_close(&s);
    return err;
}

static enum err read_accounts(struct statement *s, size_t rows_max, struct arena *arena,
                              struct store_account_list *out)
{
    out->rows = arena_calloc(arena, rows_max, sizeof(*out->rows));
    enum err err;
    for (out->count = 0; out->count < rows_max; out->count++) {
        err = statement_row(s);
        if (err != ERR_OK)
            return err == ERR_NOT_FOUND ? ERR_OK : err;
        read_account(s, arena, &out->rows[out->count]);
    }
    return ERR_OK;
}

enum err store_account_list(struct store_conn *conn, const struct store_account_query *query,
                            struct arena *arena, struct store_account_list *out)
{
    static const char *const order[] = {"a.name", "a.id", NULL};
    const struct query_select select = {ACCOUNT_COLUMNS, ACCOUNT_FROM, order,
                                        query->page,     NULL,         NULL};
    struct store_query q;
    *out = (struct store_account_list){0};
    query_init(&q, false);
    query_scope(&q, "a.id", &query->scope);
    query_reach_accounts(&q, &query->scope);
    query_filter(&q, "a.name", &query->name);
    enum err err = query_count(&q, conn, ACCOUNT_FROM, &out->total_count);
    if (err == ERR_OK && query_page_exists(&query->page, out->total_count)) {
        struct statement s;
        query_open(&q, conn, &select, &s);
        err = read_accounts(&s, query->page.per_page, arena, out);
        statement_close(&s);
    }
    query_release(&q);
    return err;
}
