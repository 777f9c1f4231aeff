/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_h1_chunk.c - what is chunked coding and what is not, whole and byte by byte.
 */
#include "tests/unit/common/base/dies.h"

#include "dataplane/h1/h1_chunk.h"

#define TEXT(literal)                                   \
    {                                                   \
        (const uint8_t *)(literal), sizeof(literal) - 1 \
    }
#define EXTENSION_240                                              \
    "012345678901234567890123456789012345678901234567890123456789" \
    "012345678901234567890123456789012345678901234567890123456789" \
    "012345678901234567890123456789012345678901234567890123456789" \
    "012345678901234567890123456789012345678901234567890123456789"

struct row {
    struct span text, body, trailers;
    size_t surplus; /* bytes behind the end */
};

static const struct row good[] = {
    {TEXT("0\r\n\r\n"), TEXT(""), TEXT(""), 0},
    {TEXT("000000000000000\r\n\r\n"), TEXT(""), TEXT(""), 0},
    {TEXT("3\r\nabc\r\n0\r\n\r\n"), TEXT("abc"), TEXT(""), 0},
    {TEXT("0003\r\nabc\r\n0\r\n\r\nGET"), TEXT("abc"), TEXT(""), 3},
    {TEXT("a\r\n0123456789\r\nA\r\nabcdefghij\r\n0\r\n\r\n"), TEXT("0123456789abcdefghij"),
     TEXT(""), 0},
    {TEXT("1;x\r\na\r\n0;y=\"z w\"\r\n\r\n"), TEXT("a"), TEXT(""), 0},
    {TEXT("1;\tx = y\r\na\r\n0\r\n\r\n"), TEXT("a"), TEXT(""), 0},
    {TEXT("1;" EXTENSION_240 "\r\na\r\n0\r\n\r\n"), TEXT("a"), TEXT(""), 0},
    {TEXT("2\r\n\r\n\r\n0\r\n\r\n"), TEXT("\r\n"), TEXT(""), 0},
    {TEXT("0\r\nX: y\r\nZ: w\r\n\r\n0"), TEXT(""), TEXT("X: y\r\nZ: w\r\n"), 1},
};

static const struct span bad[] = {
    TEXT("\r\n"),
    TEXT("x\r\n"),
    TEXT(" 3\r\nabc\r\n"),
    TEXT("3 \r\nabc\r\n"),
    TEXT("3\t;x\r\nabc\r\n"),
    TEXT("+3\r\nabc\r\n"),
    TEXT("-3\r\nabc\r\n"),
    TEXT("0x3\r\nabc\r\n"),
    TEXT("3h\r\nabc\r\n"),
    TEXT("3,\r\nabc\r\n"),
    TEXT(";x\r\n"),
    TEXT("3\nabc\r\n"),
    TEXT("3\r\r\nabc\r\n"),
    TEXT("3\rabc\r\n"),
    TEXT("3\r\nabcd\r\n"),
    TEXT("3\r\nabc0\r\n\r\n"),
    TEXT("3\r\nabc\n0\r\n\r\n"),
    TEXT("3\r\nabc\r0\r\n\r\n"),
    TEXT("3\r\nab\r\n0\r\n\r\n"),
    TEXT("1;x\ny\r\na\r\n"),
    TEXT("1;x\0y\r\na\r\n"),
    TEXT("1;x\x7f\r\na\r\n"),
    TEXT("1;x\ry\r\na\r\n"),
    TEXT("0000000000000001\r\na\r\n"),
    TEXT("ffffffffffffffff\r\na\r\n"),
    TEXT("10000000000000000\r\na\r\n"),
    TEXT("1;" EXTENSION_240 "0123456789abc\r\na\r\n"),
    TEXT("0\r\n\n"),
    TEXT("0\r\n\rX"),
    TEXT("0\r\nX: y\n\r\n"),
    TEXT("0\r\n\nX: y\r\n\r\n"),
    TEXT("0\n\r\n"),
};

struct decoded {
    struct h1_chunk chunk;
    struct buf body;
    enum err err;
    size_t used;
};

static void decode(struct decoded *d, struct span text, size_t step, size_t body_max)
{
    *d = (struct decoded){.err = ERR_OK};
    h1_chunk_init(&d->chunk);
    buf_init(&d->body, 1 << 20);
    while (d->err == ERR_OK && d->used < text.len && !h1_chunk_ended(&d->chunk)) {
        struct h1_chunk_step out;
        struct span in = span_skip(text, d->used);
        d->err =
            h1_chunk_next(&d->chunk, in.len > step ? span_first(in, step) : in, body_max, &out);
        buf_append(&d->body, out.body);
        d->used += out.used;
    }
}

static void release(struct decoded *d)
{
    h1_chunk_release(&d->chunk);
    buf_release(&d->body);
}

static const size_t steps[] = {SIZE_MAX, 1, 3};

static void well_formed_bodies_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(good); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct decoded d;
            decode(&d, good[i].text, steps[s], s == 2 ? 2 : SIZE_MAX);
            if (d.err != ERR_OK || !h1_chunk_ended(&d.chunk))
                fail_msg("row %zu: %s", i, err_slug(d.err));
            assert_span_bytes(buf_span(&d.body), good[i].body);
            assert_span_bytes(buf_span(&d.chunk.trailers), good[i].trailers);
            assert_int_equal(good[i].text.len - d.used, good[i].surplus);
            release(&d);
        }
    }
}

static void malformed_bodies_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(bad); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct decoded d;
            decode(&d, bad[i], steps[s], SIZE_MAX);
            if (d.err != ERR_REQUEST_FRAMING)
                fail_msg("row %zu: %s", i, err_slug(d.err));
            release(&d);
        }
    }
}

static void no_beginning_of_a_body_looks_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(good); i++) {
        for (size_t len = 0; len < good[i].text.len - good[i].surplus; len++) {
            struct decoded d;
            decode(&d, span_first(good[i].text, len), SIZE_MAX, SIZE_MAX);
            assert_int_equal(d.err, ERR_OK);
            assert_false(h1_chunk_ended(&d.chunk));
            release(&d);
        }
    }
}

static void nothing_is_taken_without_room(void **state)
{
    (void)state;
    struct h1_chunk chunk;
    struct h1_chunk_step out;
    h1_chunk_init(&chunk);
    assert_int_equal(h1_chunk_next(&chunk, SPAN("5\r\nhello"), 0, &out), ERR_OK);
    assert_int_equal(out.used, 3);
    assert_int_equal(h1_chunk_next(&chunk, SPAN("hello"), 0, &out), ERR_OK);
    assert_int_equal(out.used, 0);
    assert_int_equal(h1_chunk_next(&chunk, SPAN("hello"), 4, &out), ERR_OK);
    assert_span(out.body, "hell");
    h1_chunk_release(&chunk);
}

static void trailers_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    struct decoded d;
    buf_init(&text, 1 << 20);
    buf_append_str(&text, "0\r\n");
    for (int i = 0; i < LIMIT_TRAILER_BYTES / 8 + 1; i++)
        buf_append_str(&text, "x: abc\r\n");
    decode(&d, buf_span(&text), SIZE_MAX, SIZE_MAX);
    assert_int_equal(d.err, ERR_REQUEST_FRAMING);
    release(&d);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_bodies_are_taken_apart),
        cmocka_unit_test(malformed_bodies_are_refused),
        cmocka_unit_test(no_beginning_of_a_body_looks_complete),
        cmocka_unit_test(nothing_is_taken_without_room),
        cmocka_unit_test(trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
