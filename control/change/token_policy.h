/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_policy.h - the policies and conditions of a token: as JSON that clients write and the store
 * keeps, and as what is decided with.
 *
 *      [{"effect":"allow","permission_groups":[{"id":"..."}],
 *        "resources":{"com.cloudflare.api.account.<id>":"*"}}]
 *      {"request_ip":{"in":["192.0.2.0/24"],"not_in":["192.0.2.7"]}}
 *
 * What the store keeps has passed here; that it does not is ERR_CORRUPT to its readers.
 */
#ifndef TRUNKLINE_CONTROL_CHANGE_TOKEN_POLICY_H
#define TRUNKLINE_CONTROL_CHANGE_TOKEN_POLICY_H

#include <jansson.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/model/address_policy.h"
#include "control/auth/policy.h"

/* ERR_INVALID with the path of the member, ERR_LIMIT past LIMIT_TOKEN_POLICIES and
 * LIMIT_POLICY_RESOURCES. */
MUST_USE enum err token_policies_read(const json_t *list, struct arena *arena, struct policies *out,
                                      struct problem *problem);
/* The list in the form that is kept: ids of policies are made where there are none. */
void token_policies_write(const json_t *list, struct buf *out);

struct token_networks {
    struct address_ranges in, not_in;
};
/* The member `request_ip`, or `request.ip` as older clients send it. */
MUST_USE enum err token_condition_read(const json_t *condition, struct token_networks *out,
                                       struct problem *problem);
void token_condition_write(const json_t *condition, struct buf *out);

/* Of text that the store kept; "" gives ERR_OK and no limit. */
MUST_USE enum err token_policies_load(struct span text, struct arena *arena,
                                      const struct policies **out);
/* Whether a token with this condition may be used from there. */
MUST_USE enum err token_condition_check(struct span text, struct span remote, bool *out);

#endif
