/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assert.c - the last line of a process with a broken invariant.
 */
#include "common/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/text.h"

/* The text as the inside of a JSON string; takes no memory, since memory may be what ran out. */
static void escape(const char *text, char *out, size_t out_bytes)
{
    size_t at = 0;
    for (; *text && at + 2 < out_bytes; text++) {
        if (*text == '"' || *text == '\\')
            out[at++] = '\\';
        out[at++] = (uint8_t)*text < 0x20 ? ' ' : *text;
    }
    out[at] = '\0';
}

_Noreturn void assert_failed(const char *expr, const char *file, int line)
{
    char ts[TEXT_TIME_BYTES], safe_expr[512], safe_file[256], text[1024];

    text_format_time(clock_wall_us(), ts);
    escape(expr, safe_expr, sizeof(safe_expr));
    escape(file, safe_file, sizeof(safe_file));
    int len = snprintf(text, sizeof(text),
                       "{\"ts\":\"%s\",\"level\":\"error\",\"event\":\"assert_failed\","
                       "\"expr\":\"%s\",\"file\":\"%s\",\"line\":%d}\n",
                       ts, safe_expr, safe_file, line);
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        abort();
    abort();
}
