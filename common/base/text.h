/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - strict ASCII: numbers, case, times.  No locale, no sign, no leading blanks.
 */
#ifndef TRUNKLINE_COMMON_BASE_TEXT_H
#define TRUNKLINE_COMMON_BASE_TEXT_H

#include "common/base/err.h"
#include "common/base/span.h"

/* Digits only, at least one, value <= max; ERR_INVALID otherwise. */
MUST_USE enum err text_parse_u64(struct span s, uint64_t max, uint64_t *out);

/* "150s", "500ms", "2m", "1h"; a bare number means seconds.  Result in milliseconds, <= max_ms. */
MUST_USE enum err text_parse_duration(struct span s, uint64_t max_ms, uint64_t *out_ms);

static inline uint8_t text_lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c | 0x20) : c;
}

static inline bool text_is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* RFC 9110 5.6.2 tchar. */
bool text_is_tchar(uint8_t c);

/* Writes the decimal digits of value into out (at least TEXT_U64_BYTES_MAX) and returns how many;
 * no NUL. */
#define TEXT_U64_BYTES_MAX 20
size_t text_format_u64(uint64_t value, char *out);

/* "2026-11-22T10:41:07.123456Z" from microseconds since 1970; NUL-terminated. */
#define TEXT_TIME_BYTES 28
void text_format_time(uint64_t unix_us, char out[TEXT_TIME_BYTES]);

/* RFC 3339: "2026-11-22T10:41:07Z", with a fraction, with an offset like +01:00, or the date alone;
 * ERR_INVALID otherwise. */
MUST_USE enum err text_parse_time(struct span s, uint64_t *unix_us);

/* snprintf into out that must fit; returns the length without the NUL, ASSERTs that it fitted. */
size_t text_format(char *out, size_t out_bytes, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
