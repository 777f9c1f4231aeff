/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex.c - lowercase hexadecimal, both ways.
 */
#include "common/base/hex.h"

#include "common/base/text.h"

void hex_encode(struct span bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        *out++ = digits[bytes.ptr[i] >> 4];
        *out++ = digits[bytes.ptr[i] & 15];
    }
    *out = '\0';
}

/* 0 to 15, or 16 for what is no lowercase digit. */
static uint8_t digit_value(uint8_t c)
{
    if (text_is_digit(c))
        return (uint8_t)(c - '0');
    return c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) : 16;
}

enum err hex_decode(struct span text, uint8_t *out, size_t out_len)
{
    if (text.len % 2 != 0 || text.len / 2 != out_len)
        return ERR_INVALID;
    for (size_t i = 0; i < out_len; i++) {
        uint8_t high = digit_value(text.ptr[2 * i]), low = digit_value(text.ptr[2 * i + 1]);
        if (high > 15 || low > 15)
            return ERR_INVALID;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return ERR_OK;
}
