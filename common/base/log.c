/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.c - JSON lines on stderr, one write(2) each.
 */
#include "common/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/text.h"

/* PIPE_BUF is 4096: lines up to there do not interleave with those of other processes. */
#define LINE_BYTES_MAX 4096
#define TEXT_BYTES_MAX 1024

/* Set once by log_open, before there are threads. */
static struct {
    const char *component;
    enum log_level level; /* LOG_INFO where log_open was not called */
    bool opened;
} opened_log;

static const struct span level_names[] = {
    [LOG_DEBUG] = {(const uint8_t *)"debug", 5},
    [LOG_INFO] = {(const uint8_t *)"info", 4},
    [LOG_WARN] = {(const uint8_t *)"warn", 4},
    [LOG_ERROR] = {(const uint8_t *)"error", 5},
};

static bool parse_level(struct span name, enum log_level *out)
{
    for (size_t i = 0; i < countof(level_names); i++) {
        if (span_equal(name, level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* "worker" names the component "worker-0" too. */
static bool names_component(struct span name, struct span component)
{
    if (name.len == 0 || !span_starts_with(component, name))
        return false;
    return component.len == name.len || component.ptr[name.len] == '-';
}

/* One part of LOG: "debug", or "worker:debug", which wins over the former wherever it stands. */
static bool apply_part(struct span part, enum log_level *every, enum log_level *own,
                       bool *own_given)
{
    struct span rest = span_trim(part), first = span_split(&rest, ':');
    enum log_level level;

    if (first.len == part.len)
        return parse_level(first, every);
    if (!parse_level(rest, &level))
        return false;
    if (names_component(first, span_str(opened_log.component))) {
        *own = level;
        *own_given = true;
    }
    return true;
}

void log_open(const char *component)
{
    struct span rest = span_str(getenv("LOG"));
    enum log_level every = LOG_INFO, own = LOG_INFO;
    bool own_given = false;

    opened_log.component = component;
    opened_log.level = LOG_INFO;
    opened_log.opened = true;
    while (rest.len > 0) {
        struct span part = span_trim(span_split(&rest, ','));
        if (part.len > 0 && !apply_part(part, &every, &own, &own_given))
            log_warn("log_level_unknown", F_SPAN("value", part));
    }
    opened_log.level = own_given ? own : every;
}

bool log_enabled(enum log_level level)
{
    return level >= (opened_log.opened ? opened_log.level : LOG_INFO);
}

static void append_text(struct buf *out, struct span text)
{
    bool cut = text.len > TEXT_BYTES_MAX;
    buf_append_byte(out, '"');
    buf_append_json(out, cut ? span_first(text, TEXT_BYTES_MAX) : text);
    buf_append_str(out, cut ? "...\"" : "\"");
}

static void append_i64(struct buf *out, uint64_t number)
{
    bool negative = number > INT64_MAX;
    if (negative)
        buf_append_byte(out, '-');
    buf_append_u64(out, negative ? 0 - number : number);
}

static void append_field(struct buf *out, const struct log_field *field)
{
    buf_append_str(out, ",\"");
    buf_append_json(out, span_str(field->name));
    buf_append_str(out, "\":");
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        append_text(out, field->text);
        break;
    case LOG_FIELD_U64:
        buf_append_u64(out, field->number);
        break;
    case LOG_FIELD_I64:
        append_i64(out, field->number);
        break;
    case LOG_FIELD_BOOL:
        buf_append_str(out, field->number ? "true" : "false");
        break;
    }
}

static void append_text_field(struct buf *line, const char *name, struct span text)
{
    append_field(line, &(struct log_field){name, LOG_FIELD_TEXT, text, 0});
}

/* Fields that no longer fit are left out as a whole: the line stays valid JSON. */
static void append_fields(struct buf *line, const struct log_field *fields)
{
    static const char tail[] = ",\"truncated\":true";
    struct buf one;
    buf_init(&one, LINE_BYTES_MAX);

    for (; fields->name; fields++) {
        buf_clear(&one);
        append_field(&one, fields);
        if (one.overflowed || one.len + sizeof(tail) + sizeof("}\n") > buf_room(line)) {
            buf_append_str(line, tail);
            break;
        }
        buf_append(line, buf_span(&one));
    }
    buf_release(&one);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (!log_enabled(level))
        return;

    char ts[TEXT_TIME_BYTES];
    text_format_time(clock_wall_us(), ts);

    struct buf line;
    buf_init(&line, LINE_BYTES_MAX);
    buf_appendf(&line, "{\"ts\":\"%s\"", ts);
    append_text_field(&line, "level", level_names[level]);
    if (opened_log.component)
        append_text_field(&line, "component", span_str(opened_log.component));
    append_text_field(&line, "event", span_str(event));
    append_fields(&line, fields);
    buf_append_str(&line, "}\n");

    /* A line that cannot be written is lost; there is no place left to say so. */
    while (write(STDERR_FILENO, line.ptr, line.len) < 0 && errno == EINTR)
        continue;
    buf_release(&line);
}
