/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_policy.c - the tables of security.md 4.5.
 */
#include "common/model/address_policy.h"

#include <arpa/inet.h>

#include "common/base/text.h"

#define V4_PREFIX_BITS 96
#define V6_NETWORK_BYTES 8
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

/* IPv6 addresses that a translator or a relay turns into the IPv4 address at this byte. */
static const struct carrier {
    struct address prefix;
    unsigned prefix_bits;
    size_t at;
    uint8_t mask; /* RFC 4380 4: Teredo writes its client's address inverted */
} carriers[] = {
    {{{0x00, 0x64, 0xff, 0x9b}}, 96, 12, 0},
    {{{0x20, 0x02}}, 16, 2, 0},
    {{{0x20, 0x01}}, 32, 12, 0xff},
};

struct named_port {
    uint16_t port;
    const char *name;
};

static const struct named_port refused_ports[] = {
    {1080, "SOCKS"},         {1433, "SQL Server"},    {1434, "SQL Server"},  {1521, "Oracle"},
    {2049, "NFS"},           {2181, "ZooKeeper"},     {2222, "SSH"},         {2375, "Docker"},
    {2376, "Docker"},        {2379, "etcd"},          {2380, "etcd"},        {2525, "SMTP"},
    {3306, "MySQL"},         {3389, "RDP"},           {4369, "Erlang"},      {5432, "PostgreSQL"},
    {5433, "PostgreSQL"},    {5672, "AMQP"},          {5900, "VNC"},         {5901, "VNC"},
    {5984, "CouchDB"},       {5985, "WinRM"},         {5986, "WinRM"},       {6000, "X11"},
    {6379, "Redis"},         {6380, "Redis"},         {6443, "Kubernetes"},  {6667, "IRC"},
    {8500, "Consul"},        {9042, "Cassandra"},     {9092, "Kafka"},       {9160, "Cassandra"},
    {9200, "Elasticsearch"}, {9300, "Elasticsearch"}, {10250, "Kubernetes"}, {10255, "Kubernetes"},
    {11211, "memcached"},    {27017, "MongoDB"},      {27018, "MongoDB"},    {27019, "MongoDB"},
    {28015, "RethinkDB"},
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

struct span address_network(struct span text, struct address *address)
{
    if (address_parse(text, address) != ERR_OK || address_is_v4(address))
        return text;
    return span_of(address->bytes, V6_NETWORK_BYTES);
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

enum err address_ranges_add(struct address_ranges *ranges, struct span cidr)
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
    if (ranges->count == ADDRESS_POLICY_RANGES_MAX)
        return ERR_LIMIT;
    ranges->items[ranges->count++] = range;
    return ERR_OK;
}

enum err address_policy_set_ports(struct address_policy *policy, struct span list)
{
    policy->port_count = 0;
    if (span_ends_with(list, SPAN(",")))
        return ERR_INVALID;
    do {
        struct span last_text = span_split(&list, ',');
        bool single = span_find(last_text, '-') == last_text.len;
        struct span first_text = span_split(&last_text, '-');
        uint64_t first = 0, last = 0;
        TRY(text_parse_u64(first_text, UINT16_MAX, &first));
        TRY(text_parse_u64(single ? first_text : last_text, UINT16_MAX, &last));
        if (first == 0 || last < first)
            return ERR_INVALID;
        if (policy->port_count == ADDRESS_POLICY_PORTS_MAX)
            return ERR_LIMIT;
        policy->ports[policy->port_count++] = (struct port_range){(uint16_t)first, (uint16_t)last};
    } while (list.len > 0);
    return ERR_OK;
}

/* ::/0 means every IPv6 address; an IPv4 one is within an IPv4 range only. */
bool address_ranges_hold(const struct address_ranges *ranges, const struct address *address)
{
    bool v4 = address_is_v4(address);
    for (size_t i = 0; i < ranges->count; i++) {
        const struct address_range *range = &ranges->items[i];
        if (v4 && range->prefix_bits < V4_PREFIX_BITS)
            continue;
        if (in_range(address, &range->address, range->prefix_bits))
            return true;
    }
    return false;
}

static bool is_own(const struct address_policy *policy, const struct address *address)
{
    return address_ranges_hold(&policy->own, address) ||
           (policy->is_own && policy->is_own(address));
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

/* Why not; NULL: it is allowed. */
static const char *refusal(const struct address_policy *policy, const struct address *address)
{
    if (address_ranges_hold(&policy->allowed, address))
        return NULL;
    return is_own(policy, address) ? "this edge's own" : refused_name(address);
}

static bool carried(const struct address *address, struct address *inner_out)
{
    for (size_t i = 0; i < countof(carriers); i++) {
        const struct carrier *carrier = &carriers[i];
        if (!in_range(address, &carrier->prefix, carrier->prefix_bits))
            continue;
        *inner_out = v4_prefix;
        for (size_t at = 0; at < 4; at++)
            inner_out->bytes[12 + at] = address->bytes[carrier->at + at] ^ carrier->mask;
        return true;
    }
    return false;
}

enum err address_policy_check(const struct address_policy *policy, const struct address *address,
                              struct problem *problem)
{
    struct address inner;
    char text[ADDRESS_TEXT_BYTES];
    const char *name = refusal(policy, address);
    if (name == NULL && carried(address, &inner))
        name = refusal(policy, &inner);
    if (name == NULL)
        return ERR_OK;
    address_format(address, text);
    return problem_set(problem, ERR_ORIGIN_ADDRESS, "", "%s is not allowed as an origin: %s", text,
                       name);
}

/* ---- ports */

static const char *port_refusal(const struct address_policy *policy, uint16_t port)
{
    for (size_t i = 0; i < policy->port_count; i++) {
        if (port >= policy->ports[i].first && port <= policy->ports[i].last)
            return NULL;
    }
    if (policy->port_count > 0)
        return "not on the operator's list";
    if (port < 1024)
        return port == 80 || port == 443 ? NULL : "below 1024";
    for (size_t i = 0; i < countof(refused_ports); i++) {
        if (port == refused_ports[i].port)
            return refused_ports[i].name;
    }
    return NULL;
}

enum err address_policy_check_port(const struct address_policy *policy, uint16_t port,
                                   struct problem *problem)
{
    const char *name = port_refusal(policy, port);
    if (name == NULL)
        return ERR_OK;
    return problem_set(problem, ERR_ORIGIN_ADDRESS, "", "port %u is not allowed for an origin: %s",
                       port, name);
}

static bool is_listen(const struct address_policy *policy, uint16_t port)
{
    for (size_t i = 0; i < policy->listen_count; i++) {
        if (policy->listens[i] == port)
            return true;
    }
    return false;
}

static bool is_loopback(const struct address *address)
{
    static const struct address v4_loopback = {V4(127, 0, 0, 0)}, v6_loopback = {{[15] = 1}};
    return in_range(address, &v4_loopback, V4_PREFIX_BITS + 8) ||
           in_range(address, &v6_loopback, 128);
}

enum err address_policy_check_dial(const struct address_policy *policy,
                                   const struct address *address, uint16_t port,
                                   struct problem *problem)
{
    TRY(address_policy_check(policy, address, problem));
    TRY(address_policy_check_port(policy, port, problem));
    if (is_listen(policy, port) && (is_loopback(address) || is_own(policy, address)))
        return problem_set(problem, ERR_ORIGIN_ADDRESS, "", "port %u is this edge's own", port);
    return ERR_OK;
}
