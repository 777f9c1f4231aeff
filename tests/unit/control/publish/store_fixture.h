/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_fixture.h - a real store in a directory of its own, with documents put there by hand.
 */
#ifndef TRUNKLINE_TESTS_UNIT_CONTROL_PUBLISH_STORE_FIXTURE_H
#define TRUNKLINE_TESTS_UNIT_CONTROL_PUBLISH_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/text.h"
#include "control/store/store_documents.h"
#include "control/store/store_feed.h"

struct store_fixture {
    char directory[64];
    char path[96];
    struct store *store;
};

static inline void fixture_open(struct store_fixture *fixture)
{
    text_format(fixture->directory, sizeof(fixture->directory), "/tmp/trunkline-unit-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    text_format(fixture->path, sizeof(fixture->path), "%s/store.db", fixture->directory);
    const struct store_options options = {.path = fixture->path};
    struct problem problem = {0};
    if (store_open(&options, &fixture->store, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
}

static inline void fixture_close(struct store_fixture *fixture)
{
    store_close(&fixture->store);
    char command[128];
    text_format(command, sizeof(command), "rm -rf '%s'", fixture->directory);
    assert_int_equal(system(command), 0);
}

/* One revision that gives the zone this body; an empty one is a tombstone. */
static inline uint64_t fixture_put(struct store_fixture *fixture, struct id zone_id,
                                   struct span body)
{
    struct store_conn *conn;
    struct store_document document = {
        .zone_id = zone_id, .digest = digest_of(body), .body = body, .deleted = body.len == 0};
    assert_int_equal(store_write_begin(fixture->store, &conn), ERR_OK);
    assert_int_equal(store_revision_take(conn, &document.digest, &document.revision), ERR_OK);
    assert_int_equal(store_document_put(conn, &document), ERR_OK);
    assert_int_equal(store_write_commit(&conn), ERR_OK);
    return document.revision;
}

#endif
