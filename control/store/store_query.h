/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_query.h - the WHERE, ORDER and LIMIT of a list, composed from filters.
 *
 *      ... WHERE <required> AND <required> AND (<filter> OR <filter>) ORDER BY ... LIMIT ...
 *
 * Names of columns are literals of this directory; what a client wrote is only ever bound.
 * Included in control/store only.
 */
#ifndef TRUNKLINE_CONTROL_STORE_STORE_QUERY_H
#define TRUNKLINE_CONTROL_STORE_STORE_QUERY_H

#include "common/model/hostname.h"
#include "control/store/statement.h"

#define QUERY_TEXTS_MAX 24

struct store_query {
    struct buf required, filters, sql;
    struct span texts[QUERY_TEXTS_MAX]; /* bound as ?1, ?2, ... */
    size_t text_count;
    bool match_any;
    struct hostname key; /* the bytes of a text, where its writer has no other place */
};

void query_init(struct store_query *q, bool match_any);
void query_release(struct store_query *q);

/* Adds "column IN (the accounts of the user)" unless the scope is platform-wide. */
void query_scope(struct store_query *q, const char *account_column,
                 const struct store_scope *scope);
/* What remains of that for zones: those that a member is limited to, and the reach. */
void query_scope_zones(struct store_query *q, const struct store_scope *scope);
void query_reach_accounts(struct store_query *q, const struct store_scope *scope);
/* Adds "column = text". */
void query_require(struct store_query *q, const char *column, struct span text);
void query_filter(struct store_query *q, const char *column, const struct store_filter *filter);

/* SELECT columns FROM from WHERE ... ORDER BY each of order LIMIT ...  With a key, only the keys of
 * the page are looked for that way, and the rows are then joined to them:
 * SELECT columns FROM (SELECT key AS key FROM from ...) p CROSS JOIN joined ORDER BY ... */
struct query_select {
    const char *columns, *from;
    const char *const *order; /* columns, ended by NULL */
    struct store_page page;
    const char *key, *joined; /* NULL, or both */
};
/* Opens the statement of one page with everything bound. */
void query_open(struct store_query *q, struct store_conn *conn, const struct query_select *select,
                struct statement *s);
/* False: the page is past the end, and nobody walks there to see that. */
bool query_page_exists(const struct store_page *page, uint64_t total_count);
/* The number of rows on all pages. */
MUST_USE enum err query_count(struct store_query *q, struct store_conn *conn, const char *from,
                              uint64_t *out);

#endif
