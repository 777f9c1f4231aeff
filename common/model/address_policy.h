/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_policy.h - which addresses and ports a tenant's origin may have (security.md 4.5).
 *
 * Asked when a record is written and again, by the edge, about every resolved address right before
 * it connects.
 *
 *      an edge's own port at its own address      refused, whatever is allowed: a loop
 *      a range that the operator allows           allowed
 *      the operator's own addresses, this host's  refused
 *      loopback, private, reserved, ... ranges    refused; the IPv4 inside of IPv6 is asked too
 *      anything else                              allowed
 *
 * Ports: 80, 443 and those from 1024 that belong to no database, cache, mail or remote shell, or
 * the operator's own list instead.
 */
#ifndef TRUNKLINE_COMMON_MODEL_ADDRESS_POLICY_H
#define TRUNKLINE_COMMON_MODEL_ADDRESS_POLICY_H

#include "common/base/err.h"
#include "common/base/span.h"

#define ADDRESS_POLICY_RANGES_MAX 64
#define ADDRESS_POLICY_PORTS_MAX 32
#define ADDRESS_POLICY_LISTENS_MAX 4
#define ADDRESS_TEXT_BYTES 46

/* IPv4 is held as ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[16];
};

struct address_range {
    struct address address;
    unsigned prefix_bits; /* of 128 */
};

struct address_ranges {
    struct address_range items[ADDRESS_POLICY_RANGES_MAX];
    size_t count;
};

struct port_range {
    uint16_t first, last;
};

/* Zeroed: nothing is allowed beyond the public addresses, and nothing is known of this host. */
struct address_policy {
    struct address_ranges allowed, own;
    struct port_range ports[ADDRESS_POLICY_PORTS_MAX]; /* port_count 0: the table of ports */
    size_t port_count;
    uint16_t listens[ADDRESS_POLICY_LISTENS_MAX]; /* ports that visitors reach us at */
    size_t listen_count;
    bool (*is_own)(const struct address *address); /* own_address_is; NULL: none is */
};

/* Strict dotted quad (no octal, no short forms) or RFC 4291 text without a zone; ERR_INVALID
 * otherwise. */
MUST_USE enum err address_parse(struct span text, struct address *out);
bool address_is_v4(const struct address *address);
/* Whom tries and requests count against: an IPv6 host has its whole /64 (then within *address), an
 * IPv4 one its address, and what is no address stands for itself. */
struct span address_network(struct span text, struct address *address);
/* The canonical text, NUL-terminated. */
void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES]);

/* Adds "10.0.0.0/8" or one address; ERR_INVALID for what is not a range ("10.0.0.1/8" neither),
 * ERR_LIMIT when there are too many.  IPv4 is allowed by IPv4 ranges only, not by "::/0". */
MUST_USE enum err address_ranges_add(struct address_ranges *ranges, struct span cidr);
/* "80,443,8000-8999" in the place of the table; ERR_INVALID, ERR_LIMIT. */
MUST_USE enum err address_policy_set_ports(struct address_policy *policy, struct span list);

bool address_ranges_hold(const struct address_ranges *ranges, const struct address *address);

/* ERR_ORIGIN_ADDRESS with a text that names the range it fell into. */
MUST_USE enum err address_policy_check(const struct address_policy *policy,
                                       const struct address *address, struct problem *problem);
/* ERR_ORIGIN_ADDRESS with a text that names what the port belongs to. */
MUST_USE enum err address_policy_check_port(const struct address_policy *policy, uint16_t port,
                                            struct problem *problem);
/* Both, and that it is not ourselves. */
MUST_USE enum err address_policy_check_dial(const struct address_policy *policy,
                                            const struct address *address, uint16_t port,
                                            struct problem *problem);

#endif
