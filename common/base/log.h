/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - JSON lines on stderr: ts, level, event, then typed fields.
 *
 *     log_warn("origin_connect_failed", F_SPAN("zone", id), F_U64("took_ms", t), F_ERR(err));
 *
 * `event` is a stable noun_verb that is found in the code, never a sentence.  Levels: error = a
 * person must act, warn = degraded, info = lifecycle, debug = per connection (off by default;
 * LOG=debug in the environment switches it on).  One line is one write(2).
 */
#ifndef TRUNKLINE_COMMON_BASE_LOG_H
#define TRUNKLINE_COMMON_BASE_LOG_H

#include "common/base/err.h"
#include "common/base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_kind { LOG_FIELD_TEXT, LOG_FIELD_U64, LOG_FIELD_I64, LOG_FIELD_BOOL };

struct log_field {
    const char *name;
    enum log_kind kind;
    struct span text;
    uint64_t number;
};

#define F_STR(n, cstr) ((struct log_field){(n), LOG_FIELD_TEXT, span_str(cstr), 0})
#define F_SPAN(n, s) ((struct log_field){(n), LOG_FIELD_TEXT, (s), 0})
#define F_U64(n, v) ((struct log_field){(n), LOG_FIELD_U64, SPAN_EMPTY, (uint64_t)(v)})
#define F_I64(n, v) ((struct log_field){(n), LOG_FIELD_I64, SPAN_EMPTY, (uint64_t)(int64_t)(v)})
#define F_BOOL(n, v) ((struct log_field){(n), LOG_FIELD_BOOL, SPAN_EMPTY, (v) ? 1u : 0u})
#define F_ERR(e) F_STR("err", err_slug(e))

/* A NULL name ends the fields. */
#define LOG_END ((struct log_field){NULL, LOG_FIELD_TEXT, SPAN_EMPTY, 0})
#define log_event(level, event, ...) \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__, LOG_END})
#define log_debug(event, ...)                         \
    do {                                              \
        if (log_enabled(LOG_DEBUG))                   \
            log_event(LOG_DEBUG, event, __VA_ARGS__); \
    } while (0)
#define log_info(event, ...) log_event(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) log_event(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_ERROR, event, __VA_ARGS__)

/* Reads LOG from the environment; `component` ("control", "supervisor", "worker-0") is put on every
 * line. component must outlive the process. */
void log_open(const char *component);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#endif
