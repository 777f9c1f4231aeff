/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_policy.h - which addresses a tenant's origin may have (security.md 4.5).
 *
 * Loopback, link-local, private, reserved and multicast ranges are refused, IPv4 inside IPv6 too,
 * unless the operator allows a range.  Asked when a record is written and again, by the edge, about
 * every resolved address right before it connects.
 */
#ifndef TRUNKLINE_COMMON_MODEL_ADDRESS_POLICY_H
#define TRUNKLINE_COMMON_MODEL_ADDRESS_POLICY_H

#include "common/base/err.h"
#include "common/base/span.h"

#define ADDRESS_POLICY_RANGES_MAX 64
#define ADDRESS_TEXT_BYTES 46

/* IPv4 is held as ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[16];
};

struct address_range {
    struct address address;
    unsigned prefix_bits; /* of 128 */
};

struct address_policy {
    struct address_range allowed[ADDRESS_POLICY_RANGES_MAX];
    size_t allowed_count;
};

/* Strict dotted quad (no octal, no short forms) or RFC 4291 text without a zone; ERR_INVALID
 * otherwise. */
MUST_USE enum err address_parse(struct span text, struct address *out);
bool address_is_v4(const struct address *address);
/* The canonical text, NUL-terminated. */
void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES]);

/* Adds "10.0.0.0/8" or one address; ERR_INVALID for what is not a range ("10.0.0.1/8" neither),
 * ERR_LIMIT when there are too many.  IPv4 is allowed by IPv4 ranges only, not by "::/0". */
MUST_USE enum err address_policy_allow(struct address_policy *policy, struct span cidr);

/* ERR_ORIGIN_ADDRESS with a text that names the range it fell into. */
MUST_USE enum err address_policy_check(const struct address_policy *policy,
                                       const struct address *address, struct problem *problem);

#endif
