/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_text.c - DNS records as a zone file: read and written.
 */
#include "common/model/record_text.h"

#include "common/base/text.h"
#include "common/model/limits.h"

#define WORDS_MAX 64
#define TTL_S_MAX 2147483647

/* One entry: its words, quoted ones without their quotes; a word that begins a line says the owner.
 */
struct entry {
    struct span words[WORDS_MAX];
    bool quoted[WORDS_MAX];
    size_t count;
    bool owner_given; /* the line began with a word, not with a blank */
};

void record_text_begin(struct record_text *reader, struct span text, struct span origin,
                       struct arena *arena)
{
    *reader = (struct record_text){
        .rest = text,
        .origin = origin,
        .owner = origin,
        .ttl_s = 1,
        .line = 1,
        .arena = arena,
    };
}

static enum err refuse(const struct record_text *reader, const char *text, struct problem *problem)
{
    char path[32];
    text_format(path, sizeof(path), "line %zu", reader->line);
    return problem_set(problem, ERR_INVALID, path, "%s", text);
}

static uint8_t take(struct record_text *reader)
{
    uint8_t c = reader->rest.ptr[0];
    reader->rest = span_skip(reader->rest, 1);
    if (c == '\n')
        reader->line++;
    return c;
}

static void skip_comment(struct record_text *reader)
{
    while (reader->rest.len > 0 && reader->rest.ptr[0] != '\n')
        (void)take(reader);
}

/* Behind the opening quote; a backslash keeps what follows as it is. */
static enum err read_quoted(struct record_text *reader, struct span *out, struct problem *problem)
{
    /* As long as it is and no longer: a file may have very many of them. */
    size_t room = 0, len = 0;
    while (room < reader->rest.len && reader->rest.ptr[room] != '"')
        room += reader->rest.ptr[room] == '\\' ? 2 : 1;
    if (room >= reader->rest.len || room > 2 * RECORD_CONTENT_BYTES_MAX)
        return refuse(reader, "has a text without an end, or one that is too long", problem);
    uint8_t *bytes = arena_alloc(reader->arena, room + 1);
    while (reader->rest.len > 0) {
        uint8_t c = take(reader);
        if (c == '"') {
            *out = span_of(bytes, len);
            return ERR_OK;
        }
        if (c == '\\' && reader->rest.len > 0)
            c = take(reader);
        if (c == '\n')
            break;
        bytes[len++] = c;
    }
    return refuse(reader, "has a text without an end", problem);
}

static struct span read_word(struct record_text *reader)
{
    size_t len = 0;
    while (len < reader->rest.len && !memchr(" \t\r\n;()\"", reader->rest.ptr[len], 9))
        len++;
    struct span word = span_first(reader->rest, len);
    reader->rest = span_skip(reader->rest, len);
    return word;
}

static enum err add_word(struct record_text *reader, struct entry *entry, struct problem *problem)
{
    if (entry->count == WORDS_MAX)
        return refuse(reader, "has too many words", problem);
    bool quoted = reader->rest.ptr[0] == '"';
    struct span *word = &entry->words[entry->count];
    entry->quoted[entry->count++] = quoted;
    if (!quoted) {
        *word = read_word(reader);
        return ERR_OK;
    }
    (void)take(reader);
    return read_quoted(reader, word, problem);
}

/* To the end of a line, or of several within parentheses. */
static enum err read_entry(struct record_text *reader, struct entry *entry, struct problem *problem)
{
    size_t depth = 0;
    *entry = (struct entry){0};
    entry->owner_given = reader->rest.len > 0 && !memchr(" \t", reader->rest.ptr[0], 2);
    while (reader->rest.len > 0) {
        uint8_t c = reader->rest.ptr[0];
        if (c == '\n' && depth == 0)
            break;
        if (c == ';')
            skip_comment(reader);
        else if (c == '(' || c == ')' || memchr(" \t\r\n", c, 4))
            (void)take(reader);
        else
            TRY(add_word(reader, entry, problem));
        if (c == ')' && depth == 0)
            return refuse(reader, "closes what was not opened", problem);
        depth += c == '(' ? 1 : c == ')' ? (size_t)-1 : 0;
    }
    return depth == 0 ? ERR_OK : refuse(reader, "opens what is not closed", problem);
}

/* "300", "5m", "1h", "2d", "1w". */
static bool parse_ttl(struct span word, uint64_t *out)
{
    static const struct {
        char unit;
        uint64_t factor;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t factor = 1;
    for (size_t i = 0; word.len > 1 && i < countof(units); i++) {
        if (text_lower(word.ptr[word.len - 1]) != (uint8_t)units[i].unit)
            continue;
        factor = units[i].factor;
        word = span_first(word, word.len - 1);
        break;
    }
    if (text_parse_u64(word, TTL_S_MAX / factor, out) != ERR_OK)
        return false;
    *out *= factor;
    return true;
}

/* "@" is the origin; a name without a dot at its end lies below it. */
static struct span whole_name(struct record_text *reader, struct span word)
{
    if (span_equal(word, SPAN("@")))
        return reader->origin;
    if (word.len > 0 && word.ptr[word.len - 1] == '.')
        return span_first(word, word.len - 1);
    struct buf name;
    buf_init(&name, word.len + 1 + LIMIT_HOSTNAME_BYTES);
    buf_append(&name, word);
    buf_append_byte(&name, '.');
    buf_append(&name, reader->origin);
    struct span whole = arena_copy(reader->arena, buf_span(&name));
    buf_release(&name);
    return whole;
}

static enum err take_directive(struct record_text *reader, const struct entry *entry,
                               struct problem *problem)
{
    if (entry->count == 2 && span_equal(entry->words[0], SPAN("$ORIGIN")) &&
        entry->words[1].len <= LIMIT_HOSTNAME_BYTES + 1) {
        reader->origin = whole_name(reader, entry->words[1]);
        return reader->origin.len <= LIMIT_HOSTNAME_BYTES
                   ? ERR_OK
                   : refuse(reader, "has an origin that is too long", problem);
    }
    if (entry->count == 2 && span_equal(entry->words[0], SPAN("$TTL")) &&
        parse_ttl(entry->words[1], &reader->ttl_s))
        return ERR_OK;
    return refuse(reader, "is a directive that is not known", problem);
}

static bool is_class(struct span word)
{
    return word.len == 2 &&
           (text_lower(word.ptr[0]) == 'i' || text_lower(word.ptr[0]) == 'c' ||
            text_lower(word.ptr[0]) == 'h') &&
           (text_lower(word.ptr[1]) == 'n' || text_lower(word.ptr[1]) == 'h' ||
            text_lower(word.ptr[1]) == 's');
}

/* The last word of these is a name, which may be relative. */
static bool ends_in_name(enum record_type type)
{
    return type == RECORD_CNAME || type == RECORD_NS || type == RECORD_MX || type == RECORD_PTR ||
           type == RECORD_SRV;
}

static enum err join_content(struct record_text *reader, const struct entry *entry, size_t at,
                             struct record_line *out, struct problem *problem)
{
    struct buf content;
    buf_init(&content, RECORD_CONTENT_BYTES_MAX);
    for (size_t i = at; i < entry->count; i++) {
        struct span word = entry->words[i];
        if (i + 1 == entry->count && ends_in_name(out->type) && !span_equal(word, SPAN(".")))
            word = whole_name(reader, word);
        /* Pieces of one text are one text (RFC 7208 3.3). */
        if (i > at && out->type != RECORD_TXT)
            buf_append_byte(&content, ' ');
        if (entry->quoted[i] && out->type != RECORD_TXT)
            buf_appendf(&content, "\"%.*s\"", SPAN_ARG(word));
        else
            buf_append(&content, word);
    }
    bool fits = !content.overflowed && content.len > 0;
    out->content = fits ? arena_copy(reader->arena, buf_span(&content)) : SPAN_EMPTY;
    buf_release(&content);
    return fits ? ERR_OK : refuse(reader, "has no content, or too much", problem);
}

/* [ttl] [class] or [class] [ttl], type, content. */
static enum err take_record(struct record_text *reader, const struct entry *entry,
                            struct record_line *out, struct problem *problem)
{
    size_t at = 0;
    if (entry->owner_given)
        reader->owner = whole_name(reader, entry->words[at++]);
    *out = (struct record_line){.name = reader->owner, .ttl_s = reader->ttl_s};
    bool foreign = false;
    for (size_t i = 0; i < 2 && at < entry->count; i++) {
        if (parse_ttl(entry->words[at], &out->ttl_s)) {
            at++;
        } else if (is_class(entry->words[at])) {
            foreign = text_lower(entry->words[at].ptr[0]) != 'i';
            at++;
        }
    }
    if (at == entry->count)
        return refuse(reader, "has no type", problem);
    struct span type = arena_copy(reader->arena, entry->words[at++]);
    if (foreign || span_equal(type, SPAN("SOA")))
        return ERR_NOT_FOUND;
    if (record_type_parse(type, &out->type) != ERR_OK)
        return refuse(reader, "has a type that is not known", problem);
    if (out->type == RECORD_MX) {
        out->priority_given = at < entry->count && text_parse_u64(entry->words[at], UINT16_MAX,
                                                                  &out->priority) == ERR_OK;
        if (!out->priority_given)
            return refuse(reader, "is an MX record without a priority", problem);
        at++;
    }
    return join_content(reader, entry, at, out, problem);
}

enum err record_text_next(struct record_text *reader, struct record_line *out,
                          struct problem *problem)
{
    while (reader->rest.len > 0) {
        struct entry entry;
        if (reader->rest.ptr[0] == '\n') {
            (void)take(reader);
            continue;
        }
        TRY(read_entry(reader, &entry, problem));
        if (entry.count == 0)
            continue;
        if (entry.words[0].len > 0 && entry.words[0].ptr[0] == '$' && !entry.quoted[0]) {
            TRY(take_directive(reader, &entry, problem));
            continue;
        }
        enum err err = take_record(reader, &entry, out, problem);
        if (err != ERR_NOT_FOUND)
            return err;
    }
    return ERR_NOT_FOUND;
}

static void write_text(struct span text, struct buf *out)
{
    /* A string of a TXT record has at most 255 bytes (RFC 1035 3.3). */
    for (size_t i = 0; i < text.len || i == 0; i++) {
        if (i % 255 == 0)
            buf_append_str(out, i == 0 ? "\"" : "\" \"");
        if (text.len == 0)
            break;
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_append_byte(out, '\\');
        buf_append_byte(out, text.ptr[i]);
    }
    buf_append_byte(out, '"');
}

void record_text_write(const struct record_line *line, struct buf *out)
{
    buf_appendf(out, "%.*s.\t%llu\tIN\t%s\t", SPAN_ARG(line->name), (unsigned long long)line->ttl_s,
                record_type_name(line->type));
    if (line->type == RECORD_MX)
        buf_appendf(out, "%llu ", (unsigned long long)line->priority);
    if (line->type == RECORD_TXT)
        write_text(line->content, out);
    else
        buf_append(out, line->content);
    bool named = ends_in_name(line->type);
    if (named && line->content.len > 0 && line->content.ptr[line->content.len - 1] != '.')
        buf_append_byte(out, '.');
}
