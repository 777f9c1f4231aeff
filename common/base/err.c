/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.c - the error table as lookups, and problems for people.
 */
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *slug;
    int api_status, edge_status;
    enum err_retry retry;
    enum err_fault fault;
};

static const struct err_row rows[] = {
#define X(name, slug, api, edge, retry, fault) {slug, api, edge, RETRY_##retry, FAULT_##fault},
    ERR_TABLE(X)
#undef X
};

static const struct err_row *row_of(enum err err)
{
    ASSERT((size_t)err < countof(rows));
    return &rows[err];
}

const char *err_slug(enum err err)
{
    return row_of(err)->slug;
}

int err_api_status(enum err err)
{
    return row_of(err)->api_status;
}

int err_edge_status(enum err err)
{
    return row_of(err)->edge_status;
}

enum err_retry err_retry(enum err err)
{
    return row_of(err)->retry;
}

enum err_fault err_fault(enum err err)
{
    return row_of(err)->fault;
}

/* A text that was cut must not end inside a UTF-8 sequence: JSON could not carry it. */
static void cut_at_character(char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 4 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (uint8_t)text[start - 1] < 0xc0)
        return;

    uint8_t lead = (uint8_t)text[start - 1];
    size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (len - (start - 1) < need)
        text[start - 1] = '\0';
}

enum err problem_set(struct problem *problem, enum err code, const char *path, const char *format,
                     ...)
{
    if (!problem)
        return code;

    problem->code = code;
    int len = snprintf(problem->path, sizeof(problem->path), "%s", path ? path : "");
    if (len >= (int)sizeof(problem->path))
        cut_at_character(problem->path, sizeof(problem->path) - 1);

    va_list args;
    va_start(args, format);
    len = vsnprintf(problem->text, sizeof(problem->text), format, args);
    va_end(args);
    if (len >= (int)sizeof(problem->text))
        cut_at_character(problem->text, sizeof(problem->text) - 1);
    return code;
}
