/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_feed.c - documents, certificates and revisions made by hand.
 */
#include "tests/unit/support/zone_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"

void zone_feed_open(struct zone_feed *feed)
{
    struct problem problem = {.text = ""};
    bool replaced;
    *feed = (struct zone_feed){.dir = "/tmp/zone-feed-XXXXXX"};
    assert_non_null(mkdtemp(feed->dir));
    snprintf(feed->replica_path, sizeof(feed->replica_path), "%s/replica.db", feed->dir);
    snprintf(feed->key_path, sizeof(feed->key_path), "%s/edge.key", feed->dir);
    assert_int_equal(seal_key_load(feed->key_path, true, &feed->key, &problem), ERR_OK);
    if (replica_open(feed->replica_path, &feed->key, &feed->replica, &replaced, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    assert_false(replaced);
}

bool zone_feed_reopen(struct zone_feed *feed)
{
    struct problem problem = {.text = ""};
    bool replaced;
    replica_close(&feed->replica);
    if (replica_open(feed->replica_path, &feed->key, &feed->replica, &replaced, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    return replaced;
}

void zone_feed_close(struct zone_feed *feed)
{
    char command[128];
    replica_close(&feed->replica);
    snprintf(command, sizeof(command), "rm -rf '%s'", feed->dir);
    assert_int_equal(system(command), 0);
}

struct id zone_feed_id(unsigned number)
{
    struct id id;
    snprintf(id.text, sizeof(id.text), "%032x", number);
    return id;
}

void zone_recipe_encode(const struct zone_recipe *recipe, struct buf *out)
{
    struct zone_origin origin = {.address = SPAN("192.0.2.1")};
    struct zone_hostname hostnames[4];
    struct id certificate = zone_feed_id(recipe->certificate);
    struct zone_document document = {
        .zone_id = zone_feed_id(recipe->zone),
        .account_id = zone_feed_id(1),
        .name = span_str(recipe->name),
        .paused = recipe->paused,
        .certificates = &certificate,
        .certificate_count = recipe->certificate != 0,
        .hostnames = hostnames,
    };
    for (size_t i = 0; i < SETTING_COUNT; i++)
        document.settings[i] = setting_default((enum setting_id)i, PLAN_FREE);
    document.settings[SETTING_ssl].number = recipe->ssl;
    document.settings[SETTING_origin_max_http_version].number =
        recipe->h2 ? ORIGIN_HTTP_2 : ORIGIN_HTTP_1;
    while (document.hostname_count < 4 && recipe->hostnames[document.hostname_count] != NULL) {
        hostnames[document.hostname_count] = (struct zone_hostname){
            .name = span_str(recipe->hostnames[document.hostname_count]),
            .origins = &origin,
            .origin_count = 1,
        };
        document.hostname_count++;
    }
    zone_document_encode(&document, out);
}

struct message zone_recipe_message(const struct zone_recipe *recipe, struct buf *body)
{
    struct message message = {.kind = MESSAGE_DOCUMENT};
    zone_recipe_encode(recipe, body);
    message.document = (struct message_document){
        .zone_id = zone_feed_id(recipe->zone),
        .revision = recipe->revision,
        .digest = digest_of(buf_span(body)),
        .body = buf_span(body),
    };
    return message;
}

void zone_feed_begin(struct zone_feed *feed, uint64_t revision, bool full)
{
    const struct message_begin begin = {
        .epoch = zone_feed_id(7), .revision = revision, .full = full};
    assert_int_equal(replica_begin(feed->replica, &begin), ERR_OK);
}

enum err zone_feed_put(struct zone_feed *feed, const struct zone_recipe *recipe)
{
    struct zone_document *document = NULL;
    struct problem problem = {.text = ""};
    struct buf body;
    buf_init(&body, LIMIT_DOCUMENT_BYTES);
    struct message message = zone_recipe_message(recipe, &body);
    if (zone_document_decode(buf_span(&body), recipe->revision, &document, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    enum err err = replica_put_document(feed->replica, &message.document, document, &problem);
    if (err == ERR_OK)
        err = replica_drop_certificates(feed->replica, &message.document.zone_id);
    zone_document_unref(&document);
    buf_release(&body);
    return err;
}

void zone_feed_put_certificate(struct zone_feed *feed, unsigned certificate,
                               const struct zone_recipe *recipe)
{
    struct buf ca_chain, ca_key, chain, key;
    struct hostname names[2];
    struct hostname covered[CERTIFICATE_NAMES_MAX];
    struct certificate_facts facts;
    struct problem problem = {.text = ""};
    buf_init(&ca_chain, 8192);
    buf_init(&ca_key, 8192);
    buf_init(&chain, 8192);
    buf_init(&key, 8192);
    names[0].len = (size_t)snprintf(names[0].text, sizeof(names[0].text), "%s", recipe->name);
    names[1].len = (size_t)snprintf(names[1].text, sizeof(names[1].text), "*.%s", recipe->name);
    assert_int_equal(certificate_make_ca("test", clock_wall_s(), &ca_chain, &ca_key), ERR_OK);
    const struct certificate_authority ca = {buf_span(&ca_chain), buf_span(&ca_key)};
    assert_int_equal(certificate_sign(&ca, names, 2, clock_wall_s(), &chain, &key), ERR_OK);
    assert_int_equal(
        certificate_inspect(buf_span(&chain), buf_span(&key), 0, covered, &facts, &problem),
        ERR_OK);
    const struct message_certificate message = {
        .certificate_id = zone_feed_id(certificate),
        .zone_id = zone_feed_id(recipe->zone),
        .revision = recipe->revision,
        .chain_pem = buf_span(&chain),
        .key_pem = buf_span(&key),
    };
    assert_int_equal(replica_put_certificate(feed->replica, &message, &facts), ERR_OK);
    buf_release(&ca_chain);
    buf_release(&ca_key);
    buf_release(&chain);
    buf_release(&key);
}

void zone_feed_put_tombstone(struct zone_feed *feed, unsigned zone, uint64_t revision)
{
    const struct message_tombstone message = {.zone_id = zone_feed_id(zone), .revision = revision};
    assert_int_equal(replica_put_tombstone(feed->replica, &message), ERR_OK);
}

void zone_feed_commit(struct zone_feed *feed, uint64_t revision)
{
    const struct message_commit commit = {.revision = revision, .chain = digest_of(SPAN("chain"))};
    assert_int_equal(replica_commit(feed->replica, &commit), ERR_OK);
}

void zone_feed_apply(struct zone_feed *feed, const struct zone_recipe *recipe)
{
    zone_feed_begin(feed, recipe->revision, recipe->revision == 1);
    assert_int_equal(zone_feed_put(feed, recipe), ERR_OK);
    zone_feed_commit(feed, recipe->revision);
}
