/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostname_idn.c - U-labels to A-labels, by libidn2.
 */
#include "control/change/hostname_idn.h"

#include <idn2.h>

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 0x80)
            return false;
    return true;
}

enum err hostname_idn_parse(struct span text, enum hostname_form form, struct hostname *out,
                            struct problem *problem)
{
    uint8_t unicode[IDN_BYTES_MAX + 1], *ascii = NULL;
    if (is_ascii(text))
        return hostname_parse(text, form, out, problem);
    *out = (struct hostname){.len = 0};
    if (text.len > IDN_BYTES_MAX)
        return problem_set(problem, ERR_INVALID, "", "has more than %d bytes", IDN_BYTES_MAX);
    if (span_find(text, '\0') < text.len)
        return problem_set(problem, ERR_INVALID, "", "must not contain the byte 0x00");
    memcpy(unicode, text.ptr, text.len);
    unicode[text.len] = '\0';
    /* Without transitional forms: "straße" is a name of its own (UTS #46, 4). */
    int rc = idn2_lookup_u8(unicode, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return problem_set(problem, ERR_INVALID, "", "%s", idn2_strerror(rc));
    enum err err = hostname_parse(span_str((const char *)ascii), form, out, problem);
    idn2_free(ascii);
    return err;
}
