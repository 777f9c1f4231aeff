/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_h1_chunk.c - chunked bodies in pieces: where they are split, and how much body is wanted at
 * a time, changes nothing; and what was taken apart, put together again, gives the same body.
 */
#include "dataplane/h1/h1_chunk.h"

#include "dataplane/h1/h1_parse.h"
#include "dataplane/h1/h1_write.h"
#include "tests/fuzz/fuzz.h"

#define BODY_BYTES_MAX (16u << 20)

struct result {
    struct h1_chunk chunk;
    struct buf body;
    enum err err;
    size_t used;
};

static void decode(struct result *r, struct span text, size_t step, size_t body_max)
{
    *r = (struct result){.err = ERR_OK};
    h1_chunk_init(&r->chunk);
    buf_init(&r->body, BODY_BYTES_MAX);
    while (r->err == ERR_OK && r->used < text.len && !h1_chunk_ended(&r->chunk)) {
        struct h1_chunk_step out;
        struct span in = span_skip(text, r->used);
        if (in.len > step)
            in = span_first(in, step);
        r->err = h1_chunk_next(&r->chunk, in, body_max, &out);
        ASSERT(out.used <= in.len && out.body.len <= body_max);
        buf_append(&r->body, out.body);
        r->used += out.used;
        ASSERT(r->err != ERR_OK || out.used > 0);
    }
}

static void release(struct result *r)
{
    h1_chunk_release(&r->chunk);
    buf_release(&r->body);
}

static void check_again(const struct result *r)
{
    char line[H1_CHUNK_LINE_BYTES];
    struct buf text;
    struct result again;
    buf_init(&text, 2 * BODY_BYTES_MAX);
    if (r->body.len > 0) {
        buf_append(&text, span_of(line, h1_write_chunk_line(r->body.len, line)));
        buf_append(&text, buf_span(&r->body));
        buf_append_str(&text, "\r\n");
    }
    buf_append_str(&text, "0\r\n");
    buf_append(&text, buf_span(&r->chunk.trailers));
    buf_append_str(&text, "\r\n");
    decode(&again, buf_span(&text), SIZE_MAX, SIZE_MAX);
    ASSERT(again.err == ERR_OK && h1_chunk_ended(&again.chunk) && again.used == text.len);
    ASSERT(span_equal(buf_span(&again.body), buf_span(&r->body)));
    release(&again);
    buf_release(&text);
}

static void check_trailers(const struct result *r)
{
    struct arena arena;
    struct fields fields;
    arena_init(&arena, NULL);
    fields_init(&fields, &arena);
    if (h1_parse_trailers(buf_span(&r->chunk.trailers), &fields, NULL) == ERR_OK) {
        ASSERT(fields_find(&fields, FIELD_CONTENT_LENGTH) == NULL);
        ASSERT(fields_find(&fields, FIELD_HOST) == NULL);
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct result whole, pieces;
    if (len < 2)
        return 0;
    struct span text = span_skip(span_of(bytes, len), 2);

    decode(&whole, text, SIZE_MAX, SIZE_MAX);
    decode(&pieces, text, bytes[0] + (size_t)1, bytes[1] + (size_t)1);
    ASSERT(whole.err == pieces.err && whole.chunk.state == pieces.chunk.state);
    ASSERT(span_equal(buf_span(&whole.body), buf_span(&pieces.body)));
    ASSERT(whole.err != ERR_OK || whole.used == pieces.used);
    if (whole.err == ERR_OK && h1_chunk_ended(&whole.chunk)) {
        check_again(&whole);
        check_trailers(&whole);
    }
    release(&whole);
    release(&pieces);
    return 0;
}
