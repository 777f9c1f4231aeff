/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zone_cache.c - what is remembered, for how long, and what a change makes forgotten.
 */
#include "dataplane/route/zone_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/support/zone_feed.h"

static struct zone_document *document_of(unsigned zone, const char *first, const char *second)
{
    const struct zone_recipe recipe = {.zone = zone, .name = "test", .hostnames = {first, second}};
    struct zone_document *document = NULL;
    struct problem problem = {.text = ""};
    struct buf body;
    buf_init(&body, LIMIT_DOCUMENT_BYTES);
    zone_recipe_encode(&recipe, &body);
    if (zone_document_decode(buf_span(&body), 1, &document, &problem) != ERR_OK)
        fail_msg("%s: %s", problem.path, problem.text);
    buf_release(&body);
    return document;
}

/* The cache keeps its own reference. */
static const struct cached_name *put(struct zone_cache *cache, unsigned zone, const char *host)
{
    struct zone_document *document = document_of(zone, host, NULL);
    const struct cached_name *name = zone_cache_put(cache, span_str(host), document);
    zone_document_unref(&document);
    return name;
}

static bool knows(struct zone_cache *cache, const char *host)
{
    return zone_cache_find(cache, span_str(host)) != NULL;
}

static void forget(struct zone_cache *cache, unsigned zone)
{
    struct id id = zone_feed_id(zone);
    zone_cache_forget(cache, id_span(&id), 1);
}

static void a_name_is_found_with_its_zone(void **state)
{
    (void)state;
    struct zone_cache cache;
    zone_cache_init(&cache, 10, 1 << 20);

    put(&cache, 1, "a.test");

    const struct cached_name *name = zone_cache_find(&cache, SPAN("a.test"));
    assert_non_null(name);
    assert_true(id_equal(name->zone->id, zone_feed_id(1)));
    assert_true(span_equal(name->hostname->name, SPAN("a.test")));
    assert_false(knows(&cache, "b.test"));
    zone_cache_release(&cache);
}

static void names_of_one_zone_share_its_document(void **state)
{
    (void)state;
    struct zone_cache cache;
    struct zone_document *document = document_of(1, "a.test", "*.a.test");
    zone_cache_init(&cache, 10, 1 << 20);

    const struct cached_name *exact = zone_cache_put(&cache, SPAN("a.test"), document);
    const struct cached_name *wild = zone_cache_put(&cache, SPAN("x.a.test"), document);

    assert_ptr_equal(exact->zone, wild->zone);
    assert_true(span_equal(wild->hostname->name, SPAN("*.a.test")));
    assert_int_equal(document->ref_count, 2);
    forget(&cache, 1);
    assert_int_equal(document->ref_count, 1);
    assert_false(knows(&cache, "a.test"));
    assert_false(knows(&cache, "x.a.test"));
    zone_document_unref(&document);
    zone_cache_release(&cache);
}

static void forgetting_one_zone_leaves_the_others(void **state)
{
    (void)state;
    struct zone_cache cache;
    zone_cache_init(&cache, 10, 1 << 20);
    put(&cache, 1, "a.test");
    put(&cache, 2, "b.test");

    forget(&cache, 1);
    forget(&cache, 9);

    assert_false(knows(&cache, "a.test"));
    assert_true(knows(&cache, "b.test"));
    zone_cache_release(&cache);
}

static void any_change_forgets_absent_names(void **state)
{
    (void)state;
    struct zone_cache cache;
    zone_cache_init(&cache, 10, 1 << 20);
    zone_cache_put_absent(&cache, SPAN("nobody.test"));
    assert_true(knows(&cache, "nobody.test"));
    assert_null(zone_cache_find(&cache, SPAN("nobody.test"))->zone);

    forget(&cache, 1);

    assert_false(knows(&cache, "nobody.test"));
    zone_cache_put_absent(&cache, SPAN("nobody.test"));
    assert_true(knows(&cache, "nobody.test"));
    zone_cache_release(&cache);
}

static void the_name_used_least_recently_goes_first(void **state)
{
    (void)state;
    struct zone_cache cache;
    zone_cache_init(&cache, 3, 1 << 20);
    put(&cache, 1, "a.test");
    put(&cache, 2, "b.test");
    zone_cache_put_absent(&cache, SPAN("nobody.test"));
    assert_true(knows(&cache, "a.test"));

    put(&cache, 3, "c.test");

    assert_true(knows(&cache, "a.test"));
    assert_false(knows(&cache, "b.test"));
    assert_null(zone_cache_zone(&cache, &(struct id){.text = ""}));
    put(&cache, 4, "d.test");
    assert_false(knows(&cache, "nobody.test"));
    zone_cache_release(&cache);
}

static void documents_have_a_ceiling_of_bytes(void **state)
{
    (void)state;
    struct zone_cache cache;
    char host[32];
    zone_cache_init(&cache, 1000, 65536);

    for (unsigned i = 1; i <= 500; i++) {
        snprintf(host, sizeof(host), "z%u.test", i);
        assert_non_null(put(&cache, i, host)->zone);
        assert_true(cache.held_bytes <= 65536);
    }

    assert_true(knows(&cache, "z500.test"));
    assert_false(knows(&cache, "z1.test"));
    zone_cache_release(&cache);
    assert_int_equal(cache.held_bytes, 0);
}

static void a_document_past_the_ceiling_is_held_alone(void **state)
{
    (void)state;
    struct zone_cache cache;
    zone_cache_init(&cache, 10, 1);

    put(&cache, 1, "a.test");
    assert_true(knows(&cache, "a.test"));
    put(&cache, 2, "b.test");

    assert_true(knows(&cache, "b.test"));
    assert_false(knows(&cache, "a.test"));
    zone_cache_release(&cache);
}

static void a_name_moves_to_another_zone(void **state)
{
    (void)state;
    struct zone_cache cache;
    struct id first = zone_feed_id(1);
    zone_cache_init(&cache, 10, 1 << 20);
    put(&cache, 1, "a.test");

    put(&cache, 2, "a.test");

    assert_null(zone_cache_zone(&cache, &first));
    assert_true(id_equal(zone_cache_find(&cache, SPAN("a.test"))->zone->id, zone_feed_id(2)));
    zone_cache_release(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_with_its_zone),
        cmocka_unit_test(names_of_one_zone_share_its_document),
        cmocka_unit_test(forgetting_one_zone_leaves_the_others),
        cmocka_unit_test(any_change_forgets_absent_names),
        cmocka_unit_test(the_name_used_least_recently_goes_first),
        cmocka_unit_test(documents_have_a_ceiling_of_bytes),
        cmocka_unit_test(a_document_past_the_ceiling_is_held_alone),
        cmocka_unit_test(a_name_moves_to_another_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
