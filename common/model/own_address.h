/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_address.h - is this address one of this host's?
 *
 * The kernel is asked each time, because addresses move between hosts: it sends from the address
 * itself to what is its own.  No packet leaves.  Who cannot ask (no descriptor is left) is told
 * yes: an origin is not dialled rather than the edge itself.
 *
 * Loopback addresses other than 127.0.0.1 and ::1 are not recognized; address_policy.h knows the
 * whole range.
 */
#ifndef TRUNKLINE_COMMON_MODEL_OWN_ADDRESS_H
#define TRUNKLINE_COMMON_MODEL_OWN_ADDRESS_H

#include "common/model/address_policy.h"

bool own_address_is(const struct address *address);

#endif
