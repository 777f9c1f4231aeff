/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_visitor.c - X-Forwarded-For and X-Forwarded-Proto, read from the right.
 */
#include "dataplane/proxy/proxy_visitor.h"

#include "common/base/text.h"

/* "203.0.113.7", "203.0.113.7:51000", "2001:db8::7", "[2001:db8::7]:51000". */
static bool parse_member(struct span member, struct address *out)
{
    member = span_trim(member);
    size_t colon = span_find(member, ':');
    struct span behind = span_skip(member, colon < member.len ? colon + 1 : colon);
    if (span_starts_with(member, SPAN("["))) {
        member = span_skip(member, 1);
        member = span_first(member, span_find(member, ']'));
    } else if (span_find(behind, ':') == behind.len) {
        member = span_first(member, colon); /* one colon or none: IPv4 */
    }
    return address_parse(member, out) == ERR_OK;
}

/* Takes the last member off the list. */
static struct span take_last(struct span *list)
{
    size_t at = list->len;
    while (at > 0 && list->ptr[at - 1] != ',')
        at--;
    struct span member = span_skip(*list, at);
    *list = span_first(*list, at > 0 ? at - 1 : 0);
    return member;
}

static struct span written(const struct address *address, struct arena *arena)
{
    char text[ADDRESS_TEXT_BYTES];
    address_format(address, text);
    return arena_copy(arena, span_str(text));
}

struct span proxy_visitor_address(const struct fields *fields, const struct address_ranges *proxies,
                                  struct span peer, struct arena *arena)
{
    struct address address, last = {0};
    bool told = false;
    for (uint32_t i = fields->count; i-- > 0;) {
        struct span list = fields->items[i].value;
        if (fields->items[i].id != FIELD_X_FORWARDED_FOR)
            continue;
        while (list.len > 0) {
            if (!parse_member(take_last(&list), &address))
                return told ? written(&last, arena) : peer;
            if (!address_ranges_hold(proxies, &address))
                return written(&address, arena);
            last = address;
            told = true;
        }
    }
    return told ? written(&last, arena) : peer;
}

bool proxy_visitor_secure(const struct fields *fields, bool secure)
{
    for (uint32_t i = fields->count; i-- > 0;) {
        struct span list = fields->items[i].value;
        if (fields->items[i].id != FIELD_X_FORWARDED_PROTO)
            continue;
        struct span said = span_trim(take_last(&list));
        if (span_equal_nocase(said, SPAN("https")))
            return true;
        return secure && !span_equal_nocase(said, SPAN("http"));
    }
    return secure;
}
