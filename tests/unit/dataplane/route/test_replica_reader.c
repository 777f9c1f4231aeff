/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replica_reader.c - a worker reads what the supervisor wrote, and notices rot.
 */
#include "dataplane/route/replica_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/support/zone_feed.h"

struct rig {
    struct zone_feed feed;
    struct replica_reader *reader;
};

static const struct zone_recipe shop = {.zone = 1,
                                        .name = "shop.test",
                                        .hostnames = {"shop.test", "*.shop.test"},
                                        .certificate = 50,
                                        .revision = 1};

static int open_rig(void **state)
{
    static struct rig rig;
    struct problem problem;
    zone_feed_open(&rig.feed);
    zone_feed_begin(&rig.feed, 1, true);
    zone_feed_put_certificate(&rig.feed, 50, &shop);
    assert_int_equal(zone_feed_put(&rig.feed, &shop), ERR_OK);
    zone_feed_commit(&rig.feed, 1);
    assert_int_equal(replica_reader_open(rig.feed.replica_path, &rig.reader, &problem), ERR_OK);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    replica_reader_close(&rig->reader);
    zone_feed_close(&rig->feed);
    return 0;
}

static void a_missing_file_is_not_found(void **state)
{
    (void)state;
    struct replica_reader *reader;
    struct problem problem;
    assert_int_equal(replica_reader_open("/nonexistent/replica.db", &reader, &problem),
                     ERR_NOT_FOUND);
}

static void names_lead_to_their_zone(void **state)
{
    struct rig *rig = *state;
    struct id id;
    assert_int_equal(replica_reader_zone(rig->reader, SPAN("shop.test"), &id), ERR_OK);
    assert_true(id_equal(id, zone_feed_id(1)));
    assert_int_equal(replica_reader_zone(rig->reader, SPAN("a.shop.test"), &id), ERR_OK);
    assert_int_equal(replica_reader_zone(rig->reader, SPAN("a.b.shop.test"), &id),
                     ERR_HOST_UNKNOWN);
    assert_int_equal(replica_reader_zone(rig->reader, SPAN("test"), &id), ERR_HOST_UNKNOWN);
}

static void a_document_comes_back_with_its_revision(void **state)
{
    struct rig *rig = *state;
    struct zone_document *document;
    struct id id = zone_feed_id(1), other = zone_feed_id(2);

    assert_int_equal(replica_reader_document(rig->reader, &id, &document), ERR_OK);

    assert_int_equal(document->revision, 1);
    assert_true(span_equal(document->name, SPAN("shop.test")));
    zone_document_unref(&document);
    assert_int_equal(replica_reader_document(rig->reader, &other, &document), ERR_NOT_FOUND);
}

static void a_later_revision_is_seen_at_once(void **state)
{
    struct rig *rig = *state;
    struct id id;
    assert_int_equal(replica_reader_zone(rig->reader, SPAN("new.test"), &id), ERR_HOST_UNKNOWN);

    zone_feed_apply(&rig->feed,
                    &(struct zone_recipe){
                        .zone = 2, .name = "new.test", .hostnames = {"new.test"}, .revision = 2});
    assert_int_equal(replica_reader_zone(rig->reader, SPAN("new.test"), &id), ERR_OK);

    zone_feed_begin(&rig->feed, 3, true);
    zone_feed_commit(&rig->feed, 3);
    assert_int_equal(replica_reader_zone(rig->reader, SPAN("new.test"), &id), ERR_HOST_UNKNOWN);
    assert_true(replica_reader_current(rig->reader));
}

static void a_certificate_comes_with_its_names_and_a_sealed_key(void **state)
{
    struct rig *rig = *state;
    struct id id = zone_feed_id(50), other = zone_feed_id(51);
    struct buf names;
    struct replica_certificate row;
    buf_init(&names, 4096);
    buf_init(&row.chain_pem, LIMIT_CERTIFICATE_BYTES);
    buf_init(&row.key_sealed, LIMIT_PRIVATE_KEY_BYTES);

    assert_int_equal(replica_reader_names(rig->reader, &id, &names), ERR_OK);
    assert_int_equal(replica_reader_certificate(rig->reader, &id, &row), ERR_OK);

    assert_string_equal(buf_cstr(&names), "shop.test\n*.shop.test\n");
    assert_true(id_equal(row.zone_id, zone_feed_id(1)));
    assert_non_null(strstr(buf_cstr(&row.chain_pem), "BEGIN CERTIFICATE"));
    assert_null(memmem(row.key_sealed.ptr, row.key_sealed.len, "PRIVATE KEY", 11));
    assert_int_equal(replica_reader_names(rig->reader, &other, &names), ERR_NOT_FOUND);
    buf_release(&names);
    buf_release(&row.chain_pem);
    buf_release(&row.key_sealed);
}

static void a_document_that_rotted_is_corrupt(void **state)
{
    struct rig *rig = *state;
    struct zone_document *document;
    struct id id = zone_feed_id(1);
    char command[256];
    snprintf(
        command, sizeof(command),
        "sqlite3 %s \"UPDATE documents SET body = CAST(replace(body, 'shop', 'chop') AS BLOB)\"",
        rig->feed.replica_path);
    assert_int_equal(system(command), 0);

    assert_int_equal(replica_reader_document(rig->reader, &id, &document), ERR_CORRUPT);
}

#define IN_A_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_not_found),
        IN_A_RIG(names_lead_to_their_zone),
        IN_A_RIG(a_document_comes_back_with_its_revision),
        IN_A_RIG(a_later_revision_is_seen_at_once),
        IN_A_RIG(a_certificate_comes_with_its_names_and_a_sealed_key),
        IN_A_RIG(a_document_that_rotted_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
