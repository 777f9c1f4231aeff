/* SPDX-License-Identifier: Apache-2.0 */
/* test_change_setting.c - settings one by one and all or nothing; certificates of a zone. */
#include "tests/unit/control/change/change_dir.h"

#include "common/base/clock.h"
#include "common/model/certificate.h"
#include "control/change/change_certificate.h"
#include "control/store/store_certificates.h"
#include "control/store/store_settings.h"

static uint64_t value_of(struct change_dir *c, const struct id *zone_id, enum setting_id id)
{
    struct store_setting settings[SETTING_COUNT];
    struct store_conn *conn = NULL;
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_settings_load(conn, &c->owner.scope, zone_id, settings), ERR_OK);
    store_read_end(&conn);
    return settings[id].value.number;
}

static void a_setting_is_kept(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    assert_int_equal(value_of(c, &zone_id, SETTING_origin_max_http_version), ORIGIN_HTTP_2);

    assert_int_equal(set_word(c, &zone_id, "origin_max_http_version", "1"), ERR_OK);

    assert_int_equal(value_of(c, &zone_id, SETTING_origin_max_http_version), ORIGIN_HTTP_1);
}

static void an_unknown_setting_and_a_wrong_value_are_told_apart(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);

    assert_int_equal(set_word(c, &zone_id, "colour", "blue"), ERR_NOT_FOUND);
    assert_string_equal(c->problem.path, "id");
    assert_int_equal(set_word(c, &zone_id, "origin_max_http_version", "3"), ERR_INVALID);
    assert_string_equal(c->problem.path, "value");
    assert_non_null(strstr(c->problem.text, "1"));
    assert_non_null(strstr(c->problem.text, "2"));
}

static void several_settings_are_all_or_nothing(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id;
    struct change_setting items[] = {
        {SPAN("ssl"), "items[0].", SETTING_TEXT, SPAN("strict"), 0},
        {SPAN("origin_h2_max_streams"), "items[1].", SETTING_NUMBER, SPAN_EMPTY, 0},
    };
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);

    struct change *change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_settings_set(change, &zone_id, items, 2, &c->problem)),
                     ERR_INVALID);
    assert_string_equal(c->problem.path, "items[1].value");
    assert_int_equal(value_of(c, &zone_id, SETTING_ssl), SSL_FULL);
    items[1].number = 20;
    change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_settings_set(change, &zone_id, items, 2, &c->problem)),
                     ERR_OK);

    assert_int_equal(value_of(c, &zone_id, SETTING_ssl), SSL_STRICT);
    assert_int_equal(value_of(c, &zone_id, SETTING_origin_h2_max_streams), 20);
}

static void raising_streams_above_the_plan_is_forbidden(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id;
    const struct change_setting item = {SPAN("origin_h2_max_streams"), "", SETTING_NUMBER,
                                        SPAN_EMPTY, 200};
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);

    struct change *change = begin(c, &c->owner);

    assert_int_equal(end(c, change, change_settings_set(change, &zone_id, &item, 1, &c->problem)),
                     ERR_FORBIDDEN);
    assert_string_equal(c->problem.path, "value");
}

struct pem {
    struct buf chain, key;
};

static void make_pem(struct pem *pem, const char *host)
{
    struct buf ca_chain, ca_key;
    struct hostname name;
    buf_init(&ca_chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&ca_key, LIMIT_PRIVATE_KEY_BYTES);
    buf_init(&pem->chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&pem->key, LIMIT_PRIVATE_KEY_BYTES);
    assert_int_equal(hostname_parse(span_str(host), HOSTNAME_WILDCARD, &name, NULL), ERR_OK);
    assert_int_equal(certificate_make_ca("a test CA", clock_wall_s(), &ca_chain, &ca_key), ERR_OK);
    const struct certificate_authority ca = {buf_span(&ca_chain), buf_span(&ca_key)};
    assert_int_equal(certificate_sign(&ca, &name, 1, clock_wall_s(), &pem->chain, &pem->key),
                     ERR_OK);
    buf_release(&ca_chain);
    buf_release(&ca_key);
}

static void release_pem(struct pem *pem)
{
    buf_release(&pem->chain);
    buf_release(&pem->key);
}

static enum err upload(struct change_dir *c, const struct id *zone_id, const struct pem *pem,
                       struct id *out)
{
    const struct change_certificate_spec spec = {buf_span(&pem->chain), buf_span(&pem->key), false};
    struct change *change = begin(c, &c->owner);
    return end(c, change, change_certificate_create(change, zone_id, &spec, out, &c->problem));
}

static void custom_certificates_come_before_the_local_one(void **state)
{
    struct change_dir *c = *state;
    struct store_certificate_list list;
    struct store_conn *conn = NULL;
    struct id zone_id, first, second;
    struct pem pem;
    struct arena arena;
    arena_init(&arena, NULL);
    make_pem(&pem, "www.example.com");
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);

    assert_int_equal(upload(c, &zone_id, &pem, &first), ERR_OK);
    assert_int_equal(upload(c, &zone_id, &pem, &second), ERR_OK);

    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_certificate_list(conn, &c->owner.scope, &zone_id, &arena, &list),
                     ERR_OK);
    store_read_end(&conn);
    assert_int_equal(list.count, 3);
    assert_true(id_equal(list.rows[0].id, second));
    assert_true(id_equal(list.rows[1].id, first));
    assert_true(list.rows[2].local);

    struct change *change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_certificate_delete(change, &zone_id, &first, &c->problem)), ERR_OK);
    change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_certificate_delete(change, &zone_id, &list.rows[2].id, &c->problem)),
        ERR_NOT_FOUND);
    release_pem(&pem);
    arena_release(&arena);
}

static void certificates_that_do_not_fit_are_refused(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id, made;
    struct pem foreign, own;
    make_pem(&foreign, "www.example.org");
    make_pem(&own, "www.example.com");
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);

    assert_int_equal(upload(c, &zone_id, &foreign, &made), ERR_INVALID);
    assert_string_equal(c->problem.path, "certificate");
    const struct pem mixed = {own.chain, foreign.key};
    assert_int_equal(upload(c, &zone_id, &mixed, &made), ERR_INVALID);
    assert_string_equal(c->problem.path, "private_key");
    release_pem(&foreign);
    release_pem(&own);
}

static void a_hostname_that_a_custom_certificate_covers_is_not_signed(void **state)
{
    struct change_dir *c = *state;
    struct store_certificate_list list;
    struct store_conn *conn = NULL;
    struct id zone_id, made;
    struct pem pem;
    struct arena arena;
    struct change_record_spec spec = record_spec("A", "a.b.example.com", "8.8.8.8");
    arena_init(&arena, NULL);
    make_pem(&pem, "*.b.example.com");
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    assert_int_equal(upload(c, &zone_id, &pem, &made), ERR_OK);
    struct id custom = made;

    assert_int_equal(make_record(c, &zone_id, &spec, &made), ERR_OK);
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_certificate_list(conn, &c->owner.scope, &zone_id, &arena, &list),
                     ERR_OK);
    store_read_end(&conn);
    assert_true(span_equal(list.rows[1].names, SPAN("example.com *.example.com")));

    struct change *change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_certificate_delete(change, &zone_id, &custom, &c->problem)), ERR_OK);
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_certificate_list(conn, &c->owner.scope, &zone_id, &arena, &list),
                     ERR_OK);
    store_read_end(&conn);
    assert_int_equal(list.count, 1);
    assert_true(span_ends_with(list.rows[0].names, SPAN(" a.b.example.com")));
    release_pem(&pem);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGE_TEST(a_setting_is_kept),
        CHANGE_TEST(an_unknown_setting_and_a_wrong_value_are_told_apart),
        CHANGE_TEST(several_settings_are_all_or_nothing),
        CHANGE_TEST(raising_streams_above_the_plan_is_forbidden),
        CHANGE_TEST(custom_certificates_come_before_the_local_one),
        CHANGE_TEST(certificates_that_do_not_fit_are_refused),
        CHANGE_TEST(a_hostname_that_a_custom_certificate_covers_is_not_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
