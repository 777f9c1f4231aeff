/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bytequeue.c - first in first out, chunk borders, keeping and rewinding.
 */
#include "common/base/bytequeue.h"

#include <stdlib.h>

#include "tests/unit/common/base/dies.h"

struct fixture {
    struct chunk_pool pool;
    struct bytequeue q;
    uint8_t put_next, got_next; /* the bytes count up, so that a lost one is seen */
};

static void begin(struct fixture *f, size_t cap_bytes)
{
    *f = (struct fixture){0};
    chunk_pool_init(&f->pool, 4);
    bytequeue_init(&f->q, &f->pool, cap_bytes);
}

static void end(struct fixture *f)
{
    bytequeue_release(&f->q);
    assert_int_equal(f->pool.in_use, 0);
    chunk_pool_release(&f->pool);
}

static void put(struct fixture *f, size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = f->put_next++;
    bytequeue_put(&f->q, span_of(bytes, len));
    free(bytes);
}

static void get(struct fixture *f, size_t len)
{
    while (len > 0) {
        struct span run = bytequeue_peek(&f->q);
        assert_true(run.len > 0);
        if (run.len > len)
            run.len = len;
        for (size_t i = 0; i < run.len; i++)
            assert_int_equal(run.ptr[i], f->got_next++);
        bytequeue_consume(&f->q, run.len);
        len -= run.len;
    }
}

static void empty_queue_has_no_chunk(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100);
    assert_int_equal(bytequeue_peek(&f.q).len, 0);
    assert_int_equal(bytequeue_level(&f.q), 0);
    assert_int_equal(bytequeue_room(&f.q), 100);
    put(&f, 0);
    bytequeue_consume(&f.q, 0);
    assert_int_equal(f.pool.in_use, 0);
    end(&f);
}

static void bytes_come_out_in_order(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    bytequeue_put(&f.q, SPAN("abc"));
    bytequeue_put(&f.q, SPAN("def"));

    assert_span(bytequeue_peek(&f.q), "abcdef");
    bytequeue_consume(&f.q, 4);
    assert_span(bytequeue_peek(&f.q), "ef");
    assert_int_equal(bytequeue_level(&f.q), 2);
    assert_int_equal(bytequeue_room(&f.q), 8);
    end(&f);
}

static void peek_ends_at_the_chunk_border(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 4 * CHUNK_BYTES);
    put(&f, CHUNK_BYTES + 5);
    assert_int_equal(bytequeue_peek(&f.q).len, CHUNK_BYTES);
    get(&f, CHUNK_BYTES);
    assert_int_equal(bytequeue_peek(&f.q).len, 5);
    get(&f, 5);
    end(&f);
}

static void one_consume_crosses_many_chunks(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 4 * CHUNK_BYTES);
    put(&f, 3 * CHUNK_BYTES + 7);
    bytequeue_consume(&f.q, 3 * CHUNK_BYTES + 1);
    f.got_next = (uint8_t)(3 * CHUNK_BYTES + 1);
    assert_int_equal(f.pool.in_use, 1);
    get(&f, 6);
    end(&f);
}

static void a_drained_queue_gives_its_last_chunk_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 2 * CHUNK_BYTES);
    put(&f, 2 * CHUNK_BYTES);
    assert_int_equal(f.pool.in_use, 2);
    get(&f, CHUNK_BYTES);
    assert_int_equal(f.pool.in_use, 1);
    get(&f, CHUNK_BYTES);
    assert_int_equal(f.pool.in_use, 0);
    put(&f, 3);
    get(&f, 3);
    end(&f);
}

static void put_past_the_cap(void *arg)
{
    struct fixture *f = arg;
    bytequeue_put(&f->q, SPAN("x"));
}

static void consume_past_the_level(void *arg)
{
    struct fixture *f = arg;
    bytequeue_consume(&f->q, 11);
}

static void cap_and_level_are_guarded(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    put(&f, 10);
    assert_int_equal(bytequeue_room(&f.q), 0);
    assert_true(dies(put_past_the_cap, &f));
    assert_true(dies(consume_past_the_level, &f));
    end(&f);
}

static void kept_bytes_take_room_until_forgotten(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    bytequeue_keep(&f.q);
    put(&f, 10);
    get(&f, 6);
    assert_int_equal(bytequeue_room(&f.q), 0);
    assert_int_equal(bytequeue_level(&f.q), 4);

    assert_int_equal(bytequeue_forget(&f.q), 6);
    assert_int_equal(bytequeue_room(&f.q), 6);
    get(&f, 2);
    assert_int_equal(bytequeue_room(&f.q), 8);
    assert_int_equal(bytequeue_forget(&f.q), 0);
    end(&f);
}

static void rewind_brings_back_what_was_consumed(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10 * CHUNK_BYTES);
    bytequeue_keep(&f.q);
    put(&f, 2 * CHUNK_BYTES + 100);
    get(&f, CHUNK_BYTES + 50);

    bytequeue_rewind(&f.q);
    assert_int_equal(bytequeue_level(&f.q), 2 * CHUNK_BYTES + 100);
    f.got_next = 0;
    get(&f, 10);

    bytequeue_rewind(&f.q); /* it keeps on keeping */
    f.got_next = 0;
    put(&f, 5);
    get(&f, 2 * CHUNK_BYTES + 105);
    end(&f);
}

static void rewind_of_a_drained_queue(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10 * CHUNK_BYTES);
    bytequeue_keep(&f.q);
    put(&f, CHUNK_BYTES);
    get(&f, CHUNK_BYTES);
    assert_int_equal(bytequeue_peek(&f.q).len, 0);
    put(&f, 7); /* into a new chunk, where the reader has to follow */
    get(&f, 7);
    assert_int_equal(bytequeue_level(&f.q), 0);

    bytequeue_rewind(&f.q);
    f.got_next = 0;
    get(&f, CHUNK_BYTES + 7);
    end(&f);
}

static void rewind_without_kept_bytes_does_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    bytequeue_rewind(&f.q);
    put(&f, 5);
    get(&f, 2);
    bytequeue_rewind(&f.q);
    assert_int_equal(bytequeue_level(&f.q), 3);
    get(&f, 3);
    end(&f);
}

static void forget_of_a_drained_queue_gives_all_chunks_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10 * CHUNK_BYTES);
    bytequeue_keep(&f.q);
    put(&f, 3 * CHUNK_BYTES);
    get(&f, 3 * CHUNK_BYTES);
    assert_int_equal(f.pool.in_use, 3);

    assert_int_equal(bytequeue_forget(&f.q), 3 * CHUNK_BYTES);
    assert_int_equal(f.pool.in_use, 0);
    put(&f, 9);
    get(&f, 9);
    end(&f);
}

static void keep(void *arg)
{
    struct fixture *f = arg;
    bytequeue_keep(&f->q);
}

static void keeping_begins_before_consuming(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    put(&f, 3);
    assert_false(dies(keep, &f));
    get(&f, 3);
    assert_true(dies(keep, &f));
    bytequeue_release(&f.q);
    assert_false(dies(keep, &f));
    end(&f);
}

static void release_gives_kept_and_unread_chunks_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10 * CHUNK_BYTES);
    bytequeue_keep(&f.q);
    put(&f, 4 * CHUNK_BYTES);
    get(&f, 2 * CHUNK_BYTES);
    bytequeue_release(&f.q);
    assert_int_equal(f.pool.in_use, 0);
    assert_int_equal(bytequeue_room(&f.q), 10 * CHUNK_BYTES);
    end(&f);
}

static void the_pool_keeps_spares_up_to_its_maximum(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10 * CHUNK_BYTES);
    put(&f, 6 * CHUNK_BYTES);
    assert_int_equal(f.pool.in_use, 6);
    get(&f, 6 * CHUNK_BYTES);
    assert_int_equal(f.pool.spare_count, 4);

    put(&f, 2 * CHUNK_BYTES);
    assert_int_equal(f.pool.spare_count, 2);
    get(&f, 2 * CHUNK_BYTES);
    end(&f);
}

static void trim_halves_the_spares(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10 * CHUNK_BYTES);
    put(&f, 4 * CHUNK_BYTES);
    get(&f, 4 * CHUNK_BYTES);
    static const size_t expected[] = {2, 1, 0, 0};
    for (size_t i = 0; i < countof(expected); i++) {
        chunk_pool_trim(&f.pool);
        assert_int_equal(f.pool.spare_count, expected[i]);
    }
    end(&f);
}

static void release_pool(void *arg)
{
    struct fixture *f = arg;
    chunk_pool_release(&f->pool);
}

static void a_pool_with_lent_chunks_is_not_released(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    put(&f, 1);
    assert_true(dies(release_pool, &f));
    end(&f);
}

/* A plain model beside the queue: positions in an endless stream of bytes. */
static void any_sequence_agrees_with_the_model(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t dice = 12345;
    begin(&f, 5 * CHUNK_BYTES);

    for (int round = 0; round < 200; round++) {
        bool keeping = round % 2 == 0;
        f.put_next = f.got_next = 0;
        if (keeping)
            bytequeue_keep(&f.q);
        size_t kept = 0, level = 0;
        for (int step = 0; step < 40; step++) {
            dice = dice * 1664525 + 1013904223;
            size_t len = (dice >> 8) % (2 * CHUNK_BYTES);
            switch (dice >> 29) {
            case 0:
                bytequeue_rewind(&f.q);
                f.got_next = (uint8_t)(f.got_next - kept);
                level += kept;
                kept = 0;
                break;
            case 1:
                if (step < 35)
                    break;
                assert_int_equal(bytequeue_forget(&f.q), kept);
                keeping = false;
                kept = 0;
                break;
            case 2:
            case 3:
            case 4:
                len = len < level ? len : level;
                get(&f, len);
                level -= len;
                kept += keeping ? len : 0;
                break;
            default:
                len = len < bytequeue_room(&f.q) ? len : bytequeue_room(&f.q);
                put(&f, len);
                level += len;
                break;
            }
            assert_int_equal(bytequeue_level(&f.q), level);
            assert_int_equal(bytequeue_room(&f.q), 5 * CHUNK_BYTES - level - kept);
        }
        bytequeue_release(&f.q);
        assert_int_equal(f.pool.in_use, 0);
    }
    end(&f);
}

static void a_grown_queue_takes_more_and_stays_grown(void **state)
{
    (void)state;
    struct chunk_pool pool;
    struct bytequeue q;
    uint8_t bytes[300] = {0};
    chunk_pool_init(&pool, 0);
    bytequeue_init(&q, &pool, 100);
    bytequeue_put(&q, span_of(bytes, 100));

    bytequeue_grow(&q, 200);
    assert_int_equal(bytequeue_room(&q), 200);
    bytequeue_put(&q, span_of(bytes, 200));
    assert_int_equal(bytequeue_level(&q), 300);

    bytequeue_release(&q);
    assert_int_equal(bytequeue_room(&q), 300);
    chunk_pool_release(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_queue_has_no_chunk),
        cmocka_unit_test(bytes_come_out_in_order),
        cmocka_unit_test(peek_ends_at_the_chunk_border),
        cmocka_unit_test(one_consume_crosses_many_chunks),
        cmocka_unit_test(a_drained_queue_gives_its_last_chunk_back),
        cmocka_unit_test(cap_and_level_are_guarded),
        cmocka_unit_test(kept_bytes_take_room_until_forgotten),
        cmocka_unit_test(rewind_brings_back_what_was_consumed),
        cmocka_unit_test(rewind_of_a_drained_queue),
        cmocka_unit_test(rewind_without_kept_bytes_does_nothing),
        cmocka_unit_test(forget_of_a_drained_queue_gives_all_chunks_back),
        cmocka_unit_test(keeping_begins_before_consuming),
        cmocka_unit_test(release_gives_kept_and_unread_chunks_back),
        cmocka_unit_test(the_pool_keeps_spares_up_to_its_maximum),
        cmocka_unit_test(trim_halves_the_spares),
        cmocka_unit_test(a_pool_with_lent_chunks_is_not_released),
        cmocka_unit_test(any_sequence_agrees_with_the_model),
        cmocka_unit_test(a_grown_queue_takes_more_and_stays_grown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
