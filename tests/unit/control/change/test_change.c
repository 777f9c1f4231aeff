/* SPDX-License-Identifier: Apache-2.0 */
/* test_change.c - one transaction: rows, audit, document, revision, and the wake after it. */
#include "tests/unit/control/change/change_dir.h"

#include "common/base/clock.h"
#include "common/model/zone_document.h"
#include "control/auth/password.h"
#include "control/change/change_certificate.h"
#include "control/store/store_audit.h"
#include "control/store/store_certificates.h"
#include "control/store/store_documents.h"
#include "control/store/store_feed.h"
#include "control/store/store_tokens.h"
#include "control/store/store_users.h"

static const struct store_scope ALL = {.platform_wide = true};

/* The caller releases the arena, and the document. */
static struct zone_document *read_document(struct change_dir *c, const struct id *zone_id,
                                           struct store_document *row, struct arena *arena)
{
    struct store_conn *conn = NULL;
    struct zone_document *document = NULL;
    struct problem problem = {.code = ERR_OK};
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_document_get(conn, zone_id, arena, row), ERR_OK);
    store_read_end(&conn);
    if (!row->deleted)
        assert_int_equal(zone_document_decode(row->body, row->revision, &document, &problem),
                         ERR_OK);
    return document;
}

static enum err verify_audit(struct change_dir *c)
{
    struct store_conn *conn = NULL;
    c->problem = (struct problem){.code = ERR_OK};
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    enum err err = store_audit_verify(conn, &c->problem);
    store_read_end(&conn);
    return err;
}

static void bootstrap_makes_a_user_whose_token_is_found(void **state)
{
    struct change_dir *c = *state;
    struct store_conn *conn = NULL;
    struct store_token token;
    struct store_user user;
    struct digest digest;
    struct arena arena;
    arena_init(&arena, NULL);

    assert_int_equal(token_digest(span_str(c->first.token.text), digest.bytes), ERR_OK);
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_token_find(conn, &digest, &arena, &token), ERR_OK);
    assert_int_equal(store_user_get(conn, &token.user_id, &arena, &user), ERR_OK);
    digest.bytes[0] ^= 1;
    struct store_token unknown;
    enum err err = store_token_find(conn, &digest, &arena, &unknown);
    store_read_end(&conn);

    assert_true(id_equal(token.user_id, c->first.user_id));
    assert_true(token.user_platform_wide);
    assert_true(span_equal(user.email, SPAN("op@example.net")));
    assert_int_equal(password_verify(arena_cstr(&arena, user.password_hash), SPAN("long enough")),
                     ERR_OK);
    assert_int_equal(err, ERR_NOT_FOUND);
    arena_release(&arena);
}

static void a_second_bootstrap_changes_nothing(void **state)
{
    struct change_dir *c = *state;
    const struct change_user_spec spec = {SPAN("x@example.net"), SPAN("long enough"), true};
    struct change_user_made made;

    struct change *change = begin(c, &c->operating);
    enum err err = end(c, change, change_bootstrap(change, &spec, &made, &c->problem));

    assert_int_equal(err, ERR_EXISTS);
    assert_string_equal(c->problem.path, "store");
}

static void short_passwords_and_bad_emails_are_refused(void **state)
{
    struct change_dir *c = *state;
    static const struct change_user_spec specs[] = {
        {{(const uint8_t *)"a@b.example", 11}, {(const uint8_t *)"1234567", 7}, false},
        {{(const uint8_t *)"no address", 10}, {(const uint8_t *)"12345678", 8}, false},
        {{(const uint8_t *)"a@b@c", 5}, {(const uint8_t *)"12345678", 8}, false},
    };
    for (size_t i = 0; i < countof(specs); i++) {
        struct change_user_made made;
        struct change *change = begin(c, &c->operating);
        assert_int_equal(end(c, change, change_user_create(change, &specs[i], &made, &c->problem)),
                         ERR_INVALID);
    }
}

static void a_new_zone_has_a_document_and_a_local_certificate(void **state)
{
    struct change_dir *c = *state;
    struct store_document row;
    struct arena arena;
    struct id zone_id;
    arena_init(&arena, NULL);

    assert_int_equal(make_zone(c, &c->owner, "Example.COM.", &zone_id), ERR_OK);

    struct zone_document *document = read_document(c, &zone_id, &row, &arena);
    assert_int_equal(row.revision, c->revision);
    assert_int_equal(c->told_revision, c->revision);
    struct digest digest = digest_of(row.body);
    assert_true(digest_equal(&digest, &row.digest));
    assert_true(span_equal(document->name, SPAN("example.com")));
    assert_int_equal(document->certificate_count, 1);
    assert_int_equal(zone_document_setting(document, SETTING_origin_max_http_version),
                     ORIGIN_HTTP_2);
    zone_document_unref(&document);
    arena_release(&arena);
}

static void a_change_without_audit_is_refused(void **state)
{
    struct change_dir *c = *state;

    struct change *change = begin(c, &c->operating);

    assert_int_equal(end(c, change, ERR_OK), ERR_INTERNAL);
}

static void an_abandoned_change_leaves_nothing(void **state)
{
    struct change_dir *c = *state;
    const struct change_zone_spec spec = {.name = SPAN("gone.example")};
    struct id zone_id;
    struct store_feed_point before, after;
    assert_int_equal(store_feed_now(c->d->store, &before), ERR_OK);

    struct change *change = begin(c, &c->owner);
    assert_int_equal(change_zone_create(change, &spec, &zone_id, &c->problem), ERR_OK);
    change_abandon(&change);

    assert_int_equal(store_feed_now(c->d->store, &after), ERR_OK);
    assert_int_equal(before.revision, after.revision);
    assert_int_equal(make_zone(c, &c->owner, "gone.example", &zone_id), ERR_OK);
}

static void revisions_follow_each_other_and_chain(void **state)
{
    struct change_dir *c = *state;
    struct store_feed_point points[4];
    struct id zone_id;
    bool known = false;
    assert_int_equal(store_feed_now(c->d->store, &points[0]), ERR_OK);
    assert_int_equal(points[0].revision, 0);
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);

    for (size_t i = 1; i < countof(points); i++) {
        assert_int_equal(set_word(c, &zone_id, "origin_max_http_version", i % 2 ? "1" : "2"),
                         ERR_OK);
        assert_int_equal(store_feed_now(c->d->store, &points[i]), ERR_OK);
        assert_int_equal(points[i].revision, i + 1);
        assert_true(id_equal(points[i].epoch, points[0].epoch));
        assert_false(digest_equal(&points[i].chain, &points[i - 1].chain));
    }

    for (size_t i = 0; i < countof(points); i++) {
        assert_int_equal(store_feed_known(c->d->store, &points[i], &known), ERR_OK);
        assert_true(known);
    }
    points[2].chain.bytes[5] ^= 1;
    assert_int_equal(store_feed_known(c->d->store, &points[2], &known), ERR_OK);
    assert_false(known);
    points[3].epoch = id_new();
    assert_int_equal(store_feed_known(c->d->store, &points[3], &known), ERR_OK);
    assert_false(known);
    points[1].revision = 77;
    assert_int_equal(store_feed_known(c->d->store, &points[1], &known), ERR_OK);
    assert_false(known);
}

struct feed_counts {
    size_t documents, tombstones, certificates, origin_cas;
    struct id last_document;
};

static struct feed_counts walk_feed(struct change_dir *c, uint64_t since_revision)
{
    struct store_feed *feed = NULL;
    struct store_feed_point now;
    struct store_feed_item item;
    struct feed_counts counts = {0};
    enum err err;
    assert_int_equal(store_feed_open(c->d->store, since_revision, &now, &feed), ERR_OK);
    while ((err = store_feed_next(feed, &item)) == ERR_OK) {
        assert_true(item.revision > since_revision && item.revision <= now.revision);
        if (item.kind == STORE_FEED_CERTIFICATE) {
            bool ca = item.zone_id.text[0] == '\0';
            counts.certificates += ca ? 0 : 1;
            counts.origin_cas += ca ? 1 : 0;
            assert_true(ca ? item.key_pem.len == 0
                           : span_starts_with(item.key_pem, SPAN("-----BEGIN")));
            assert_true(span_starts_with(item.chain_pem, SPAN("-----BEGIN CERTIFICATE")));
        } else if (item.kind == STORE_FEED_TOMBSTONE) {
            counts.tombstones++;
        } else {
            struct digest digest = digest_of(item.body);
            assert_true(digest_equal(&digest, &item.digest));
            counts.documents++;
            counts.last_document = item.zone_id;
        }
    }
    assert_int_equal(err, ERR_CLOSED);
    assert_int_equal(store_feed_next(feed, &item), ERR_CLOSED);
    store_feed_close(&feed);
    return counts;
}

static void the_feed_tells_what_changed_since(void **state)
{
    struct change_dir *c = *state;
    struct id first, second;
    assert_int_equal(walk_feed(c, 0).documents, 0);
    assert_int_equal(make_zone(c, &c->owner, "one.example", &first), ERR_OK);
    assert_int_equal(make_zone(c, &c->owner, "two.example", &second), ERR_OK);
    uint64_t before = c->revision;
    assert_int_equal(set_word(c, &second, "ssl", "strict"), ERR_OK);

    struct feed_counts since = walk_feed(c, before);
    struct feed_counts full = walk_feed(c, 0);

    assert_int_equal(since.documents, 1);
    assert_int_equal(since.certificates, 0);
    assert_true(id_equal(since.last_document, second));
    assert_int_equal(full.documents, 2);
    assert_int_equal(full.certificates, 2);
    assert_int_equal(since.origin_cas, 0);
    assert_int_equal(full.origin_cas, 1);
}

static void a_deleted_zone_leaves_a_tombstone(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id, again;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    uint64_t before = c->revision;

    struct change *change = begin(c, &c->owner);
    assert_int_equal(end(c, change, change_zone_delete(change, &zone_id, &c->problem)), ERR_OK);

    assert_int_equal(walk_feed(c, before).tombstones, 1);
    assert_int_equal(walk_feed(c, 0).tombstones, 0);
    assert_int_equal(walk_feed(c, 0).certificates, 0);
    assert_int_equal(make_zone(c, &c->owner, "example.com", &again), ERR_OK);
    assert_false(id_equal(zone_id, again));
}

static void the_feed_stays_at_its_point_while_changes_go_on(void **state)
{
    struct change_dir *c = *state;
    struct store_feed *feed = NULL;
    struct store_feed_point now;
    struct store_feed_item item;
    struct id first, second;
    size_t documents = 0;
    assert_int_equal(make_zone(c, &c->owner, "one.example", &first), ERR_OK);

    assert_int_equal(store_feed_open(c->d->store, 0, &now, &feed), ERR_OK);
    assert_int_equal(make_zone(c, &c->owner, "two.example", &second), ERR_OK);
    while (store_feed_next(feed, &item) == ERR_OK)
        documents += item.kind == STORE_FEED_DOCUMENT ? 1 : 0;
    store_feed_close(&feed);

    assert_int_equal(documents, 1);
    assert_int_equal(now.revision, 1);
}

static void the_audit_chain_holds_and_shows_tampering(void **state)
{
    static const char *const deeds[] = {
        "UPDATE audit SET new_json = '{}' WHERE id = 3",
        "UPDATE audit SET ip = 'x' WHERE id = 4",
        "UPDATE audit SET prev_hash = zeroblob(32) WHERE id = 2",
        "DELETE FROM audit WHERE id = 3",
        "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)",
    };
    struct change_dir *c = *state;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    assert_int_equal(verify_audit(c), ERR_OK);
    store_dir_tamper(c->d, "DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_values;"
                           "CREATE TABLE saved AS SELECT * FROM audit");

    for (size_t i = 0; i < countof(deeds); i++) {
        store_dir_tamper(c->d, deeds[i]);
        assert_int_equal(verify_audit(c), ERR_CORRUPT);
        store_dir_tamper(c->d, "DELETE FROM audit; INSERT INTO audit SELECT * FROM saved");
        assert_int_equal(verify_audit(c), ERR_OK);
    }
}

static void no_secret_is_in_the_store_or_its_log_in_clear(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id;
    static char bytes[4 << 20];
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < countof(suffixes); i++) {
        char path[128];
        text_format(path, sizeof(path), "%s%s", c->d->path, suffixes[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        size_t len = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);

        assert_true(len > 0);
        assert_null(memmem(bytes, len, "PRIVATE KEY", 11));
        assert_null(memmem(bytes, len, c->first.token.text, TOKEN_TEXT_BYTES));
        assert_null(memmem(bytes, len, "long enough", 11));
    }
}

static void a_deeper_hostname_is_signed_in_the_same_change(void **state)
{
    struct change_dir *c = *state;
    struct store_conn *conn = NULL;
    struct store_certificate_list list;
    struct arena arena;
    struct id zone_id, record_id;
    arena_init(&arena, NULL);
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    uint64_t before = c->revision;
    struct change_record_spec shallow = record_spec("A", "www.example.com", "8.8.8.8");
    assert_int_equal(make_record(c, &zone_id, &shallow, &record_id), ERR_OK);
    assert_int_equal(walk_feed(c, before).certificates, 0);

    struct change_record_spec deep = record_spec("A", "a.b.example.com", "8.8.8.8");
    assert_int_equal(make_record(c, &zone_id, &deep, &record_id), ERR_OK);

    assert_int_equal(walk_feed(c, before).certificates, 1);
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_certificate_list(conn, &ALL, &zone_id, &arena, &list), ERR_OK);
    store_read_end(&conn);
    assert_int_equal(list.count, 1);
    assert_true(list.rows[0].local);
    assert_true(span_equal(list.rows[0].names, SPAN("example.com *.example.com a.b.example.com")));
    arena_release(&arena);
}

static void a_local_certificate_that_ends_soon_is_renewed(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    uint64_t before = c->revision;

    assert_int_equal(change_certificates_renew(&c->door), ERR_OK);
    assert_int_equal(walk_feed(c, before).certificates, 0);
    clock_test_set(1, clock_wall_us() + (uint64_t)810 * 86400 * 1000000);
    enum err err = change_certificates_renew(&c->door);
    clock_test_release();

    assert_int_equal(err, ERR_OK);
    assert_int_equal(walk_feed(c, before).certificates, 1);
}

static void a_setting_change_is_quick(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    uint64_t start_us = clock_mono_us();

    for (size_t i = 0; i < 50; i++)
        assert_int_equal(set_word(c, &zone_id, "origin_max_http_version", i % 2 ? "1" : "2"),
                         ERR_OK);

    print_message("a setting change took %lu us\n",
                  (unsigned long)((clock_mono_us() - start_us) / 50));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGE_TEST(bootstrap_makes_a_user_whose_token_is_found),
        CHANGE_TEST(a_second_bootstrap_changes_nothing),
        CHANGE_TEST(short_passwords_and_bad_emails_are_refused),
        CHANGE_TEST(a_new_zone_has_a_document_and_a_local_certificate),
        CHANGE_TEST(a_change_without_audit_is_refused),
        CHANGE_TEST(an_abandoned_change_leaves_nothing),
        CHANGE_TEST(revisions_follow_each_other_and_chain),
        CHANGE_TEST(the_feed_tells_what_changed_since),
        CHANGE_TEST(a_deleted_zone_leaves_a_tombstone),
        CHANGE_TEST(the_feed_stays_at_its_point_while_changes_go_on),
        CHANGE_TEST(the_audit_chain_holds_and_shows_tampering),
        CHANGE_TEST(no_secret_is_in_the_store_or_its_log_in_clear),
        CHANGE_TEST(a_deeper_hostname_is_signed_in_the_same_change),
        CHANGE_TEST(a_local_certificate_that_ends_soon_is_renewed),
        CHANGE_TEST(a_setting_change_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
