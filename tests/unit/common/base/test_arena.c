/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_arena.c - pieces, large pieces, the pool.
 */
#include "common/base/arena.h"

#include "tests/unit/common/base/dies.h"

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, NULL);
    uint8_t *pieces[500];

    for (size_t i = 0; i < countof(pieces); i++) {
        pieces[i] = arena_alloc(&arena, i);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 0xff), i);
    }

    for (size_t i = 0; i < countof(pieces); i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_equal(pieces[i][k], i & 0xff);
    }
    arena_release(&arena);
}

static void pieces_of_nothing_differ(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, NULL);
    void *a = arena_alloc(&arena, 0), *b = arena_alloc(&arena, 0);
    assert_non_null(a);
    assert_ptr_not_equal(a, b);
    arena_release(&arena);
}

static void calloc_zeroes_recycled_blocks(void **state)
{
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 2);
    arena_init(&arena, &pool);
    memset(arena_alloc(&arena, 1000), 0xff, 1000);
    arena_release(&arena);
    assert_int_equal(pool.spare_count, 1);

    const uint8_t *bytes = arena_calloc(&arena, 100, 10);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(pool.spare_count, 0);
    arena_release(&arena);
    arena_pool_release(&pool);
}

static void large_piece_leaves_the_current_block_in_use(void **state)
{
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 2);
    arena_init(&arena, &pool);

    uint8_t *before = arena_alloc(&arena, 16);
    uint8_t *large = arena_alloc(&arena, 3 * ARENA_BLOCK_BYTES);
    memset(large, 1, 3 * ARENA_BLOCK_BYTES);
    uint8_t *after = arena_alloc(&arena, 16);
    assert_ptr_equal(after, before + 16);
    assert_int_equal(arena.taken_bytes, 32 + 3 * ARENA_BLOCK_BYTES);

    arena_release(&arena); /* the large block is freed, the other becomes a spare */
    assert_int_equal(pool.spare_count, 1);
    assert_int_equal(arena.taken_bytes, 0);
    arena_pool_release(&pool);
}

static void large_piece_may_come_first(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, NULL);
    memset(arena_alloc(&arena, 100000), 1, 100000);
    memset(arena_alloc(&arena, 100), 2, 100);
    arena_release(&arena);
}

static void piece_that_fills_a_block_exactly(void **state)
{
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 2);
    arena_init(&arena, &pool);
    memset(arena_alloc(&arena, ARENA_BLOCK_BYTES - 16), 1, ARENA_BLOCK_BYTES - 16);
    memset(arena_alloc(&arena, 1), 2, 1);
    arena_release(&arena);
    assert_int_equal(pool.spare_count, 2);
    arena_pool_release(&pool);
}

static void the_pool_keeps_spares_up_to_its_maximum(void **state)
{
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 3);
    arena_init(&arena, &pool);
    for (int i = 0; i < 10; i++)
        memset(arena_alloc(&arena, 4000), 1, 4000);
    arena_release(&arena);
    assert_int_equal(pool.spare_count, 3);
    arena_pool_release(&pool);
    assert_int_equal(pool.spare_count, 0);
}

static void the_steady_path_uses_the_same_block_again(void **state)
{
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 1);
    arena_init(&arena, &pool);
    const void *first = arena_alloc(&arena, 10);
    for (int i = 0; i < 100; i++) {
        arena_release(&arena);
        assert_ptr_equal(arena_alloc(&arena, 10), first);
    }
    arena_release(&arena);
    arena_pool_release(&pool);
}

static void copies_live_on_their_own(void **state)
{
    (void)state;
    struct arena arena;
    char text[] = "Content-Type";
    arena_init(&arena, NULL);

    struct span copy = arena_copy(&arena, span_str(text));
    struct span lower = arena_copy_lower(&arena, span_str(text));
    const char *cstr = arena_cstr(&arena, span_first(span_str(text), 7));
    memset(text, 'x', sizeof(text));

    assert_span(copy, "Content-Type");
    assert_span(lower, "content-type");
    assert_string_equal(cstr, "Content");
    assert_int_equal(arena_copy(&arena, SPAN_EMPTY).len, 0);
    assert_int_equal(arena_copy_lower(&arena, SPAN_EMPTY).len, 0);
    assert_string_equal(arena_cstr(&arena, SPAN_EMPTY), "");
    arena_release(&arena);
}

static void calloc_too_many(void *arg)
{
    assert_non_null(arena_calloc(arg, SIZE_MAX / 2, 3));
}

static void sizes_that_overflow_abort(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, NULL);
    assert_true(dies(calloc_too_many, &arena));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(pieces_of_nothing_differ),
        cmocka_unit_test(calloc_zeroes_recycled_blocks),
        cmocka_unit_test(large_piece_leaves_the_current_block_in_use),
        cmocka_unit_test(large_piece_may_come_first),
        cmocka_unit_test(piece_that_fills_a_block_exactly),
        cmocka_unit_test(the_pool_keeps_spares_up_to_its_maximum),
        cmocka_unit_test(the_steady_path_uses_the_same_block_again),
        cmocka_unit_test(copies_live_on_their_own),
        cmocka_unit_test(sizes_that_overflow_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
