/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - the content of each record type, checked and written in one way.
 */
#include "common/model/record.h"

#include <stdio.h>

#include "common/base/text.h"

#define CAA_TAG_BYTES_MAX 15

struct content_place {
    const struct address_policy *policy;
    bool proxied;
    char *out;
    size_t out_bytes;
    struct problem *problem;
};

typedef enum err content_check_fn(const struct content_place *place, struct span text);

/* Names that resolve on the edge's own host or network alone (RFC 6761, 6762, 8375, 9476). */
static const char *const inner_names[] = {"localhost", "localdomain", "local",
                                          "internal",  "intranet",    "corp",
                                          "home",      "home.arpa",   "lan"};

static enum err refuse(const struct content_place *place, const char *text)
{
    return problem_set(place->problem, ERR_INVALID, "content", "%s", text);
}

/* What the checks below hand in was parsed by them; it fits unless out is shorter than the input.
 */
static enum err put(const struct content_place *place, struct span text)
{
    if (!span_to_cstr(text, place->out, place->out_bytes))
        return refuse(place, "is too long or contains a NUL");
    return ERR_OK;
}

static void set_path(struct problem *problem, const char *path)
{
    if (problem != NULL)
        text_format(problem->path, sizeof(problem->path), "%s", path);
}

static enum err put_address(const struct content_place *place, const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES];
    if (place->proxied) {
        enum err err = address_policy_check(place->policy, address, place->problem);
        if (err != ERR_OK) {
            set_path(place->problem, "content");
            return err;
        }
    }
    address_format(address, text);
    return put(place, span_str(text));
}

static enum err check_a(const struct content_place *place, struct span text)
{
    struct address address;
    bool quad = span_find(text, ':') == text.len;
    if (!quad || address_parse(text, &address) != ERR_OK)
        return refuse(place, "must be an IPv4 address like 198.51.100.4");
    return put_address(place, &address);
}

static enum err check_aaaa(const struct content_place *place, struct span text)
{
    struct address address;
    if (address_parse(text, &address) != ERR_OK || address_is_v4(&address))
        return refuse(place, "must be an IPv6 address like 2001:db8::4");
    return put_address(place, &address);
}

static enum err parse_name(const struct content_place *place, struct span text,
                           struct hostname *out)
{
    enum err err = hostname_parse(text, HOSTNAME_EXACT, out, place->problem);
    if (err != ERR_OK)
        set_path(place->problem, "content");
    return err;
}

/* An operator who allows ranges has origins inside and may use its names. */
static enum err check_inner_name(const struct content_place *place, const struct hostname *name)
{
    if (!place->proxied || place->policy->allowed.count > 0)
        return ERR_OK;
    for (size_t i = 0; i < countof(inner_names); i++) {
        const char *inner = inner_names[i];
        if (hostname_within(hostname_span(name), span_str(inner)))
            return problem_set(place->problem, ERR_ORIGIN_ADDRESS, "content",
                               "names under %s are not allowed as origins", inner);
    }
    return ERR_OK;
}

static enum err check_name(const struct content_place *place, struct span text)
{
    struct hostname name;
    TRY(parse_name(place, text, &name));
    TRY(check_inner_name(place, &name));
    return put(place, hostname_span(&name));
}

static enum err check_txt(const struct content_place *place, struct span text)
{
    if (text.len == 0)
        return refuse(place, "must not be empty");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return refuse(place, "must not contain control characters");
    }
    return put(place, text);
}

/* The next word of a text whose words stand apart by blanks. */
static struct span next_word(struct span *rest)
{
    *rest = span_trim(*rest);
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\t')
        len++;
    struct span word = span_first(*rest, len);
    *rest = span_trim(span_skip(*rest, len));
    return word;
}

static bool is_caa_tag(struct span tag)
{
    for (size_t i = 0; i < tag.len; i++) {
        uint8_t c = text_lower(tag.ptr[i]);
        if (!text_is_digit(c) && (uint8_t)(c - 'a') >= 26)
            return false;
    }
    return tag.len > 0 && tag.len <= CAA_TAG_BYTES_MAX;
}

/* flags tag "value" (RFC 8659 4.1.1) */
static enum err check_caa(const struct content_place *place, struct span text)
{
    struct span rest = text;
    struct span flags_text = next_word(&rest);
    struct span tag = next_word(&rest);
    uint64_t flags = 0;
    if (text_parse_u64(flags_text, 255, &flags) != ERR_OK || !is_caa_tag(tag))
        return refuse(place, "must be like 0 issue \"ca.example.net\"");
    if (rest.len >= 2 && rest.ptr[0] == '"' && rest.ptr[rest.len - 1] == '"')
        rest = span_first(span_skip(rest, 1), rest.len - 2);
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] < ' ' || rest.ptr[i] >= 0x7f || rest.ptr[i] == '"')
            return refuse(place, "has a value with a character that CAA does not allow");
    }
    int len = snprintf(place->out, place->out_bytes, "%u %.*s \"%.*s\"", (unsigned)flags,
                       SPAN_ARG(tag), SPAN_ARG(rest));
    if (len < 0 || (size_t)len >= place->out_bytes)
        return refuse(place, "is too long");
    return ERR_OK;
}

/* priority weight port name (RFC 2782); "." is the name of a service that is not there. */
static enum err check_srv(const struct content_place *place, struct span text)
{
    struct span rest = text;
    uint64_t numbers[3] = {0};
    for (size_t i = 0; i < countof(numbers); i++) {
        if (text_parse_u64(next_word(&rest), UINT16_MAX, &numbers[i]) != ERR_OK)
            return refuse(place, "must be like 10 5 443 sip.example.net");
    }
    struct hostname name = {.text = ".", .len = 1};
    if (!span_equal(rest, SPAN(".")))
        TRY(parse_name(place, rest, &name));
    int len = snprintf(place->out, place->out_bytes, "%u %u %u %s", (unsigned)numbers[0],
                       (unsigned)numbers[1], (unsigned)numbers[2], name.text);
    if (len < 0 || (size_t)len >= place->out_bytes)
        return refuse(place, "is too long");
    return ERR_OK;
}

struct record_row {
    const char *name;
    bool proxiable;
    content_check_fn *check;
};

static const struct record_row rows[] = {
    [RECORD_A] = {"A", true, check_a},
    [RECORD_AAAA] = {"AAAA", true, check_aaaa},
    [RECORD_CNAME] = {"CNAME", true, check_name},
    [RECORD_TXT] = {"TXT", false, check_txt},
    [RECORD_MX] = {"MX", false, check_name},
    [RECORD_NS] = {"NS", false, check_name},
    [RECORD_CAA] = {"CAA", false, check_caa},
    [RECORD_SRV] = {"SRV", false, check_srv},
    [RECORD_PTR] = {"PTR", false, check_name},
    [RECORD_HTTPS] = {"HTTPS", false, check_txt},
    [RECORD_SVCB] = {"SVCB", false, check_txt},
    [RECORD_TLSA] = {"TLSA", false, check_txt},
    [RECORD_SSHFP] = {"SSHFP", false, check_txt},
    [RECORD_DS] = {"DS", false, check_txt},
    [RECORD_DNSKEY] = {"DNSKEY", false, check_txt},
    [RECORD_LOC] = {"LOC", false, check_txt},
    [RECORD_NAPTR] = {"NAPTR", false, check_txt},
    [RECORD_URI] = {"URI", false, check_txt},
    [RECORD_CERT] = {"CERT", false, check_txt},
    [RECORD_SMIMEA] = {"SMIMEA", false, check_txt},
    [RECORD_OPENPGPKEY] = {"OPENPGPKEY", false, check_txt},
};

const char *record_type_name(enum record_type type)
{
    ASSERT((size_t)type < countof(rows));
    return rows[type].name;
}

enum err record_type_parse(struct span text, enum record_type *out)
{
    for (size_t i = 0; i < countof(rows); i++) {
        if (span_equal(text, span_str(rows[i].name))) {
            *out = (enum record_type)i;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

bool record_type_proxiable(enum record_type type)
{
    ASSERT((size_t)type < countof(rows));
    return rows[type].proxiable;
}

enum err record_check_content(const struct record_content *content,
                              const struct address_policy *policy, char *out, size_t out_bytes,
                              struct problem *problem)
{
    ASSERT((size_t)content->type < countof(rows) && out_bytes > 0);
    const struct content_place place = {policy, content->proxied, out, out_bytes, problem};
    out[0] = '\0';
    if (content->proxied && !rows[content->type].proxiable)
        return problem_set(problem, ERR_INVALID, "proxied",
                           "only A, AAAA and CNAME records can be proxied");
    if (content->text.len > RECORD_CONTENT_BYTES_MAX)
        return problem_set(problem, ERR_INVALID, "content", "must be at most %d bytes long",
                           RECORD_CONTENT_BYTES_MAX);
    return rows[content->type].check(&place, content->text);
}
