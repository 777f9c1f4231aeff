/* SPDX-License-Identifier: Apache-2.0 */
/* test_change_zone.c - zone names, their claims, plans, and what other tenants see. */
#include "tests/unit/control/change/change_dir.h"

#include "control/store/store_accounts.h"
#include "control/store/store_records.h"
#include "control/store/store_settings.h"
#include "control/store/store_zones.h"

static void names_that_are_no_zone_are_refused(void **state)
{
    static const char *const names[] = {
        "",           "com",       "*.example.com",     "exa mple.com",
        "a..example", "192.0.2.1", "_dmarc.example.com"};
    struct change_dir *c = *state;
    struct id zone_id;
    for (size_t i = 0; i < countof(names); i++) {
        assert_int_equal(make_zone(c, &c->owner, names[i], &zone_id), ERR_INVALID);
        assert_string_equal(c->problem.path, "name");
        assert_true(c->problem.text[0] != '\0');
    }
}

static void a_taken_name_is_refused_in_every_spelling(void **state)
{
    static const char *const names[] = {"example.com", "EXAMPLE.com", "example.com.",
                                        "www.example.com", "a.b.example.com"};
    struct change_dir *c = *state;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);

    for (size_t i = 0; i < countof(names); i++)
        assert_int_equal(make_zone(c, &c->operating, names[i], &zone_id), ERR_EXISTS);

    assert_int_equal(make_zone(c, &c->operating, "notexample.com", &zone_id), ERR_OK);
}

static void both_spellings_of_a_name_are_one_claim(void **state)
{
    static const char *const names[] = {"bücher.example",
                                        "BÜCHER.Example",
                                        "bücher。example",
                                        "xn--bcher-kva.example",
                                        "bu\xcc\x88"
                                        "cher.example.",
                                        "shop.bücher.example"};
    struct change_dir *c = *state;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "bücher.example", &zone_id), ERR_OK);
    for (size_t i = 0; i < countof(names); i++)
        assert_int_equal(make_zone(c, &c->operating, names[i], &zone_id), ERR_EXISTS);

    assert_int_equal(make_zone(c, &c->owner, "xn--strae-oqa.example", &zone_id), ERR_OK);
    assert_int_equal(make_zone(c, &c->operating, "straße.example", &zone_id), ERR_EXISTS);
    assert_int_equal(make_zone(c, &c->operating, "strasse.example", &zone_id), ERR_OK);
}

static void letters_that_no_name_has_are_refused_with_the_reason(void **state)
{
    static const char *const names[] = {"☕.example",   "-ü.example",   "a_ü.example", "ü..example",
                                        "ü b.example", "\xff.example", "١2.example",  "*.ü.example",
                                        "℀.example",   "１.１.１.１"};
    struct change_dir *c = *state;
    struct id zone_id;
    for (size_t i = 0; i < countof(names); i++) {
        assert_int_equal(make_zone(c, &c->owner, names[i], &zone_id), ERR_INVALID);
        assert_string_equal(c->problem.path, "name");
        assert_true(strlen(c->problem.text) > strlen("is not a domain name: "));
    }
}

static void a_zone_above_a_strangers_zone_is_refused(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "shop.example.com", &zone_id), ERR_OK);

    assert_int_equal(make_zone(c, &c->operating, "example.com", &zone_id), ERR_EXISTS);

    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
}

static void one_account_may_split_a_name_but_not_serve_a_host_twice(void **state)
{
    struct change_dir *c = *state;
    struct id parent, child, record_id;
    struct change_record_spec below = record_spec("A", "www.shop.example.com", "8.8.8.8");
    struct change_record_spec beside = record_spec("A", "www.example.com", "8.8.8.8");
    assert_int_equal(make_zone(c, &c->owner, "example.com", &parent), ERR_OK);
    assert_int_equal(make_zone(c, &c->owner, "shop.example.com", &child), ERR_OK);

    assert_int_equal(make_record(c, &parent, &below, &record_id), ERR_CONFLICT);
    assert_string_equal(c->problem.path, "name");
    assert_int_equal(make_record(c, &child, &below, &record_id), ERR_OK);

    assert_int_equal(make_record(c, &parent, &beside, &record_id), ERR_OK);
    assert_int_equal(make_zone(c, &c->owner, "www.example.com", &child), ERR_EXISTS);
}

static void only_operators_change_a_plan(void **state)
{
    struct change_dir *c = *state;
    const struct change_zone_edit edit = {.plan_given = true, .plan = SPAN("enterprise")};
    const struct change_zone_edit unknown = {.plan_given = true, .plan = SPAN("gold")};
    struct store_setting settings[SETTING_COUNT];
    struct store_conn *conn = NULL;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);

    struct change *change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_zone_edit(change, &zone_id, &edit, &c->problem)),
                     ERR_FORBIDDEN);
    change = begin(c, &c->operating);
    assert_int_equal(end(c, change, change_zone_edit(change, &zone_id, &unknown, &c->problem)),
                     ERR_INVALID);
    change = begin(c, &c->operating);
    assert_int_equal(end(c, change, change_zone_edit(change, &zone_id, &edit, &c->problem)),
                     ERR_OK);

    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_settings_load(conn, &c->owner.scope, &zone_id, settings), ERR_OK);
    store_read_end(&conn);
    assert_int_equal(settings[SETTING_origin_max_http_version].value.number, ORIGIN_HTTP_1);
    assert_int_equal(settings[SETTING_origin_h2_max_streams].value.number, 1);
}

static void only_operators_make_accounts(void **state)
{
    struct change_dir *c = *state;
    struct id account_id;
    struct change *change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_account_create(change, SPAN("mine"), &account_id, &c->problem)),
        ERR_FORBIDDEN);
    change = begin(c, &c->operating);
    assert_int_equal(
        end(c, change, change_account_create(change, SPAN("mine"), &account_id, &c->problem)),
        ERR_OK);
    assert_int_equal(c->revision, 0);
}

/* dana owns one account; everything of the operator's account is as if it were not there. */
static void another_tenants_objects_are_not_found(void **state)
{
    struct change_dir *c = *state;
    const struct store_scope *dana = &c->owner.scope;
    const struct change_zone_edit edit = {.paused_given = true, .paused = true};
    const struct change_setting item = {
        .id = SPAN("ssl"), .path = "", .kind = SETTING_TEXT, .word = SPAN("off")};
    const struct change_zone_spec spec = {.account_id = c->first.account_id,
                                          .name = SPAN("mine.example")};
    struct change_record_spec record = record_spec("A", "@", "8.8.8.8");
    struct store_setting settings[SETTING_COUNT];
    struct store_record_list records;
    struct store_zone_list zones;
    struct store_account account;
    struct store_zone zone;
    struct store_conn *conn = NULL;
    struct arena arena;
    struct id zone_id, made;
    arena_init(&arena, NULL);
    assert_int_equal(make_zone(c, &c->operating, "operator.example", &zone_id), ERR_OK);

    struct change *change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_zone_edit(change, &zone_id, &edit, &c->problem)),
                     ERR_NOT_FOUND);
    change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_zone_delete(change, &zone_id, &c->problem)),
                     ERR_NOT_FOUND);
    change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_settings_set(change, &zone_id, &item, 1, &c->problem)),
                     ERR_NOT_FOUND);
    assert_int_equal(make_record(c, &zone_id, &record, &made), ERR_NOT_FOUND);
    change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_zone_create(change, &spec, &made, &c->problem)),
                     ERR_NOT_FOUND);

    const struct store_record_query all_records = {
        .scope = *dana, .zone_id = zone_id, .page = {.page = 1, .per_page = 10}};
    const struct store_zone_query all_zones = {.scope = *dana, .page = {.page = 1, .per_page = 10}};
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_zone_get(conn, dana, &zone_id, &arena, &zone), ERR_NOT_FOUND);
    assert_int_equal(store_account_get(conn, dana, &c->first.account_id, &arena, &account),
                     ERR_NOT_FOUND);
    assert_int_equal(store_settings_load(conn, dana, &zone_id, settings), ERR_NOT_FOUND);
    assert_int_equal(store_record_list(conn, &all_records, &arena, &records), ERR_NOT_FOUND);
    assert_int_equal(store_zone_list(conn, &all_zones, &arena, &zones), ERR_OK);
    assert_int_equal(zones.total_count, 0);
    assert_int_equal(store_zone_get(conn, &c->operating.scope, &zone_id, &arena, &zone), ERR_OK);
    store_read_end(&conn);
    arena_release(&arena);
}

static void lists_page_and_filter(void **state)
{
    struct change_dir *c = *state;
    struct store_conn *conn = NULL;
    struct store_zone_list list;
    struct arena arena;
    struct id zone_id;
    arena_init(&arena, NULL);
    for (int i = 0; i < 7; i++) {
        char name[32];
        text_format(name, sizeof(name), "zone%d.example", i);
        assert_int_equal(make_zone(c, &c->owner, name, &zone_id), ERR_OK);
    }
    struct store_zone_query query = {.scope = c->owner.scope, .page = {.page = 2, .per_page = 3}};

    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_zone_list(conn, &query, &arena, &list), ERR_OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.total_count, 7);
    assert_true(span_equal(list.rows[0].name, SPAN("zone3.example")));
    query.page.page = UINT64_MAX;
    assert_int_equal(store_zone_list(conn, &query, &arena, &list), ERR_OK);
    assert_int_equal(list.count, 0);
    query.page = (struct store_page){1, 5, true};
    query.name = (struct store_filter){STORE_MATCH_CONTAINS, SPAN("ne3")};
    query.status = (struct store_filter){STORE_MATCH_EQUAL, SPAN("pending")};
    query.match_any = true;
    assert_int_equal(store_zone_list(conn, &query, &arena, &list), ERR_OK);
    assert_int_equal(list.total_count, 1);
    query.match_any = false;
    assert_int_equal(store_zone_list(conn, &query, &arena, &list), ERR_OK);
    assert_int_equal(list.total_count, 0);
    query.status = (struct store_filter){0};
    query.name = (struct store_filter){STORE_MATCH_ENDS_WITH, SPAN("6.example")};
    assert_int_equal(store_zone_list(conn, &query, &arena, &list), ERR_OK);
    assert_int_equal(list.total_count, 1);
    query.name = (struct store_filter){STORE_MATCH_STARTS_WITH, SPAN("zone")};
    assert_int_equal(store_zone_list(conn, &query, &arena, &list), ERR_OK);
    assert_int_equal(list.total_count, 7);
    assert_true(span_equal(list.rows[0].name, SPAN("zone6.example")));
    store_read_end(&conn);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGE_TEST(names_that_are_no_zone_are_refused),
        CHANGE_TEST(a_taken_name_is_refused_in_every_spelling),
        CHANGE_TEST(a_zone_above_a_strangers_zone_is_refused),
        CHANGE_TEST(both_spellings_of_a_name_are_one_claim),
        CHANGE_TEST(letters_that_no_name_has_are_refused_with_the_reason),
        CHANGE_TEST(one_account_may_split_a_name_but_not_serve_a_host_twice),
        CHANGE_TEST(only_operators_change_a_plan),
        CHANGE_TEST(only_operators_make_accounts),
        CHANGE_TEST(another_tenants_objects_are_not_found),
        CHANGE_TEST(lists_page_and_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
