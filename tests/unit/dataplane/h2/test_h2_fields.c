/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h2_fields.c - heads to header blocks, cookies in one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/h2/h2_fields.h"

static void add(struct fields *fields, const char *name, const char *value)
{
    assert_int_equal(fields_add(fields, span_str(name), span_str(value)), ERR_OK);
}

static const nghttp2_nv *find(const struct h2_block *block, const char *name)
{
    for (size_t i = 0; i < block->count; i++) {
        const nghttp2_nv *item = &block->items[i];
        if (item->namelen == strlen(name) && memcmp(item->name, name, item->namelen) == 0)
            return item;
    }
    return NULL;
}

static void assert_value(const struct h2_block *block, const char *name, const char *value)
{
    const nghttp2_nv *item = find(block, name);
    assert_non_null(item);
    assert_int_equal(item->valuelen, strlen(value));
    assert_memory_equal(item->value, value, item->valuelen);
}

static struct head new_head(struct arena *arena)
{
    struct head head;
    head_init(&head, arena);
    head.content_length = HEAD_LENGTH_UNKNOWN;
    return head;
}

static void cookie_lines_become_one_in_the_place_of_the_first(void **state)
{
    (void)state;
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    add(&fields, "a", "1");
    add(&fields, "cookie", "x=1");
    add(&fields, "b", "2");
    add(&fields, "cookie", "y=2");
    add(&fields, "cookie", "z=3");

    h2_fields_join_cookies(&fields);

    assert_int_equal(fields.count, 3);
    assert_int_equal(fields.crumbs, 0);
    assert_true(span_equal(fields.items[1].value, SPAN("x=1; y=2; z=3")));
    assert_true(span_equal(fields.items[2].name, SPAN("b")));
    arena_release(&arena);
}

static void an_empty_cookie_line_adds_nothing(void **state)
{
    (void)state;
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    add(&fields, "cookie", "");
    add(&fields, "cookie", "y=2");
    add(&fields, "cookie", "");

    h2_fields_join_cookies(&fields);

    assert_int_equal(fields.count, 1);
    assert_true(span_equal(fields.items[0].value, SPAN("y=2")));
    arena_release(&arena);
}

static void one_cookie_stays_as_it_is(void **state)
{
    (void)state;
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    add(&fields, "cookie", "x=1; y=2");

    h2_fields_join_cookies(&fields);

    assert_int_equal(fields.count, 1);
    assert_true(span_equal(fields.items[0].value, SPAN("x=1; y=2")));
    arena_release(&arena);
}

static void a_request_block_begins_with_its_pseudo_fields(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, NULL);
    struct head head = new_head(&arena);
    struct h2_block block;
    head.method = SPAN("POST");
    head.scheme = SPAN("https");
    head.authority = SPAN("example.test");
    head.path = SPAN("/a?b");
    head.content_length = 1234567890123;
    add(&head.fields, "cf-ray", "abc");
    add(&head.fields, "x-other", "v");
    add(&head.fields, "upgrade", "h2c");

    h2_fields_request(&block, &head, &arena);

    assert_int_equal(block.count, 7);
    assert_memory_equal(block.items[0].name, ":method", 7);
    assert_value(&block, ":authority", "example.test");
    assert_value(&block, ":path", "/a?b");
    assert_value(&block, "content-length", "1234567890123");
    assert_null(find(&block, "upgrade"));
    assert_true(find(&block, "cf-ray")->flags & NGHTTP2_NV_FLAG_NO_INDEX);
    assert_false(find(&block, "x-other")->flags & NGHTTP2_NV_FLAG_NO_INDEX);
    assert_true(find(&block, "x-other")->flags & NGHTTP2_NV_FLAG_NO_COPY_VALUE);
    arena_release(&arena);
}

/* The HEADERS frame of an answer may leave after its exchange has gone. */
static void an_answer_block_has_its_values_copied(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, NULL);
    struct head head = new_head(&arena);
    struct h2_block block;
    head.status = 404;
    head.content_length = 0;
    add(&head.fields, "x-other", "v");
    add(&head.fields, "set-cookie", "a=1");

    h2_fields_response(&block, &head, &arena);

    assert_value(&block, ":status", "404");
    assert_value(&block, "content-length", "0");
    for (size_t i = 0; i < block.count; i++)
        assert_false(block.items[i].flags & NGHTTP2_NV_FLAG_NO_COPY_VALUE);
    assert_false(find(&block, "x-other")->flags & NGHTTP2_NV_FLAG_NO_COPY_NAME);
    arena_release(&arena);
}

static void a_block_may_be_longer_than_its_storage(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, NULL);
    struct head head = new_head(&arena);
    struct h2_block block;
    head.method = head.scheme = head.authority = head.path = SPAN("x");
    for (int i = 0; i < 3 * H2_BLOCK_INLINE; i++)
        add(&head.fields, "cookie", "a=1");

    h2_fields_request(&block, &head, &arena);

    assert_int_equal(block.count, 3 * H2_BLOCK_INLINE + 4);
    assert_value(&block, "cookie", "a=1");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookie_lines_become_one_in_the_place_of_the_first),
        cmocka_unit_test(an_empty_cookie_line_adds_nothing),
        cmocka_unit_test(one_cookie_stays_as_it_is),
        cmocka_unit_test(a_request_block_begins_with_its_pseudo_fields),
        cmocka_unit_test(an_answer_block_has_its_values_copied),
        cmocka_unit_test(a_block_may_be_longer_than_its_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
