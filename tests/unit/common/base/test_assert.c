/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_assert.c - a broken invariant stops the process, a kept one costs nothing.
 */
#include "dies.h"

#include "common/base/assert.h"

struct tagged {
    uint32_t tag;
    int number;
};

#define TAG 0x74616767u

static void assert_that(void *arg)
{
    const int *value = arg;
    ASSERT(*value == 1);
}

static void check_tag(void *arg)
{
    struct tagged *object = arg;
    TAG_CHECK(object, TAG);
}

static void come_here(void *arg)
{
    (void)arg;
    UNREACHABLE();
}

static void a_kept_invariant_goes_on(void **state)
{
    (void)state;
    int one = 1;
    struct tagged object = {.number = 7};
    TAG_SET(&object, TAG);

    assert_false(dies(assert_that, &one));
    assert_false(dies(check_tag, &object));
}

static void a_broken_invariant_aborts(void **state)
{
    (void)state;
    int two = 2;
    struct tagged object = {.tag = TAG + 1};

    assert_true(dies(assert_that, &two));
    assert_true(dies(check_tag, &object));
    assert_true(dies(check_tag, NULL));
    assert_true(dies(come_here, NULL));
}

static void a_member_finds_its_object(void **state)
{
    (void)state;
    struct tagged object = {.number = 7};
    int *member = &object.number;

    assert_ptr_equal(container_of(member, struct tagged, number), &object);
    assert_int_equal(countof(((int[3]){0})), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_invariant_goes_on),
        cmocka_unit_test(a_broken_invariant_aborts),
        cmocka_unit_test(a_member_finds_its_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
