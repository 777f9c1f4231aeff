/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy.c - a limited token has what its policies say, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/auth/policy.h"

#define DNS_WRITE SPAN("4755a26eedb94da69e1066d98aa820be")
#define ACCOUNT "11111111111111111111111111111111"
#define ZONE "22222222222222222222222222222222"
#define OTHER "33333333333333333333333333333333"

static const struct policy_object zone = {.account_id = {ACCOUNT}, .zone_id = {ZONE}};
static const struct policy_object other = {.account_id = {ACCOUNT}, .zone_id = {OTHER}};
static const struct policy_object account = {.account_id = {ACCOUNT}};
static const struct policy_object user = {.user_id = {OTHER}};

static bool grants(enum policy_kind kind, const char *id, enum permission permission,
                   const struct policy_object *object)
{
    struct policy_resource resource = {.kind = kind};
    assert_true(span_to_cstr(span_str(id), resource.id.text, sizeof(resource.id.text)));
    const struct policy policy = {
        .permissions = ~UINT64_C(0), .resources = &resource, .resource_count = 1};
    return policies_grant(&(struct policies){&policy, 1}, permission, object);
}

static void a_group_comes_with_its_reading(void **state)
{
    uint64_t permissions = 0;
    (void)state;
    assert_true(policy_group(DNS_WRITE, &permissions));
    assert_int_equal(permissions,
                     UINT64_C(1) << PERMISSION_RECORD_EDIT | UINT64_C(1) << PERMISSION_RECORD_READ);
    assert_false(policy_group(SPAN(ZONE), &permissions));
    assert_false(policy_group(SPAN(""), &permissions));
}

static void a_resource_covers_what_lies_in_it(void **state)
{
    (void)state;
    assert_true(grants(POLICY_ZONE, ZONE, PERMISSION_ZONE_READ, &zone));
    assert_false(grants(POLICY_ZONE, ZONE, PERMISSION_ZONE_READ, &other));
    assert_false(grants(POLICY_ZONE, ZONE, PERMISSION_ACCOUNT_READ, &account));
    assert_true(grants(POLICY_ACCOUNT, ACCOUNT, PERMISSION_ZONE_READ, &zone));
    assert_true(grants(POLICY_ACCOUNT, ACCOUNT, PERMISSION_ACCOUNT_READ, &account));
    assert_false(grants(POLICY_ACCOUNT, OTHER, PERMISSION_ZONE_READ, &zone));
    assert_true(grants(POLICY_ZONES_OF, ACCOUNT, PERMISSION_ZONE_EDIT, &account));
    assert_false(grants(POLICY_ZONES_OF, ACCOUNT, PERMISSION_ACCOUNT_EDIT, &account));
    assert_true(grants(POLICY_ZONES, "", PERMISSION_ZONE_READ, &other));
    assert_true(grants(POLICY_ACCOUNTS, "", PERMISSION_ZONE_READ, &other));
    assert_false(grants(POLICY_ACCOUNTS, "", PERMISSION_USER_READ, &user));
    assert_true(grants(POLICY_USERS, "", PERMISSION_USER_READ, &user));
    assert_false(grants(POLICY_USER, ZONE, PERMISSION_USER_READ, &user));
}

static void what_is_denied_stays_denied(void **state)
{
    const struct policy_resource all = {.kind = POLICY_ACCOUNTS};
    const struct policy_resource one = {.kind = POLICY_ZONE, .id = {ZONE}};
    const struct policy rows[] = {
        {.denying = true, .permissions = ~UINT64_C(0), .resources = &one, .resource_count = 1},
        {.permissions = ~UINT64_C(0), .resources = &all, .resource_count = 1},
    };
    const struct policies policies = {rows, 2}, denying = {rows, 1};
    (void)state;
    assert_false(policies_grant(&policies, PERMISSION_ZONE_READ, &zone));
    assert_true(policies_grant(&policies, PERMISSION_ZONE_READ, &other));
    assert_true(policies_mention(&policies, PERMISSION_ZONE_READ));
    assert_false(policies_mention(&denying, PERMISSION_ZONE_READ));
}

static void a_policy_without_the_permission_grants_nothing(void **state)
{
    const struct policy_resource all = {.kind = POLICY_ACCOUNTS};
    const struct policy policy = {.permissions = UINT64_C(1) << PERMISSION_RECORD_READ,
                                  .resources = &all,
                                  .resource_count = 1};
    (void)state;
    const struct policies policies = {&policy, 1};
    assert_true(policies_grant(&policies, PERMISSION_RECORD_READ, &zone));
    assert_false(policies_grant(&policies, PERMISSION_RECORD_EDIT, &zone));
}

static void roles_are_a_ladder(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PERMISSION_COUNT; i++) {
        bool before = false;
        for (unsigned role = ROLE_NONE; role < ROLE_COUNT; role++) {
            bool now = permission_granted((enum permission)i, (enum role)role);
            assert_true(now || !before);
            before = now;
        }
        assert_true(before);
    }
    assert_false(permission_granted(PERMISSION_SETTING_EDIT, ROLE_VIEWER));
    assert_true(permission_granted(PERMISSION_SETTING_EDIT, ROLE_EDITOR));
    assert_false(permission_granted(PERMISSION_ZONE_EDIT, ROLE_EDITOR));
    assert_false(permission_granted(PERMISSION_OWNER_EDIT, ROLE_ADMINISTRATOR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_comes_with_its_reading),
        cmocka_unit_test(a_resource_covers_what_lies_in_it),
        cmocka_unit_test(what_is_denied_stays_denied),
        cmocka_unit_test(a_policy_without_the_permission_grants_nothing),
        cmocka_unit_test(roles_are_a_ladder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
