/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_map.c - putting, removing, walking, the hash.
 */
#include "common/base/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/common/base/dies.h"

#define ITEM_COUNT 10000

struct item {
    char key[16];
    bool seen;
};

static struct item *make_items(void)
{
    struct item *items = calloc(ITEM_COUNT, sizeof(*items));
    for (int i = 0; i < ITEM_COUNT; i++)
        snprintf(items[i].key, sizeof(items[i].key), "key-%d", i);
    return items;
}

static struct span key_of(const struct item *item)
{
    return span_str(item->key);
}

static void fill(struct map *map, struct item *items)
{
    map_init(map);
    for (int i = 0; i < ITEM_COUNT; i++)
        assert_null(map_put(map, key_of(&items[i]), &items[i]));
}

static void empty_map_has_nothing(void **state)
{
    (void)state;
    struct map map;
    size_t at = 0;
    map_init(&map);
    assert_null(map_get(&map, SPAN("a")));
    assert_null(map_remove(&map, SPAN("a")));
    assert_null(map_next(&map, &at));
    map_release(&map);
}

static void put_returns_what_was_there(void **state)
{
    (void)state;
    struct map map;
    int a = 1, b = 2;
    map_init(&map);

    assert_null(map_put(&map, SPAN("k"), &a));
    assert_ptr_equal(map_put(&map, SPAN("k"), &b), &a);

    assert_ptr_equal(map_get(&map, SPAN("k")), &b);
    assert_int_equal(map.count, 1);
    map_release(&map);
}

static void put_takes_the_new_key(void **state)
{
    (void)state;
    struct map map;
    int value = 1;
    char *old_key = strdup("key"), *new_key = strdup("key");
    map_init(&map);
    map_put(&map, span_str(old_key), &value);
    map_put(&map, span_str(new_key), &value);
    free(old_key); /* the map may not look at it any more */
    assert_ptr_equal(map_get(&map, SPAN("key")), &value);
    map_release(&map);
    free(new_key);
}

static void empty_and_binary_keys_are_keys(void **state)
{
    (void)state;
    struct map map;
    int a, b, c;
    map_init(&map);
    map_put(&map, SPAN_EMPTY, &a);
    map_put(&map, SPAN("x\0"), &b);
    map_put(&map, SPAN("x\0\0"), &c);
    assert_ptr_equal(map_get(&map, SPAN("")), &a);
    assert_ptr_equal(map_get(&map, SPAN("x\0")), &b);
    assert_ptr_equal(map_get(&map, SPAN("x\0\0")), &c);
    assert_null(map_get(&map, SPAN("x")));
    map_release(&map);
}

static void ten_thousand_keys_are_found(void **state)
{
    (void)state;
    struct item *items = make_items();
    struct map map;
    fill(&map, items);

    assert_int_equal(map.count, ITEM_COUNT);
    for (int i = 0; i < ITEM_COUNT; i++)
        assert_ptr_equal(map_get(&map, key_of(&items[i])), &items[i]);
    assert_null(map_get(&map, SPAN("key-10000")));
    map_release(&map);
    free(items);
}

static void removed_keys_are_gone_and_others_stay(void **state)
{
    (void)state;
    struct item *items = make_items();
    struct map map;
    fill(&map, items);

    for (int i = 0; i < ITEM_COUNT; i += 3) {
        assert_ptr_equal(map_remove(&map, key_of(&items[i])), &items[i]);
        assert_null(map_remove(&map, key_of(&items[i])));
    }
    for (int i = 0; i < ITEM_COUNT; i++)
        assert_ptr_equal(map_get(&map, key_of(&items[i])), i % 3 == 0 ? NULL : &items[i]);

    for (int i = 0; i < ITEM_COUNT; i += 3)
        assert_null(map_put(&map, key_of(&items[i]), &items[i]));
    assert_int_equal(map.count, ITEM_COUNT);
    for (int i = 0; i < ITEM_COUNT; i++)
        assert_ptr_equal(map_get(&map, key_of(&items[i])), &items[i]);
    map_release(&map);
    free(items);
}

static void coming_and_going_does_not_grow_the_map(void **state)
{
    (void)state;
    struct item *items = make_items();
    struct map map;
    map_init(&map);

    for (int i = 0; i < 20 * ITEM_COUNT; i++) {
        struct item *now = &items[i % ITEM_COUNT], *old = &items[(i + ITEM_COUNT - 5) % ITEM_COUNT];
        map_put(&map, key_of(now), now);
        map_remove(&map, key_of(old));
        assert_true(map.count <= 5);
        assert_true(map.used < map.cap);
    }

    assert_true(map.cap <= 32);
    map_release(&map);
    free(items);
}

static void a_walk_meets_every_value_once(void **state)
{
    (void)state;
    struct item *items = make_items(), *item;
    struct map map;
    size_t at = 0, met = 0;
    fill(&map, items);

    while ((item = map_next(&map, &at))) {
        assert_false(item->seen);
        item->seen = true;
        met++;
    }

    assert_int_equal(met, ITEM_COUNT);
    map_release(&map);
    free(items);
}

static void a_walk_may_remove_and_free_what_it_met(void **state)
{
    (void)state;
    struct map map;
    struct item *item;
    size_t at = 0, met = 0;
    map_init(&map);
    for (int i = 0; i < 1000; i++) {
        item = calloc(1, sizeof(*item));
        snprintf(item->key, sizeof(item->key), "%d", i);
        map_put(&map, key_of(item), item);
    }

    while ((item = map_next(&map, &at))) {
        met++;
        assert_ptr_equal(map_remove(&map, key_of(item)), item);
        free(item);
    }

    assert_int_equal(met, 1000);
    assert_int_equal(map.count, 0);
    map_release(&map);
}

static void put_null(void *arg)
{
    (void)map_put(arg, SPAN("k"), NULL);
}

static void null_is_no_value(void **state)
{
    (void)state;
    struct map map;
    map_init(&map);
    assert_true(dies(put_null, &map));
    map_release(&map);
}

static void each_map_has_a_seed_of_its_own(void **state)
{
    (void)state;
    struct map a, b;
    map_init(&a);
    map_init(&b);
    assert_memory_not_equal(a.seed, b.seed, sizeof(a.seed));
    assert_true(map_hash(a.seed, SPAN("k")) != map_hash(b.seed, SPAN("k")));
    map_release(&a);
    map_release(&b);
}

/* What an implementation that is not ours (CPython's, with PYTHONHASHSEED=0) makes of the first len
 * bytes of the text below. */
static const struct {
    size_t len;
    uint64_t hash;
} siphash_rows[] = {
    {1, 0x49bc192c478bfc2e},  {7, 0x810aaf7acf670379},  {8, 0xda3dcedf84ea6cc6},
    {9, 0xb79d8581f8552753},  {15, 0x26f4d862282d8fcb}, {16, 0x1d42b30f7e060c24},
    {17, 0x3323a4f8b8d9776b}, {31, 0xad7f6f5d9f61f23d}, {36, 0x80028cf7ca2dbe8f},
};

static void the_hash_is_siphash_1_3(void **state)
{
    (void)state;
    static const uint64_t zero_seed[2] = {0, 0};
    const struct span text = SPAN("0123456789abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < countof(siphash_rows); i++)
        assert_true(map_hash(zero_seed, span_first(text, siphash_rows[i].len)) ==
                    siphash_rows[i].hash);

    static const uint64_t paper_seed[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    assert_true(map_hash(paper_seed, SPAN_EMPTY) == 0xabac0158050fc4dc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_map_has_nothing),
        cmocka_unit_test(put_returns_what_was_there),
        cmocka_unit_test(put_takes_the_new_key),
        cmocka_unit_test(empty_and_binary_keys_are_keys),
        cmocka_unit_test(ten_thousand_keys_are_found),
        cmocka_unit_test(removed_keys_are_gone_and_others_stay),
        cmocka_unit_test(coming_and_going_does_not_grow_the_map),
        cmocka_unit_test(a_walk_meets_every_value_once),
        cmocka_unit_test(a_walk_may_remove_and_free_what_it_met),
        cmocka_unit_test(null_is_no_value),
        cmocka_unit_test(each_map_has_a_seed_of_its_own),
        cmocka_unit_test(the_hash_is_siphash_1_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
