/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_query_plans.c - lists are read by index: SQLite is asked how it would do each of them.
 */
#include "control/store/store_accounts.h"
#include "control/store/store_audit.h"
#include "control/store/store_int.h"
#include "control/store/store_members.h"
#include "control/store/store_origin_ca.h"
#include "control/store/store_records.h"
#include "control/store/store_tokens.h"
#include "control/store/store_zones.h"
#include "tests/unit/control/store/store_dir.h"

#define STATEMENTS_MAX 64
#define STATEMENT_BYTES 4096

/* What a connection ran, as SQLite got it. */
struct scene {
    struct store_dir *d;
    struct store_conn *conn;
    struct arena arena;
    char statements[STATEMENTS_MAX][STATEMENT_BYTES];
    size_t count;
    bool limited; /* what is sorted is what one owner has, which has a limit */
};

static int note_statement(unsigned kind, void *owner, void *statement, void *text)
{
    struct scene *scene = owner;
    (void)kind;
    (void)text;
    assert_true(scene->count < STATEMENTS_MAX);
    const char *sql = sqlite3_sql(statement);
    assert_true(span_to_cstr(span_str(sql), scene->statements[scene->count++], STATEMENT_BYTES));
    return 0;
}

static void expect_no_scan(struct scene *scene, const char *sql)
{
    char explained[STATEMENT_BYTES + 32];
    sqlite3_stmt *statement = NULL;
    /* One page may be sorted once its ids are known, and what lies in one range of names. */
    int sorts_left = (strstr(sql, "CROSS JOIN") != NULL) + (strstr(sql, " >= ?") != NULL);
    snprintf(explained, sizeof(explained), "EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_prepare_v2(scene->conn->db, explained, -1, &statement, NULL),
                     SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(statement, 3);
        /* "SCAN x" reads all of x; "SCAN x USING INDEX" follows an order and stops at LIMIT. */
        /* p is one page of ids; accounts are ten thousand where zones are a million. */
        if (strncmp(step, "SCAN ", 5) == 0 && !strstr(step, " USING ") &&
            strcmp(step, "SCAN p") != 0 && strcmp(step, "SCAN CONSTANT ROW") != 0 &&
            !strstr(sql, "FROM accounts WHERE ?1 = ''"))
            fail_msg("%s: %s", step, sql);
        if (strstr(step, "USE TEMP B-TREE FOR ORDER BY") && !scene->limited && sorts_left-- == 0)
            fail_msg("%s: %s", step, sql);
    }
    sqlite3_finalize(statement);
}

static void expect_step(struct scene *scene, const char *sql, const char *wanted)
{
    char explained[STATEMENT_BYTES + 32];
    sqlite3_stmt *statement = NULL;
    bool found = false;
    sqlite3_trace_v2(scene->conn->db, 0, NULL, NULL);
    snprintf(explained, sizeof(explained), "EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_prepare_v2(scene->conn->db, explained, -1, &statement, NULL),
                     SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        found |= strstr((const char *)sqlite3_column_text(statement, 3), wanted) != NULL;
    sqlite3_finalize(statement);
    sqlite3_trace_v2(scene->conn->db, SQLITE_TRACE_STMT, note_statement, scene);
    assert_true(found);
}

static void judge(struct scene *scene)
{
    sqlite3_trace_v2(scene->conn->db, 0, NULL, NULL);
    assert_true(scene->count > 0);
    for (size_t i = 0; i < scene->count; i++)
        expect_no_scan(scene, scene->statements[i]);
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    void *inner = NULL;
    assert_int_equal(store_dir_setup(&inner), 0);
    scene->d = inner;
    if (!scene->d->store)
        store_dir_open(scene->d);
    arena_init(&scene->arena, NULL);
    assert_int_equal(store_read_begin(scene->d->store, &scene->conn), ERR_OK);
    sqlite3_trace_v2(scene->conn->db, SQLITE_TRACE_STMT, note_statement, scene);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *inner = scene->d;
    store_read_end(&scene->conn);
    arena_release(&scene->arena);
    free(scene);
    return store_dir_teardown(&inner);
}

static const struct store_scope everybody = {.platform_wide = true};
static const struct store_page page = {.page = 3, .per_page = 50};

static struct store_scope somebody(void)
{
    return (struct store_scope){.user_id = id_new()};
}

/* The reader sees it: its moment begins anew. */
static struct id add_zone(struct scene *scene, const char *name)
{
    const struct store_account account = {.id = id_new(), .name = SPAN("Example")};
    const struct store_zone zone = {.id = id_new(),
                                    .account_id = account.id,
                                    .name = span_str(name),
                                    .status = SPAN("active"),
                                    .type = SPAN("full")};
    struct store_conn *writer = NULL;
    store_read_end(&scene->conn);
    assert_int_equal(store_write_begin(scene->d->store, &writer), ERR_OK);
    assert_int_equal(store_account_insert(writer, &account), ERR_OK);
    assert_int_equal(store_zone_insert(writer, &zone), ERR_OK);
    assert_int_equal(store_write_commit(&writer), ERR_OK);
    assert_int_equal(store_read_begin(scene->d->store, &scene->conn), ERR_OK);
    sqlite3_trace_v2(scene->conn->db, SQLITE_TRACE_STMT, note_statement, scene);
    return zone.id;
}

static void zones_are_listed_by_index(void **state)
{
    struct scene *scene = *state;
    struct store_zone_list list;
    struct store_zone_query query = {.scope = everybody, .page = page};
    assert_int_equal(store_zone_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    query.account_id = id_new();
    assert_int_equal(store_zone_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    query.name = (struct store_filter){STORE_MATCH_EQUAL, SPAN("example.com")};
    assert_int_equal(store_zone_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    query.scope = somebody();
    assert_int_equal(store_zone_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    judge(scene);
}

/* In each order, by each filter that an index can serve, and never past the end. */
static void zones_are_filtered_by_index(void **state)
{
    static const struct store_filter names[] = {
        {STORE_MATCH_ALL, SPAN_EMPTY},
        {STORE_MATCH_STARTS_WITH, SPAN("shop.")},
        {STORE_MATCH_ENDS_WITH, SPAN(".example.com")},
    };
    struct scene *scene = *state;
    struct store_zone_list list;
    struct store_zone_query query = {.scope = everybody, .page = {.page = 1, .per_page = 50}};
    (void)add_zone(scene, "shop.example.com");
    for (size_t i = 0; i < countof(names); i++)
        for (unsigned order = 0; order <= STORE_ZONES_BY_ACCOUNT_NAME; order++) {
            query.order = (enum store_zone_order)order;
            query.name = names[i];
            query.page.descending = !query.page.descending;
            assert_int_equal(store_zone_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
            assert_int_equal(list.count, 1);
        }
    size_t count = scene->count;
    query.status = (struct store_filter){STORE_MATCH_EQUAL, SPAN("pending")};
    assert_int_equal(store_zone_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    assert_int_equal(scene->count, count + 1); /* counted: there is no page to look for */
    judge(scene);
}

static void pending_zones_are_found_by_index(void **state)
{
    struct scene *scene = *state;
    struct store_zone_list list;
    struct id after = id_new();
    assert_int_equal(store_zone_pending(scene->conn, &after, 10, &scene->arena, &list), ERR_OK);
    judge(scene);
}

static void accounts_are_listed_by_index(void **state)
{
    struct scene *scene = *state;
    struct store_account_list list;
    const struct store_account_query query = {.scope = everybody, .page = page};
    assert_int_equal(store_account_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    judge(scene);
}

static void the_audit_is_listed_by_index(void **state)
{
    struct scene *scene = *state;
    struct store_audit_list list;
    struct store_audit_query query = {.account_id = id_new(), .page = page};
    for (int descending = 0; descending < 2; descending++) {
        query.page.descending = descending == 1;
        assert_int_equal(store_audit_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    }
    query.zone_id = id_new();
    assert_int_equal(store_audit_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    const char *of_zone = scene->statements[scene->count - 1];
    assert_non_null(strstr(of_zone, "WHERE a.zone_id = ?6"));
    expect_step(scene, of_zone, "SEARCH a USING INDEX audit_by_zone");
    query.zone_id = query.account_id = (struct id){{0}};
    query.user_id = id_new();
    assert_int_equal(store_audit_list(scene->conn, &query, &scene->arena, &list), ERR_OK);
    judge(scene);
}

static void what_an_account_or_a_zone_has_is_listed_by_index(void **state)
{
    struct scene *scene = *state;
    struct store_record_list records;
    struct store_member_list members;
    struct store_token_list tokens;
    struct store_origin_certificate_list certificates;
    struct id owner_id = add_zone(scene, "example.com");
    const struct store_record_query of_zone = {
        .scope = everybody, .zone_id = owner_id, .page = page};
    const struct store_member_query of_account = {
        .account_id = owner_id, .members = true, .invitations = true, .page = page};
    const struct store_member_query of_user = {.user_id = owner_id, .members = true, .page = page};
    const struct store_origin_certificate_query signed_for = {
        .scope = everybody, .zone_id = owner_id, .page = page};
    assert_int_equal(store_record_list(scene->conn, &of_zone, &scene->arena, &records), ERR_OK);
    assert_int_equal(store_member_list(scene->conn, &of_account, &scene->arena, &members), ERR_OK);
    assert_int_equal(store_member_list(scene->conn, &of_user, &scene->arena, &members), ERR_OK);
    assert_int_equal(store_token_list(scene->conn, &owner_id, &page, &scene->arena, &tokens),
                     ERR_OK);
    assert_int_equal(
        store_origin_certificate_list(scene->conn, &signed_for, &scene->arena, &certificates),
        ERR_OK);
    scene->limited = true;
    judge(scene);
}

/* SQLite looks for the rows that refer to one that is made, changed or removed; EXPLAIN QUERY PLAN
 * keeps that to itself. */
static void references_are_followed_back_by_index(void **state)
{
    struct scene *scene = *state;
    sqlite3_stmt *statement = NULL;
    sqlite3_trace_v2(scene->conn->db, 0, NULL, NULL);
    assert_int_equal(
        sqlite3_prepare_v2(
            scene->conn->db,
            "SELECT t.name || '.' || f.\"from\" FROM sqlite_schema t, "
            "pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND NOT EXISTS (SELECT 1 "
            "FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c WHERE NOT i.partial "
            "AND c.seqno = 0 AND c.name = f.\"from\") AND NOT EXISTS (SELECT 1 FROM "
            "pragma_table_info(t.name) p WHERE p.pk = 1 AND p.name = f.\"from\")",
            -1, &statement, NULL),
        SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        fail_msg("no index begins with %s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(zones_are_listed_by_index, setup, teardown),
        cmocka_unit_test_setup_teardown(zones_are_filtered_by_index, setup, teardown),
        cmocka_unit_test_setup_teardown(pending_zones_are_found_by_index, setup, teardown),
        cmocka_unit_test_setup_teardown(accounts_are_listed_by_index, setup, teardown),
        cmocka_unit_test_setup_teardown(the_audit_is_listed_by_index, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_account_or_a_zone_has_is_listed_by_index, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(references_are_followed_back_by_index, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
