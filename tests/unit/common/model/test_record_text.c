/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_record_text.c - zone files are read and written.
 */
#include "common/model/record_text.h"

#include "tests/unit/common/model/cmocka_all.h"

struct scene {
    struct arena arena;
    struct record_text reader;
    struct record_line line;
    struct problem problem;
};

static void begin(struct scene *scene, const char *text)
{
    *scene = (struct scene){.problem = {.text = ""}};
    arena_init(&scene->arena, NULL);
    record_text_begin(&scene->reader, span_str(text), SPAN("example.com"), &scene->arena);
}

static enum err next(struct scene *scene)
{
    return record_text_next(&scene->reader, &scene->line, &scene->problem);
}

static void expect(struct scene *scene, enum record_type type, const char *name,
                   const char *content)
{
    assert_int_equal(next(scene), ERR_OK);
    assert_int_equal(scene->line.type, type);
    assert_true(span_equal(scene->line.name, span_str(name)));
    assert_true(span_equal(scene->line.content, span_str(content)));
}

static void a_file_is_read_to_its_end(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, "$TTL 2h\n@ IN SOA a. b. ( 1\n 2 ) ; gone\n"
              "www 60 IN A 192.0.2.1\n\tIN AAAA 2001:db8::1\r\n"
              "$ORIGIN sub\n@ MX 10 mx\nfull.example.com. IN 5m CNAME x.example.org.\n"
              "t TXT \"a;b\" \"c\\\"d\"\n_s._t SRV 1 2 3 host\nch CH TXT x\n");

    expect(&s, RECORD_A, "www.example.com", "192.0.2.1");
    assert_int_equal(s.line.ttl_s, 60);
    expect(&s, RECORD_AAAA, "www.example.com", "2001:db8::1");
    assert_int_equal(s.line.ttl_s, 7200);
    expect(&s, RECORD_MX, "sub.example.com", "mx.sub.example.com");
    assert_int_equal(s.line.priority, 10);
    expect(&s, RECORD_CNAME, "full.example.com", "x.example.org");
    assert_int_equal(s.line.ttl_s, 300);
    expect(&s, RECORD_TXT, "t.sub.example.com", "a;bc\"d");
    expect(&s, RECORD_SRV, "_s._t.sub.example.com", "1 2 3 host.sub.example.com");
    assert_int_equal(next(&s), ERR_NOT_FOUND);

    arena_release(&s.arena);
}

static void bad_lines_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path;
    } cases[] = {
        {"a A 192.0.2.1\nb\n", "line 2"},     {"a NOPE x\n", "line 1"},
        {"a TXT \"open\n", "line 1"},         {"a TXT \"open", "line 1"},
        {"a ( A 192.0.2.1\n", "line 2"},      {"a ) A 192.0.2.1\n", "line 1"},
        {"a MX mx.example.org.\n", "line 1"}, {"a A\n", "line 1"},
        {"$INCLUDE other\n", "line 1"},       {"$TTL never\n", "line 1"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct scene s;
        enum err err;
        begin(&s, cases[i].text);
        while ((err = next(&s)) == ERR_OK)
            continue;
        assert_int_equal(err, ERR_INVALID);
        assert_string_equal(s.problem.path, cases[i].path);
        arena_release(&s.arena);
    }
}

static void more_words_than_a_record_has_are_refused(void **state)
{
    (void)state;
    struct scene s;
    struct buf text;
    buf_init(&text, 4096);
    buf_append_str(&text, "a TXT");
    for (int i = 0; i < 100; i++)
        buf_append_str(&text, " x");
    begin(&s, buf_cstr(&text));

    assert_int_equal(next(&s), ERR_INVALID);

    buf_release(&text);
    arena_release(&s.arena);
}

static void what_was_written_reads_the_same(void **state)
{
    (void)state;
    static const struct record_line lines[] = {
        {SPAN("www.example.com"), SPAN("192.0.2.1"), RECORD_A, 300, 0, false},
        {SPAN("example.com"), SPAN("mx.example.org"), RECORD_MX, 1, 20, true},
        {SPAN("t.example.com"), SPAN("say \"hi\" \\ back; done"), RECORD_TXT, 60, 0, false},
        {SPAN("c.example.com"), SPAN("0 issue \"ca.example\""), RECORD_CAA, 60, 0, false},
        {SPAN("s.example.com"), SPAN("1 2 3 ."), RECORD_SRV, 60, 0, false},
    };
    struct buf text;
    buf_init(&text, 4096);
    for (size_t i = 0; i < countof(lines); i++) {
        record_text_write(&lines[i], &text);
        buf_append_byte(&text, '\n');
    }
    struct scene s;
    begin(&s, buf_cstr(&text));

    for (size_t i = 0; i < countof(lines); i++) {
        assert_int_equal(next(&s), ERR_OK);
        assert_int_equal(s.line.type, lines[i].type);
        assert_int_equal(s.line.ttl_s, lines[i].ttl_s);
        assert_int_equal(s.line.priority, lines[i].priority);
        assert_true(span_equal(s.line.name, lines[i].name));
        assert_true(span_equal(s.line.content, lines[i].content));
    }

    buf_release(&text);
    arena_release(&s.arena);
}

static void a_long_text_is_written_in_pieces(void **state)
{
    (void)state;
    char bytes[600];
    memset(bytes, 'x', sizeof(bytes));
    const struct record_line line = {
        SPAN("t.example.com"), span_of(bytes, sizeof(bytes)), RECORD_TXT, 60, 0, false};
    struct buf text;
    buf_init(&text, 4096);
    record_text_write(&line, &text);
    struct scene s;
    begin(&s, buf_cstr(&text));

    assert_non_null(strstr(buf_cstr(&text), "x\" \"x"));
    assert_int_equal(next(&s), ERR_OK);
    assert_true(span_equal(s.line.content, line.content));

    buf_release(&text);
    arena_release(&s.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_to_its_end),
        cmocka_unit_test(bad_lines_say_where),
        cmocka_unit_test(more_words_than_a_record_has_are_refused),
        cmocka_unit_test(what_was_written_reads_the_same),
        cmocka_unit_test(a_long_text_is_written_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
