/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - what a limited token may: permissions on resources, granted or taken away.
 */
#include "control/auth/policy.h"

_Static_assert(PERMISSION_COUNT <= 64, "one bit each");

bool policy_group(struct span id, uint64_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < PERMISSION_COUNT; i++) {
        const struct permission_row *row = permission_row((enum permission)i);
        if (row->group[0] != '\0' && span_equal(id, span_str(row->group)))
            *out |= UINT64_C(1) << i | UINT64_C(1) << row->also;
    }
    return *out != 0;
}

static bool is_set(const struct id *id)
{
    return id->text[0] != '\0';
}

/* A permission on zones that is asked of an account as a whole (a new zone) needs all its zones. */
static bool covers(const struct policy_resource *resource, bool of_zones,
                   const struct policy_object *object)
{
    switch (resource->kind) {
    case POLICY_USERS:
        return is_set(&object->user_id);
    case POLICY_USER:
        return is_set(&object->user_id) && id_equal(resource->id, object->user_id);
    case POLICY_ACCOUNTS:
        return is_set(&object->account_id);
    case POLICY_ACCOUNT:
        return is_set(&object->account_id) && id_equal(resource->id, object->account_id);
    case POLICY_ZONES:
        return of_zones;
    case POLICY_ZONES_OF:
        return of_zones && id_equal(resource->id, object->account_id);
    case POLICY_ZONE:
        return is_set(&object->zone_id) && id_equal(resource->id, object->zone_id);
    }
    UNREACHABLE();
}

bool policies_mention(const struct policies *policies, enum permission permission)
{
    bool mentioned = false;
    for (size_t i = 0; i < policies->count; i++)
        mentioned = mentioned || (!policies->rows[i].denying &&
                                  (policies->rows[i].permissions >> permission & 1) != 0);
    return mentioned;
}

bool policies_grant(const struct policies *policies, enum permission permission,
                    const struct policy_object *object)
{
    bool granted = false;
    bool of_zones = permission_row(permission)->object == PERMISSION_OF_ZONE;
    for (size_t i = 0; i < policies->count; i++) {
        const struct policy *policy = &policies->rows[i];
        bool about = (policy->permissions >> permission & 1) != 0, covered = false;
        for (size_t k = 0; about && !covered && k < policy->resource_count; k++)
            covered = covers(&policy->resources[k], of_zones, object);
        if (covered && policy->denying)
            return false;
        granted = granted || covered;
    }
    return granted;
}
