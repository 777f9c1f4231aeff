/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_router.c - a thousand zones in a real replica: found, forgotten, found anew.
 */
#include "dataplane/route/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "tests/unit/support/zone_feed.h"

#define ZONES 1000

struct rig {
    struct zone_feed feed;
    struct router *router;
};

static void zone_name(unsigned zone, char out[32])
{
    snprintf(out, 32, "z%u.test", zone);
}

static void write_zones(struct zone_feed *feed, unsigned count)
{
    char name[32], www[40];
    zone_feed_begin(feed, 1, true);
    for (unsigned zone = 1; zone <= count; zone++) {
        zone_name(zone, name);
        snprintf(www, sizeof(www), "*.%s", name);
        const struct zone_recipe recipe = {.zone = zone,
                                           .name = name,
                                           .hostnames = {name, www},
                                           .revision = 1,
                                           .ssl = SSL_FULL,
                                           .h2 = true};
        assert_int_equal(zone_feed_put(feed, &recipe), ERR_OK);
    }
    zone_feed_commit(feed, 1);
}

static struct router *open_router(const struct zone_feed *feed)
{
    const struct router_options options = {
        .replica_path = feed->replica_path,
        .edge_key = &feed->key,
    };
    struct router *router = NULL;
    struct problem problem = {.text = ""};
    if (router_open(&options, &router, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    return router;
}

static int open_rig(void **state)
{
    static struct rig rig;
    zone_feed_open(&rig.feed);
    write_zones(&rig.feed, ZONES);
    rig.router = open_router(&rig.feed);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    router_close(&rig->router);
    zone_feed_close(&rig->feed);
    return 0;
}

static enum err match(struct router *router, const char *host, struct id *zone_out)
{
    struct route route;
    enum err err = router_match(router, span_str(host), &route);
    if (err == ERR_OK) {
        *zone_out = route.document->zone_id;
        zone_document_unref(&route.document);
    }
    return err;
}

static void every_zone_is_found_twice(void **state)
{
    struct rig *rig = *state;
    char host[40], name[32];
    struct id id;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned zone = 1; zone <= ZONES; zone++) {
            zone_name(zone, name);
            snprintf(host, sizeof(host), "%s%s", zone % 2 ? "www." : "", name);
            assert_int_equal(match(rig->router, host, &id), ERR_OK);
            assert_true(id_equal(id, zone_feed_id(zone)));
        }
    }
}

static void what_nobody_has_is_unknown(void **state)
{
    struct rig *rig = *state;
    static const char *const hosts[] = {"",         "test",    "z0.test", "a.b.z1.test",
                                        "z1.test.", "*.z1.tes"};
    struct id id;
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < countof(hosts); i++)
            assert_int_equal(match(rig->router, hosts[i], &id), ERR_HOST_UNKNOWN);
    }
}

static void a_change_is_followed_once_the_zone_is_forgotten(void **state)
{
    struct rig *rig = *state;
    struct id id = zone_feed_id(7), found;
    struct route before, after;
    assert_int_equal(router_match(rig->router, SPAN("z7.test"), &before), ERR_OK);

    zone_feed_apply(&rig->feed, &(struct zone_recipe){.zone = 7,
                                                      .name = "z7.test",
                                                      .hostnames = {"z7.test", "b.z7.test"},
                                                      .revision = 2,
                                                      .ssl = SSL_STRICT});
    router_forget(rig->router, id_span(&id), 1);

    assert_int_equal(router_match(rig->router, SPAN("z7.test"), &after), ERR_OK);
    assert_int_equal(before.document->revision, 1);
    assert_int_equal(after.document->revision, 2);
    assert_int_equal(match(rig->router, "www.z7.test", &found), ERR_HOST_UNKNOWN);
    zone_document_unref(&before.document);
    zone_document_unref(&after.document);
}

static void a_name_that_was_absent_appears(void **state)
{
    struct rig *rig = *state;
    struct id id = zone_feed_id(2000), found;
    assert_int_equal(match(rig->router, "new.test", &found), ERR_HOST_UNKNOWN);

    zone_feed_apply(&rig->feed, &(struct zone_recipe){.zone = 2000,
                                                      .name = "new.test",
                                                      .hostnames = {"new.test"},
                                                      .revision = 2});
    assert_int_equal(match(rig->router, "new.test", &found), ERR_HOST_UNKNOWN);
    router_forget(rig->router, id_span(&id), 1);

    assert_int_equal(match(rig->router, "new.test", &found), ERR_OK);
    assert_true(id_equal(found, id));
}

static void a_new_replica_is_opened_on_forget_all(void **state)
{
    struct rig *rig = *state;
    struct problem problem;
    struct id id;
    assert_int_equal(match(rig->router, "z1.test", &id), ERR_OK);

    assert_int_equal(replica_replace(&rig->feed.replica, &problem), ERR_OK);
    zone_feed_apply(&rig->feed,
                    &(struct zone_recipe){
                        .zone = 5, .name = "only.test", .hostnames = {"only.test"}, .revision = 1});
    router_forget_all(rig->router);

    assert_int_equal(match(rig->router, "z1.test", &id), ERR_HOST_UNKNOWN);
    assert_int_equal(match(rig->router, "only.test", &id), ERR_OK);
}

static void a_router_without_a_replica_knows_nobody(void **state)
{
    struct rig *rig = *state;
    const struct router_options options = {
        .replica_path = "/nonexistent/replica.db",
        .edge_key = &rig->feed.key,
    };
    struct router *router;
    struct problem problem;
    struct id id;
    struct visitor_tls tls;

    assert_int_equal(router_open(&options, &router, &problem), ERR_OK);

    assert_int_equal(match(router, "z1.test", &id), ERR_HOST_UNKNOWN);
    assert_int_equal(router_visitor_tls(router, SPAN("z1.test"), &tls), ERR_HOST_UNKNOWN);
    router_close(&router);
}

static void the_first_certificate_that_covers_the_host_is_used(void **state)
{
    struct rig *rig = *state;
    const struct zone_recipe secure = {.zone = 7,
                                       .name = "z7.test",
                                       .hostnames = {"z7.test", "a.z7.test", "a.b.z7.test"},
                                       .certificate = 5000,
                                       .revision = 2};
    struct id zone = zone_feed_id(7);
    struct visitor_tls tls;
    struct buf chain, key;
    buf_init(&chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&key, LIMIT_PRIVATE_KEY_BYTES);
    assert_int_equal(router_visitor_tls(rig->router, SPAN("z7.test"), &tls), ERR_HOST_UNKNOWN);

    zone_feed_begin(&rig->feed, 2, false);
    zone_feed_put_certificate(&rig->feed, 5000, &secure);
    assert_int_equal(zone_feed_put(&rig->feed, &secure), ERR_OK);
    zone_feed_commit(&rig->feed, 2);
    router_forget(rig->router, id_span(&zone), 1);

    assert_int_equal(router_visitor_tls(rig->router, SPAN("a.z7.test"), &tls), ERR_OK);
    assert_true(id_equal(tls.certificate_id, zone_feed_id(5000)));
    assert_true(id_equal(tls.zone_id, zone));
    assert_true(tls.tls_1_2 && tls.tls_1_3 && tls.h2_offered);
    assert_int_equal(router_visitor_tls(rig->router, SPAN("a.b.z7.test"), &tls), ERR_HOST_UNKNOWN);
    assert_int_equal(router_visitor_tls(rig->router, SPAN("nobody.test"), &tls), ERR_HOST_UNKNOWN);
    assert_int_equal(router_visitor_certificate(rig->router, SPAN("z7.test"), &tls, &chain, &key),
                     ERR_OK);
    assert_non_null(strstr(buf_cstr(&chain), "BEGIN CERTIFICATE"));
    assert_non_null(strstr(buf_cstr(&key), "PRIVATE KEY"));
    buf_release(&chain);
    buf_release(&key);
}

/* The replica is ahead of what this router was told. */
static void a_certificate_that_is_gone_already_gives_way_to_the_next(void **state)
{
    struct rig *rig = *state;
    struct zone_recipe secure = {
        .zone = 7, .name = "z7.test", .hostnames = {"z7.test"}, .certificate = 5000, .revision = 2};
    struct visitor_tls tls;
    struct buf chain, key;
    buf_init(&chain, LIMIT_CERTIFICATE_BYTES);
    buf_init(&key, LIMIT_PRIVATE_KEY_BYTES);
    zone_feed_begin(&rig->feed, 2, false);
    zone_feed_put_certificate(&rig->feed, 5000, &secure);
    assert_int_equal(zone_feed_put(&rig->feed, &secure), ERR_OK);
    zone_feed_commit(&rig->feed, 2);
    router_forget_all(rig->router);
    assert_int_equal(router_visitor_tls(rig->router, SPAN("z7.test"), &tls), ERR_OK);
    assert_true(id_equal(tls.certificate_id, zone_feed_id(5000)));

    secure.certificate = 5001;
    secure.revision = 3;
    zone_feed_begin(&rig->feed, 3, false);
    zone_feed_put_certificate(&rig->feed, 5001, &secure);
    assert_int_equal(zone_feed_put(&rig->feed, &secure), ERR_OK);
    zone_feed_commit(&rig->feed, 3);

    assert_int_equal(router_visitor_certificate(rig->router, SPAN("z7.test"), &tls, &chain, &key),
                     ERR_OK);
    assert_true(id_equal(tls.certificate_id, zone_feed_id(5001)));
    assert_non_null(strstr(buf_cstr(&key), "PRIVATE KEY"));
    buf_release(&chain);
    buf_release(&key);
}

static void put_origin_ca(struct rig *rig, uint64_t revision, struct span pem)
{
    const struct message_certificate ca = {
        .certificate_id = zone_feed_id(9000 + (unsigned)revision), .chain_pem = pem};
    struct replica_changes changes;
    zone_feed_begin(&rig->feed, revision, false);
    assert_int_equal(replica_put_origin_ca(rig->feed.replica, &ca), ERR_OK);
    replica_changes(rig->feed.replica, &changes);
    assert_true(changes.all);
    zone_feed_commit(&rig->feed, revision);
}

static void the_origin_ca_is_the_one_that_came_last(void **state)
{
    struct rig *rig = *state;
    struct buf pem;
    buf_init(&pem, LIMIT_CERTIFICATE_BYTES);
    assert_int_equal(router_origin_ca(rig->router, &pem), ERR_NOT_FOUND);

    put_origin_ca(rig, 2, SPAN("first"));
    put_origin_ca(rig, 3, SPAN("second"));

    assert_int_equal(router_origin_ca(rig->router, &pem), ERR_OK);
    assert_string_equal(buf_cstr(&pem), "second");
    struct route route;
    assert_int_equal(router_match(rig->router, SPAN("z1.test"), &route), ERR_OK);
    zone_document_unref(&route.document);
    buf_release(&pem);
}

/* ---- how an origin is spoken to */

static struct origin origin_with(enum ssl_mode ssl, bool h2, bool paused)
{
    static struct zone_origin zone_origin;
    static struct zone_hostname hostname;
    static struct zone_document document;
    struct origin origin;
    zone_origin = (struct zone_origin){.address = SPAN("192.0.2.1")};
    hostname = (struct zone_hostname){.origins = &zone_origin, .origin_count = 1};
    document = (struct zone_document){.zone_id = zone_feed_id(1), .paused = paused};
    document.settings[SETTING_ssl].number = ssl;
    document.settings[SETTING_origin_max_http_version].number = h2 ? ORIGIN_HTTP_2 : ORIGIN_HTTP_1;
    const struct route route = {&document, &hostname};
    route_origin(&route, 0, SPAN("www.shop.test"), &origin);
    return origin;
}

static void ssl_decides_tls_and_port(void **state)
{
    (void)state;
    static const struct {
        enum ssl_mode ssl;
        enum origin_tls tls;
        uint16_t port;
    } rows[] = {
        {SSL_OFF, ORIGIN_TLS_NONE, 80},
        {SSL_FLEXIBLE, ORIGIN_TLS_NONE, 80},
        {SSL_FULL, ORIGIN_TLS_UNVERIFIED, 443},
        {SSL_STRICT, ORIGIN_TLS_VERIFIED, 443},
        {SSL_ORIGIN_PULL, ORIGIN_TLS_VERIFIED, 443},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct origin origin = origin_with(rows[i].ssl, true, false);
        assert_int_equal(origin.tls, rows[i].tls);
        assert_int_equal(origin.port, rows[i].port);
        assert_true(span_equal(origin.sni, SPAN("www.shop.test")));
        assert_int_equal(origin.policy, rows[i].tls == ORIGIN_TLS_NONE ? ORIGIN_PROTOCOL_H1
                                                                       : ORIGIN_PROTOCOL_AUTO);
    }
}

static void h2_is_offered_when_the_zone_wants_it_and_is_not_paused(void **state)
{
    (void)state;
    assert_int_equal(origin_with(SSL_FULL, true, false).policy, ORIGIN_PROTOCOL_AUTO);
    assert_int_equal(origin_with(SSL_FULL, false, false).policy, ORIGIN_PROTOCOL_H1);
    assert_int_equal(origin_with(SSL_FULL, true, true).policy, ORIGIN_PROTOCOL_H1);
}

/* By hand: ZONES=100000 build/debug/tests/unit/dataplane/route/test_router */
static void measure(unsigned count)
{
    struct zone_feed feed;
    char name[32];
    struct id id;
    zone_feed_open(&feed);
    uint64_t at_us = clock_mono_us();
    write_zones(&feed, count);
    printf("full copy of %u zones: %llu ms\n", count,
           (unsigned long long)(clock_mono_us() - at_us) / 1000);
    at_us = clock_mono_us();
    (void)zone_feed_reopen(&feed);
    printf("replica opened: %llu us\n", (unsigned long long)(clock_mono_us() - at_us));
    at_us = clock_mono_us();
    struct router *router = open_router(&feed);
    printf("router opened: %llu us\n", (unsigned long long)(clock_mono_us() - at_us));
    for (unsigned round = 0; round < 2; round++) {
        at_us = clock_mono_us();
        for (unsigned i = 0; i < 10000; i++) {
            zone_name(1 + (i * 7919) % count, name);
            (void)match(router, name, &id);
        }
        printf("10000 matches, %s: %llu us\n", round ? "remembered" : "from the replica",
               (unsigned long long)(clock_mono_us() - at_us));
    }
    at_us = clock_mono_us();
    zone_feed_apply(&feed,
                    &(struct zone_recipe){
                        .zone = 7, .name = "z7.test", .hostnames = {"z7.test"}, .revision = 2});
    printf("one change: %llu us\n", (unsigned long long)(clock_mono_us() - at_us));
    router_close(&router);
    zone_feed_close(&feed);
}

#define IN_A_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

static void the_first_client_certificate_is_shown_when_it_is_switched_on(void **state)
{
    (void)state;
    struct id ids[] = {zone_feed_id(61), zone_feed_id(62)};
    struct zone_origin zone_origin = {.address = SPAN("192.0.2.1")};
    struct zone_hostname hostname = {.origins = &zone_origin, .origin_count = 1};
    struct zone_document document = {.zone_id = zone_feed_id(1), .client_certificates = ids};
    const struct route route = {&document, &hostname};
    struct origin origin;
    document.client_certificate_count = 2;
    document.settings[SETTING_ssl].number = SSL_FULL;
    route_origin(&route, 0, SPAN("host.test"), &origin);
    assert_string_equal(origin.client_certificate.text, "");

    document.settings[SETTING_tls_client_auth].number = SWITCH_ON;
    route_origin(&route, 0, SPAN("host.test"), &origin);
    assert_string_equal(origin.client_certificate.text, ids[0].text);

    document.settings[SETTING_ssl].number = SSL_FLEXIBLE;
    route_origin(&route, 0, SPAN("host.test"), &origin);
    assert_string_equal(origin.client_certificate.text, "");

    document.settings[SETTING_ssl].number = SSL_STRICT;
    document.client_certificate_count = 0;
    route_origin(&route, 0, SPAN("host.test"), &origin);
    assert_string_equal(origin.client_certificate.text, "");
}

int main(void)
{
    const char *zones = getenv("ZONES");
    if (zones != NULL) {
        measure((unsigned)strtoul(zones, NULL, 10));
        return 0;
    }
    const struct CMUnitTest tests[] = {
        IN_A_RIG(every_zone_is_found_twice),
        IN_A_RIG(what_nobody_has_is_unknown),
        IN_A_RIG(a_change_is_followed_once_the_zone_is_forgotten),
        IN_A_RIG(a_name_that_was_absent_appears),
        IN_A_RIG(a_new_replica_is_opened_on_forget_all),
        IN_A_RIG(a_router_without_a_replica_knows_nobody),
        IN_A_RIG(the_first_certificate_that_covers_the_host_is_used),
        IN_A_RIG(a_certificate_that_is_gone_already_gives_way_to_the_next),
        IN_A_RIG(the_origin_ca_is_the_one_that_came_last),
        cmocka_unit_test(the_first_client_certificate_is_shown_when_it_is_switched_on),
        cmocka_unit_test(ssl_decides_tls_and_port),
        cmocka_unit_test(h2_is_offered_when_the_zone_wants_it_and_is_not_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
