/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_policy.c - the table of security.md 4.5.
 */
#include "common/model/address_policy.h"

#include <arpa/inet.h>

#include "common/base/text.h"

#define V4_PREFIX_BITS 96
#define V4(a, b, c, d)                                               \
    {                                                                \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), (c), (d) \
    }

struct refused_range {
    struct address address;
    unsigned prefix_bits;
    const char *name;
};

static const struct refused_range refused_ranges[] = {
    {{V4(0, 0, 0, 0)}, 96 + 8, "this network (RFC 791)"},
    {{V4(10, 0, 0, 0)}, 96 + 8, "private (RFC 1918)"},
    {{V4(100, 64, 0, 0)}, 96 + 10, "shared (RFC 6598)"},
    {{V4(127, 0, 0, 0)}, 96 + 8, "loopback"},
    {{V4(169, 254, 0, 0)}, 96 + 16, "link-local (RFC 3927)"},
    {{V4(172, 16, 0, 0)}, 96 + 12, "private (RFC 1918)"},
    {{V4(192, 0, 0, 0)}, 96 + 24, "protocol assignments (RFC 6890)"},
    {{V4(192, 0, 2, 0)}, 96 + 24, "documentation (RFC 5737)"},
    {{V4(192, 88, 99, 0)}, 96 + 24, "6to4 relay (RFC 7526)"},
    {{V4(192, 168, 0, 0)}, 96 + 16, "private (RFC 1918)"},
    {{V4(198, 18, 0, 0)}, 96 + 15, "benchmarking (RFC 2544)"},
    {{V4(198, 51, 100, 0)}, 96 + 24, "documentation (RFC 5737)"},
    {{V4(203, 0, 113, 0)}, 96 + 24, "documentation (RFC 5737)"},
    {{V4(224, 0, 0, 0)}, 96 + 4, "multicast"},
    {{V4(255, 255, 255, 255)}, 128, "broadcast"},
    {{V4(240, 0, 0, 0)}, 96 + 4, "reserved (RFC 1112)"},
    {{{0}}, 128, "unspecified"},
    {{{[15] = 1}}, 128, "loopback"},
    {{{0}}, 96, "IPv4-compatible (RFC 4291)"},
    {{{0x00, 0x64, 0xff, 0x9b}}, 96, "NAT64 (RFC 6052)"},
    {{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}}, 48, "NAT64 (RFC 8215)"},
    {{{0x01, 0x00}}, 64, "discard (RFC 6666)"},
    {{{0x20, 0x01}}, 23, "protocol assignments (RFC 2928)"},
    {{{0x20, 0x01, 0x0d, 0xb8}}, 32, "documentation (RFC 3849)"},
    {{{0x20, 0x02}}, 16, "6to4 (RFC 3056)"},
    {{{0x3f, 0xff}}, 20, "documentation (RFC 9637)"},
    {{{0xfc, 0x00}}, 7, "private (RFC 4193)"},
    {{{0xfe, 0x80}}, 10, "link-local (RFC 4291)"},
    {{{0xfe, 0xc0}}, 10, "site-local (RFC 3879)"},
    {{{0xff, 0x00}}, 8, "multicast"},
};

static const struct address v4_prefix = {V4(0, 0, 0, 0)};

static bool in_range(const struct address *address, const struct address *prefix, unsigned bits)
{
    size_t whole = bits / 8;
    if (memcmp(address->bytes, prefix->bytes, whole) != 0)
        return false;
    if (bits % 8 == 0)
        return true;
    unsigned differing = (unsigned)(address->bytes[whole] ^ prefix->bytes[whole]);
    return differing >> (8 - bits % 8) == 0;
}

enum err address_parse(struct span text, struct address *out)
{
    char cstr[ADDRESS_TEXT_BYTES];
    *out = v4_prefix;
    if (!span_to_cstr(text, cstr, sizeof(cstr)))
        return ERR_INVALID;
    if (inet_pton(AF_INET, cstr, out->bytes + 12) == 1)
        return ERR_OK;
    return inet_pton(AF_INET6, cstr, out->bytes) == 1 ? ERR_OK : ERR_INVALID;
}

bool address_is_v4(const struct address *address)
{
    return in_range(address, &v4_prefix, V4_PREFIX_BITS);
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
    bool v4 = address_is_v4(address);
    const uint8_t *bytes = address->bytes + (v4 ? 12 : 0);
    ASSERT(inet_ntop(v4 ? AF_INET : AF_INET6, bytes, out, ADDRESS_TEXT_BYTES) != NULL);
}

static bool host_bits_set(const struct address_range *range)
{
    for (unsigned bit = range->prefix_bits; bit < 128; bit++) {
        if ((range->address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return true;
    }
    return false;
}

enum err address_policy_allow(struct address_policy *policy, struct span cidr)
{
    bool v4 = span_find(cidr, ':') == cidr.len;
    unsigned before = v4 ? V4_PREFIX_BITS : 0;
    bool single = span_find(cidr, '/') == cidr.len;
    struct span bits_text = cidr;
    struct span address_text = span_split(&bits_text, '/');
    struct address_range range = {.prefix_bits = 128};
    uint64_t bits = 0;

    TRY(address_parse(address_text, &range.address));
    if (!single) {
        TRY(text_parse_u64(bits_text, 128 - before, &bits));
        range.prefix_bits = before + (unsigned)bits;
    }
    if (host_bits_set(&range))
        return ERR_INVALID;
    if (policy->allowed_count == ADDRESS_POLICY_RANGES_MAX)
        return ERR_LIMIT;
    policy->allowed[policy->allowed_count++] = range;
    return ERR_OK;
}

/* ::/0 means every IPv6 address; an IPv4 one is allowed by an IPv4 range only. */
static bool allowed(const struct address_policy *policy, const struct address *address)
{
    bool v4 = address_is_v4(address);
    for (size_t i = 0; i < policy->allowed_count; i++) {
        const struct address_range *range = &policy->allowed[i];
        if (v4 && range->prefix_bits < V4_PREFIX_BITS)
            continue;
        if (in_range(address, &range->address, range->prefix_bits))
            return true;
    }
    return false;
}

static const char *refused_name(const struct address *address)
{
    for (size_t i = 0; i < countof(refused_ranges); i++) {
        const struct refused_range *range = &refused_ranges[i];
        if (in_range(address, &range->address, range->prefix_bits))
            return range->name;
    }
    /* Only 2000::/3 is handed out (RFC 4291 2.4, IANA). */
    if (!address_is_v4(address) && address->bytes[0] >> 5 != 1)
        return "not global unicast (RFC 4291)";
    return NULL;
}

enum err address_policy_check(const struct address_policy *policy, const struct address *address,
                              struct problem *problem)
{
    if (allowed(policy, address))
        return ERR_OK;
    const char *name = refused_name(address);
    if (name == NULL)
        return ERR_OK;
    char text[ADDRESS_TEXT_BYTES];
    address_format(address, text);
    return problem_set(problem, ERR_ORIGIN_ADDRESS, "", "%s is not allowed as an origin: %s", text,
                       name);
}
