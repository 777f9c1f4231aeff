/* SPDX-License-Identifier: Apache-2.0 */
/* test_zone_use.c - a zone's requests in flight, and nobody else's. */
#include "dataplane/proxy/zone_use.h"

#include "tests/unit/common/base/dies.h"

static void a_zone_has_so_many_and_others_have_theirs(void **state)
{
    struct zone_uses uses;
    struct id a = {.text = "0123456789abcdef0123456789abcdef"};
    struct id b = {.text = "fedcba9876543210fedcba9876543210"};
    (void)state;
    zone_uses_init(&uses);
    struct zone_use *first = zone_uses_begin(&uses, &a, 2), *second = zone_uses_begin(&uses, &a, 2);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(zone_uses_begin(&uses, &a, 2));
    struct zone_use *other = zone_uses_begin(&uses, &b, 2);
    assert_non_null(other);

    zone_uses_end(&uses, first);
    first = zone_uses_begin(&uses, &a, 2);
    assert_non_null(first);

    zone_uses_end(&uses, first);
    zone_uses_end(&uses, second);
    zone_uses_end(&uses, other);
    zone_uses_release(&uses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_has_so_many_and_others_have_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
