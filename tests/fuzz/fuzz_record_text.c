/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_record_text.c - whatever a zone file says, its reader comes to an end, and a record that was
 * read reads the same when it is written.
 */
#include "common/model/record_text.h"

#include "tests/fuzz/fuzz.h"

static void check_written(const struct record_line *line, struct arena *arena)
{
    struct record_text reader;
    struct record_line again;
    struct problem problem;
    struct buf text;
    buf_init(&text, 65536);
    record_text_write(line, &text);
    record_text_begin(&reader, buf_span(&text), SPAN("example.com"), arena);
    /* Names and content are checked by who makes a record of them; only what is plain is compared.
     */
    if (line->type == RECORD_TXT && span_find(line->name, '"') == line->name.len &&
        record_text_next(&reader, &again, &problem) == ERR_OK)
        ASSERT(again.type != RECORD_TXT || span_equal(again.content, line->content));
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena;
    struct record_text reader;
    struct record_line line;
    struct problem problem;
    enum err err;
    arena_init(&arena, NULL);
    record_text_begin(&reader, span_of(bytes, len), SPAN("example.com"), &arena);
    while ((err = record_text_next(&reader, &line, &problem)) == ERR_OK) {
        ASSERT(line.content.len > 0 && line.content.len <= RECORD_CONTENT_BYTES_MAX);
        check_written(&line, &arena);
    }
    ASSERT(err == ERR_NOT_FOUND || err == ERR_INVALID);
    arena_release(&arena);
    return 0;
}
