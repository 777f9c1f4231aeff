/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - strict ASCII: numbers, durations, times.
 */
#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>

enum err text_parse_u64(struct span s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return ERR_INVALID;
    for (size_t i = 0; i < s.len; i++) {
        if (!text_is_digit(s.ptr[i]))
            return ERR_INVALID;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return ERR_INVALID;
        value = value * 10 + digit;
    }
    *out = value;
    return ERR_OK;
}

struct duration_unit {
    struct span suffix;
    uint64_t unit_ms;
};

/* "ms" stands before "m" and "s", which it ends with. */
static const struct duration_unit duration_units[] = {
    {{(const uint8_t *)"ms", 2}, 1},
    {{(const uint8_t *)"s", 1}, 1000},
    {{(const uint8_t *)"m", 1}, 60 * 1000},
    {{(const uint8_t *)"h", 1}, 60 * 60 * 1000},
};

enum err text_parse_duration(struct span s, uint64_t max_ms, uint64_t *out_ms)
{
    uint64_t unit_ms = 1000, count;

    for (size_t i = 0; i < countof(duration_units); i++) {
        const struct duration_unit *unit = &duration_units[i];
        if (!span_ends_with(s, unit->suffix))
            continue;
        s = span_first(s, s.len - unit->suffix.len);
        unit_ms = unit->unit_ms;
        break;
    }
    TRY(text_parse_u64(s, max_ms / unit_ms, &count));
    *out_ms = count * unit_ms;
    return ERR_OK;
}

bool text_is_tchar(uint8_t c)
{
    /* One bit per ASCII character: digits, letters and !#$%&'*+-.^_`|~ */
    static const uint32_t tchars[4] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    return c < 128 && (tchars[c >> 5] >> (c & 31) & 1) != 0;
}

size_t text_format_u64(uint64_t value, char *out)
{
    char digits[TEXT_U64_BYTES_MAX];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(out, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

/* The last `count` decimal digits of value, and the place behind them. */
static char *put_digits(char *out, uint64_t value, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + count;
}

static char *put_byte(char *out, char byte)
{
    *out = byte;
    return out + 1;
}

/* Civil date from days since 1970: years counted from March, so that the leap day comes last. */
static char *put_date(char *out, uint64_t days)
{
    uint64_t shifted = days + 719468; /* days since 0000-03-01 */
    uint64_t era = shifted / 146097, day_of_era = shifted % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t march_month = (5 * day_of_year + 2) / 153;
    uint64_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
    uint64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    uint64_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);

    out = put_byte(put_digits(out, year, 4), '-');
    out = put_byte(put_digits(out, month, 2), '-');
    return put_digits(out, day, 2);
}

void text_format_time(uint64_t unix_us, char out[TEXT_TIME_BYTES])
{
    const uint64_t last_us = 253402300799999999; /* 9999-12-31T23:59:59.999999Z */
    if (unix_us > last_us)
        unix_us = last_us;
    uint64_t seconds = unix_us / 1000000, second_of_day = seconds % 86400;

    char *at = put_byte(put_date(out, seconds / 86400), 'T');
    at = put_byte(put_digits(at, second_of_day / 3600, 2), ':');
    at = put_byte(put_digits(at, second_of_day / 60 % 60, 2), ':');
    at = put_byte(put_digits(at, second_of_day % 60, 2), '.');
    at = put_byte(put_digits(at, unix_us % 1000000, 6), 'Z');
    *at = '\0';
}

/* The number in digits [at, at + count), or -1. */
static int64_t digits_at(struct span s, size_t at, size_t count)
{
    uint64_t value = 0;
    if (at + count > s.len || text_parse_u64(span_of(s.ptr + at, count), 9999, &value) != ERR_OK)
        return -1;
    return (int64_t)value;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, or -1. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && leap ? 1 : 0))
        return -1;
    int64_t before = year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (int64_t m = 1; m < month; m++)
        days += lengths[m - 1] + (m == 2 && leap ? 1 : 0);
    return days + day - 1;
}

static bool byte_at(struct span s, size_t at, uint8_t byte)
{
    return at < s.len && text_lower(s.ptr[at]) == byte;
}

/* ".123456" into microseconds; what is finer is dropped. */
static size_t take_fraction(struct span s, size_t at, int64_t *us)
{
    int64_t unit = 100000;
    if (!byte_at(s, at, '.'))
        return at;
    for (at++; at < s.len && text_is_digit(s.ptr[at]); at++, unit /= 10)
        *us += (s.ptr[at] - '0') * unit;
    return at;
}

/* "Z" or "+01:00", to the end of s; false for anything else. */
static bool take_offset(struct span s, size_t at, int64_t *offset_s)
{
    *offset_s = 0;
    if (byte_at(s, at, 'z'))
        return at + 1 == s.len;
    int64_t hours = digits_at(s, at + 1, 2), minutes = digits_at(s, at + 4, 2);
    bool plus = byte_at(s, at, '+');
    if ((!plus && !byte_at(s, at, '-')) || !byte_at(s, at + 3, ':') || hours < 0 || hours > 23 ||
        minutes < 0 || minutes > 59)
        return false;
    *offset_s = (plus ? 1 : -1) * (hours * 3600 + minutes * 60);
    return at + 6 == s.len;
}

enum err text_parse_time(struct span s, uint64_t *unix_us)
{
    int64_t days = days_of(digits_at(s, 0, 4), digits_at(s, 5, 2), digits_at(s, 8, 2));
    int64_t hour = 0, minute = 0, second = 0, us = 0, offset_s = 0;
    if (days < 0 || !byte_at(s, 4, '-') || !byte_at(s, 7, '-'))
        return ERR_INVALID;
    if (s.len > 10) {
        hour = digits_at(s, 11, 2);
        minute = digits_at(s, 14, 2);
        second = digits_at(s, 17, 2);
        bool marked = (byte_at(s, 10, 't') || byte_at(s, 10, ' ')) && byte_at(s, 13, ':') &&
                      byte_at(s, 16, ':');
        if (!marked || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
            second > 60 || !take_offset(s, take_fraction(s, 19, &us), &offset_s))
            return ERR_INVALID;
    }
    int64_t total_s = days * 86400 + hour * 3600 + minute * 60 + second - offset_s;
    if (total_s < 0)
        return ERR_INVALID;
    *unix_us = (uint64_t)total_s * 1000000 + (uint64_t)us;
    return ERR_OK;
}

size_t text_format(char *out, size_t out_bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, out_bytes, format, args);
    va_end(args);
    ASSERT(len >= 0 && (size_t)len < out_bytes);
    return (size_t)len;
}
