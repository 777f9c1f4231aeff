/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_apply.c - what a client said of a record, checked and put over what there is.
 */
#include "control/change/record_apply.h"

#include "common/base/buf.h"
#include "common/base/text.h"
#include "control/change/hostname_idn.h"

struct apply {
    struct change *change;
    struct span zone;
    const struct change_record_spec *spec;
    struct store_record *record;
    struct problem *problem;
};

static enum err refuse(const struct apply *a, const char *path, const char *text)
{
    return problem_set(a->problem, ERR_INVALID, path, "%s", text);
}

static enum err parse_host(const struct apply *a, struct span text, const char *path,
                           struct span *out)
{
    struct hostname name;
    struct problem found = {.code = ERR_OK};
    if (hostname_parse(text, HOSTNAME_EXACT, &name, &found) != ERR_OK)
        return refuse(a, path, found.text);
    *out = arena_copy(&a->change->arena, hostname_span(&name));
    return ERR_OK;
}

static enum err parse_name(const struct apply *a, struct span text)
{
    struct hostname name;
    struct problem found = {.code = ERR_OK};
    if (hostname_idn_parse(text, HOSTNAME_WILDCARD, &name, &found) != ERR_OK)
        return refuse(a, "name", found.text);
    a->record->name = arena_copy(&a->change->arena, hostname_span(&name));
    return ERR_OK;
}

static enum err apply_type(const struct apply *a)
{
    if (!a->spec->type_given)
        return ERR_OK;
    if (record_type_parse(a->spec->type, &a->record->type) != ERR_OK)
        return refuse(a, "type", "is not a type of record, like A, AAAA, CNAME, TXT or MX");
    return ERR_OK;
}

static bool within_zone(struct span text, struct span zone)
{
    struct hostname name;
    return hostname_idn_parse(text, HOSTNAME_WILDCARD, &name, NULL) == ERR_OK &&
           hostname_within(hostname_span(&name), zone);
}

/* "@" is the zone itself; what does not end in the zone's name is below it, as the clients of
 * this API expect: "www" in shop.example is www.shop.example. */
static enum err apply_name(const struct apply *a)
{
    struct span text = a->spec->name;
    if (!a->spec->name_given)
        return ERR_OK;
    if (span_equal(text, SPAN("@")))
        text = a->zone;
    if (within_zone(text, a->zone))
        return parse_name(a, text);

    struct buf full;
    buf_init(&full, 2 * LIMIT_HOSTNAME_BYTES);
    buf_append(&full, text);
    buf_append_byte(&full, '.');
    buf_append(&full, a->zone);
    enum err err =
        full.overflowed ? refuse(a, "name", "is too long") : parse_name(a, buf_span(&full));
    buf_release(&full);
    return err;
}

static enum err apply_content(const struct apply *a)
{
    char text[RECORD_CONTENT_BYTES_MAX + 1];
    const struct record_content content = {
        .type = a->record->type,
        .proxied = a->record->proxied,
        .text = a->spec->content_given ? a->spec->content : a->record->content,
    };
    if (a->record->proxied && !record_type_proxiable(a->record->type))
        return refuse(a, "proxied", "only A, AAAA and CNAME records can be proxied");
    TRY(record_check_content(&content, &a->change->door->addresses, text, sizeof(text),
                             a->problem));
    a->record->content = arena_copy(&a->change->arena, span_str(text));
    return ERR_OK;
}

/* 1 is "automatic", and all that a proxied record can have. */
static enum err apply_ttl(const struct apply *a)
{
    uint64_t ttl_s = a->spec->ttl_given ? a->spec->ttl_s : a->record->ttl_s;
    if (ttl_s != 1 && (ttl_s < CHANGE_TTL_S_MIN || ttl_s > CHANGE_TTL_S_MAX))
        return problem_set(a->problem, ERR_INVALID, "ttl", "must be 1 (automatic) or %d to %d",
                           CHANGE_TTL_S_MIN, CHANGE_TTL_S_MAX);
    a->record->ttl_s = a->record->proxied ? 1 : ttl_s;
    return ERR_OK;
}

static enum err apply_priority(const struct apply *a)
{
    if (a->spec->priority_given) {
        if (a->spec->priority > UINT16_MAX)
            return refuse(a, "priority", "must be 0 to 65535");
        a->record->priority = a->spec->priority;
        a->record->priority_given = true;
    }
    if (a->record->type == RECORD_MX && !a->record->priority_given)
        return refuse(a, "priority", "an MX record has one, 0 to 65535");
    if (a->record->type != RECORD_MX && a->record->type != RECORD_SRV) {
        a->record->priority = 0;
        a->record->priority_given = false;
    }
    return ERR_OK;
}

static enum err apply_comment(const struct apply *a)
{
    struct span text = a->spec->comment;
    if (!a->spec->comment_given)
        return ERR_OK;
    if (text.len > CHANGE_COMMENT_BYTES_MAX)
        return problem_set(a->problem, ERR_INVALID, "comment", "has more than %d bytes",
                           CHANGE_COMMENT_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return refuse(a, "comment", "must not contain control characters");
    a->record->comment = arena_copy(&a->change->arena, text);
    return ERR_OK;
}

static enum err apply_port(const struct apply *a)
{
    uint64_t port = a->spec->origin_port;
    if (!a->spec->origin_port_given)
        return ERR_OK;
    if (port > UINT16_MAX)
        return refuse(a, "origin_port", "must be 1 to 65535, or 0 for the default");
    a->record->origin_port = port;
    if (port == 0)
        return ERR_OK;
    enum err err =
        address_policy_check_port(&a->change->door->addresses, (uint16_t)port, a->problem);
    if (err != ERR_OK)
        text_format(a->problem->path, sizeof(a->problem->path), "origin_port");
    return err;
}

/* A name or an IPv4 address, with or without a port, as zone_check wants it. */
static enum err apply_host_header(const struct apply *a)
{
    static const char path[] = "origin_host_header";
    struct span port = a->spec->origin_host_header, host = span_split(&port, ':');
    char canonical[ADDRESS_TEXT_BYTES];
    struct address address;
    uint64_t number = 0;
    if (!a->spec->origin_host_header_given)
        return ERR_OK;
    a->record->origin_host_header = SPAN_EMPTY;
    if (a->spec->origin_host_header.len == 0)
        return ERR_OK;
    bool ported = host.len < a->spec->origin_host_header.len;
    if (ported && (text_parse_u64(port, UINT16_MAX, &number) != ERR_OK || number == 0))
        return refuse(a, path, "has a port that is not 1 to 65535");
    if (address_parse(host, &address) == ERR_OK) {
        address_format(&address, canonical);
        host = span_str(canonical);
    } else {
        TRY(parse_host(a, host, path, &host));
    }
    char text[LIMIT_HOSTNAME_BYTES + sizeof(":65535")];
    size_t len = ported
                     ? text_format(text, sizeof(text), "%.*s:%u", SPAN_ARG(host), (unsigned)number)
                     : text_format(text, sizeof(text), "%.*s", SPAN_ARG(host));
    a->record->origin_host_header = arena_copy(&a->change->arena, span_of(text, len));
    return ERR_OK;
}

static enum err apply_sni(const struct apply *a)
{
    if (!a->spec->origin_sni_given)
        return ERR_OK;
    a->record->origin_sni = SPAN_EMPTY;
    if (a->spec->origin_sni.len == 0)
        return ERR_OK;
    return parse_host(a, a->spec->origin_sni, "origin_sni", &a->record->origin_sni);
}

enum err record_apply(struct change *change, struct span zone,
                      const struct change_record_spec *spec, struct store_record *record,
                      struct problem *problem)
{
    const struct apply a = {change, zone, spec, record, problem};
    if (spec->proxied_given)
        record->proxied = spec->proxied;
    TRY(apply_type(&a));
    TRY(apply_name(&a));
    TRY(apply_content(&a));
    TRY(apply_ttl(&a));
    TRY(apply_priority(&a));
    TRY(apply_comment(&a));
    TRY(apply_port(&a));
    TRY(apply_host_header(&a));
    return apply_sni(&a);
}
