/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostname.c - hostnames, read strictly and written in one way.
 */
#include "common/model/hostname.h"

#include "common/base/text.h"

#define LABEL_BYTES_MAX 63

static enum err bad_byte(uint8_t byte, struct problem *problem)
{
    if (byte >= 0x80)
        return problem_set(problem, ERR_INVALID, "",
                           "write names with other letters in their A-label form (xn--...)");
    if (byte == '*')
        return problem_set(problem, ERR_INVALID, "",
                           "a star may only be the whole first label of a wildcard");
    if (byte <= ' ' || byte == 0x7f)
        return problem_set(problem, ERR_INVALID, "", "must not contain the byte 0x%02x", byte);
    return problem_set(problem, ERR_INVALID, "", "must not contain '%c'", byte);
}

static enum err check_label(struct span label, struct problem *problem)
{
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.ptr[i];
        if (!text_is_digit(c) && (uint8_t)(c - 'a') >= 26 && c != '-' && c != '_')
            return bad_byte(c, problem);
    }
    if (label.len == 0)
        return problem_set(problem, ERR_INVALID, "", "has an empty label");
    if (label.len > LABEL_BYTES_MAX)
        return problem_set(problem, ERR_INVALID, "", "has a label of more than %d characters",
                           LABEL_BYTES_MAX);
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return problem_set(problem, ERR_INVALID, "",
                           "has a label that starts or ends with a hyphen");
    return ERR_OK;
}

/* What a resolver may take for an IPv4 address: "1", "0x7f" (WHATWG URL, "ends in a number"). */
static bool looks_numeric(struct span label)
{
    bool hex = span_starts_with(label, SPAN("0x"));
    for (size_t i = hex ? 2 : 0; i < label.len; i++) {
        uint8_t c = label.ptr[i];
        if (!text_is_digit(c) && !(hex && (uint8_t)(c - 'a') < 6))
            return false;
    }
    return true;
}

static enum err check_labels(struct span text, struct problem *problem)
{
    struct span label = SPAN_EMPTY;
    for (bool more = true; more;) {
        more = span_find(text, '.') < text.len;
        label = span_split(&text, '.');
        TRY(check_label(label, problem));
    }
    if (looks_numeric(label))
        return problem_set(problem, ERR_INVALID, "", "is an address or a number, not a name");
    return ERR_OK;
}

enum err hostname_parse(struct span text, enum hostname_form form, struct hostname *out,
                        struct problem *problem)
{
    *out = (struct hostname){.len = 0};
    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len == 0)
        return problem_set(problem, ERR_INVALID, "", "must not be empty");
    if (text.len > LIMIT_HOSTNAME_BYTES)
        return problem_set(problem, ERR_INVALID, "", "has more than %d characters",
                           LIMIT_HOSTNAME_BYTES);

    struct hostname name = {.len = text.len};
    for (size_t i = 0; i < text.len; i++)
        name.text[i] = (char)text_lower(text.ptr[i]);
    struct span labels = hostname_span(&name);
    if (form == HOSTNAME_WILDCARD && span_starts_with(labels, SPAN("*.")))
        labels = span_skip(labels, 2);
    TRY(check_labels(labels, problem));
    *out = name;
    return ERR_OK;
}

bool hostname_within(struct span name, struct span zone)
{
    if (zone.len == 0 || !span_ends_with(name, zone))
        return false;
    return name.len == zone.len || name.ptr[name.len - zone.len - 1] == '.';
}

bool hostname_wildcard_of(struct span name, struct hostname *out)
{
    *out = (struct hostname){.len = 0};
    size_t dot = span_find(name, '.');
    if (dot == 0 || dot + 1 >= name.len || name.len > LIMIT_HOSTNAME_BYTES)
        return false;
    out->len = name.len - dot + 1;
    out->text[0] = '*';
    memcpy(out->text + 1, name.ptr + dot, name.len - dot);
    return true;
}
