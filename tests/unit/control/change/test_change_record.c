/* SPDX-License-Identifier: Apache-2.0 */
/* test_change_record.c - records checked, overlaid, excluded, and seen in the document. */
#include "tests/unit/control/change/change_dir.h"

#include "common/model/zone_document.h"
#include "control/store/store_documents.h"
#include "control/store/store_records.h"

static struct id example_zone(struct change_dir *c)
{
    struct id zone_id;
    assert_int_equal(make_zone(c, &c->owner, "example.com", &zone_id), ERR_OK);
    return zone_id;
}

static void assert_refused(struct change_dir *c, const struct id *zone_id,
                           const struct change_record_spec *spec, const char *path)
{
    struct id made;
    enum err err = make_record(c, zone_id, spec, &made);
    assert_true(err == ERR_INVALID || err == ERR_ORIGIN_ADDRESS);
    assert_string_equal(c->problem.path, path);
}

static void proxied_records_are_the_origins_of_the_document(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id = example_zone(c), record_id;
    struct change_record_spec apex = record_spec("A", "@", "8.8.8.8");
    struct change_record_spec second = record_spec("A", "EXAMPLE.com.", "8.8.4.4");
    struct change_record_spec plain = record_spec("A", "mail.example.com", "8.8.8.8");
    struct change_record_spec star = record_spec("CNAME", "*.example.com", "Origin.example.net");
    struct store_document row;
    struct zone_document *document = NULL;
    struct store_conn *conn = NULL;
    struct problem problem;
    struct arena arena;
    arena_init(&arena, NULL);
    second.origin_port = 8443;
    second.origin_port_given = true;
    second.origin_host_header = SPAN("Inner.Example.net:8080");
    second.origin_host_header_given = true;
    second.origin_sni = SPAN("inner.example.net");
    second.origin_sni_given = true;
    plain.proxied = false;

    assert_int_equal(make_record(c, &zone_id, &apex, &record_id), ERR_OK);
    assert_int_equal(make_record(c, &zone_id, &second, &record_id), ERR_OK);
    assert_int_equal(make_record(c, &zone_id, &plain, &record_id), ERR_OK);
    assert_int_equal(make_record(c, &zone_id, &star, &record_id), ERR_OK);

    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_document_get(conn, &zone_id, &arena, &row), ERR_OK);
    store_read_end(&conn);
    assert_int_equal(zone_document_decode(row.body, row.revision, &document, &problem), ERR_OK);
    assert_int_equal(document->hostname_count, 2);
    const struct zone_hostname *host = zone_document_match(document, SPAN("example.com"));
    assert_int_equal(host->origin_count, 2);
    assert_true(span_equal(host->origins[0].address, SPAN("8.8.4.4")));
    assert_int_equal(host->origins[0].port, 8443);
    assert_true(span_equal(host->origins[0].host_header, SPAN("inner.example.net:8080")));
    host = zone_document_match(document, SPAN("mail.example.com"));
    assert_true(span_equal(host->origins[0].address, SPAN("origin.example.net")));
    zone_document_unref(&document);
    arena_release(&arena);
}

static void wrong_members_are_named(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id = example_zone(c);
    struct change_record_spec spec = record_spec("WKS", "@", "8.8.8.8");
    assert_refused(c, &zone_id, &spec, "type");
    spec = record_spec("A", "w w", "8.8.8.8");
    assert_refused(c, &zone_id, &spec, "name");
    spec = record_spec("A", "@", "8.8.8.256");
    assert_refused(c, &zone_id, &spec, "content");
    spec = record_spec("A", "@", "127.0.0.1");
    assert_refused(c, &zone_id, &spec, "content");
    spec = record_spec("TXT", "@", "text");
    assert_refused(c, &zone_id, &spec, "proxied");
    spec = record_spec("MX", "@", "mail.example.com");
    spec.proxied = false;
    assert_refused(c, &zone_id, &spec, "priority");
    spec = record_spec("A", "@", "8.8.8.8");
    spec.ttl_s = 5;
    spec.ttl_given = true;
    assert_refused(c, &zone_id, &spec, "ttl");
    spec = record_spec("A", "@", "8.8.8.8");
    spec.origin_port = 6379;
    spec.origin_port_given = true;
    assert_refused(c, &zone_id, &spec, "origin_port");
    spec = record_spec("A", "@", "8.8.8.8");
    spec.origin_sni = SPAN("no name");
    spec.origin_sni_given = true;
    assert_refused(c, &zone_id, &spec, "origin_sni");
    spec.origin_sni_given = false;
    spec.origin_host_header = SPAN("a.example:70000");
    spec.origin_host_header_given = true;
    assert_refused(c, &zone_id, &spec, "origin_host_header");
    spec = record_spec("A", "@", "8.8.8.8");
    spec.content_given = false;
    assert_refused(c, &zone_id, &spec, "content");
}

static void a_name_outside_the_zone_is_relative_to_it(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id = example_zone(c), record_id;
    struct change_record_spec spec = record_spec("A", "www", "8.8.8.8");
    struct store_record record;
    struct store_conn *conn = NULL;
    struct arena arena;
    arena_init(&arena, NULL);

    assert_int_equal(make_record(c, &zone_id, &spec, &record_id), ERR_OK);

    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_record_get(conn, &c->owner.scope, &zone_id, &record_id, &arena, &record),
                     ERR_OK);
    store_read_end(&conn);
    assert_true(span_equal(record.name, SPAN("www.example.com")));
    arena_release(&arena);
}

static void an_allowed_range_may_be_an_origin(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id = example_zone(c), record_id;
    struct change_record_spec spec = record_spec("A", "@", "127.0.0.1");
    assert_int_equal(address_ranges_add(&c->door.addresses.allowed, SPAN("127.0.0.0/8")), ERR_OK);

    assert_int_equal(make_record(c, &zone_id, &spec, &record_id), ERR_OK);
}

static void identical_records_and_mixed_cnames_are_refused(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id = example_zone(c), record_id;
    struct change_record_spec address = record_spec("A", "www.example.com", "8.8.8.8");
    struct change_record_spec cname = record_spec("CNAME", "www.example.com", "o.example.net");
    struct change_record_spec text = record_spec("TXT", "www.example.com", "hello");
    text.proxied = false;
    assert_int_equal(make_record(c, &zone_id, &address, &record_id), ERR_OK);

    assert_int_equal(make_record(c, &zone_id, &address, &record_id), ERR_EXISTS);
    assert_int_equal(make_record(c, &zone_id, &cname, &record_id), ERR_CONFLICT);
    assert_string_equal(c->problem.path, "type");
    assert_int_equal(make_record(c, &zone_id, &text, &record_id), ERR_OK);
}

static void patch_keeps_what_was_not_given_and_put_does_not(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id = example_zone(c), record_id;
    struct change_record_spec spec = record_spec("A", "www.example.com", "8.8.8.8");
    const struct change_record_spec patch = {.content = SPAN("8.8.4.4"), .content_given = true};
    struct store_record record;
    struct store_conn *conn = NULL;
    struct arena arena;
    arena_init(&arena, NULL);
    spec.comment = SPAN("main");
    spec.comment_given = true;
    assert_int_equal(make_record(c, &zone_id, &spec, &record_id), ERR_OK);

    struct change *change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_record_patch(change, &zone_id, &record_id, &patch, &c->problem)),
        ERR_OK);
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_record_get(conn, &c->owner.scope, &zone_id, &record_id, &arena, &record),
                     ERR_OK);
    store_read_end(&conn);
    assert_true(record.proxied);
    assert_true(span_equal(record.content, SPAN("8.8.4.4")));
    assert_true(span_equal(record.comment, SPAN("main")));

    spec.proxied_given = spec.proxied = spec.comment_given = false;
    change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_record_put(change, &zone_id, &record_id, &spec, &c->problem)),
        ERR_OK);
    assert_int_equal(store_read_begin(c->d->store, &conn), ERR_OK);
    assert_int_equal(store_record_get(conn, &c->owner.scope, &zone_id, &record_id, &arena, &record),
                     ERR_OK);
    store_read_end(&conn);
    assert_false(record.proxied);
    assert_int_equal(record.comment.len, 0);
    arena_release(&arena);
}

static void a_deleted_record_is_gone(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id = example_zone(c), record_id;
    struct change_record_spec spec = record_spec("A", "www.example.com", "8.8.8.8");
    assert_int_equal(make_record(c, &zone_id, &spec, &record_id), ERR_OK);

    struct change *change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_record_delete(change, &zone_id, &record_id, &c->problem)), ERR_OK);
    change = begin(c, &c->owner);
    assert_int_equal(
        end(c, change, change_record_delete(change, &zone_id, &record_id, &c->problem)),
        ERR_NOT_FOUND);
}

static void more_origins_than_a_hostname_may_have_are_refused_whole(void **state)
{
    struct change_dir *c = *state;
    struct id zone_id = example_zone(c), record_id;
    enum err err = ERR_OK;
    size_t made = 0;
    for (; err == ERR_OK && made <= LIMIT_HOSTNAME_ORIGINS; made += err == ERR_OK ? 1 : 0) {
        char content[32];
        text_format(content, sizeof(content), "8.8.8.%zu", made);
        struct change_record_spec spec = record_spec("A", "www.example.com", content);
        err = make_record(c, &zone_id, &spec, &record_id);
    }

    assert_int_equal(err, ERR_LIMIT);
    assert_int_equal(made, LIMIT_HOSTNAME_ORIGINS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGE_TEST(proxied_records_are_the_origins_of_the_document),
        CHANGE_TEST(wrong_members_are_named),
        CHANGE_TEST(a_name_outside_the_zone_is_relative_to_it),
        CHANGE_TEST(an_allowed_range_may_be_an_origin),
        CHANGE_TEST(identical_records_and_mixed_cnames_are_refused),
        CHANGE_TEST(patch_keeps_what_was_not_given_and_put_does_not),
        CHANGE_TEST(a_deleted_record_is_gone),
        CHANGE_TEST(more_origins_than_a_hostname_may_have_are_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
