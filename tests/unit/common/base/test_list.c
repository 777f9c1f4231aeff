/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_list.c - linking, unlinking, walking.
 */
#include "common/base/list.h"

#include "tests/unit/common/base/dies.h"

struct item {
    int number;
    struct list_node node;
};

static struct item *item_of(struct list_node *node)
{
    return container_of(node, struct item, node);
}

static void a_zeroed_node_is_unlinked(void **state)
{
    (void)state;
    struct item item = {0};
    struct list list;
    list_init(&list);
    assert_false(list_linked(&item.node));
    assert_true(list_empty(&list));
    assert_null(list_first(&list));
    assert_null(list_pop_front(&list));
}

static void both_ends_take_nodes(void **state)
{
    (void)state;
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct list list;
    list_init(&list);

    list_push_back(&list, &items[1].node);
    list_push_back(&list, &items[2].node);
    list_push_front(&list, &items[0].node);

    assert_int_equal(list.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(item_of(list_pop_front(&list))->number, i);
    assert_true(list_empty(&list));
    assert_false(list_linked(&items[0].node));
}

static void insert_after_puts_between(void **state)
{
    (void)state;
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct list list;
    list_init(&list);
    list_push_back(&list, &items[0].node);
    list_push_back(&list, &items[2].node);
    list_insert_after(&list, &items[0].node, &items[1].node);
    for (int i = 0; i < 3; i++)
        assert_int_equal(item_of(list_pop_front(&list))->number, i);
}

static void unlinking_twice_is_once(void **state)
{
    (void)state;
    struct item a = {0}, b = {0};
    struct list list;
    list_init(&list);
    list_push_back(&list, &a.node);
    list_push_back(&list, &b.node);

    list_remove(&list, &a.node);
    list_remove(&list, &a.node);
    assert_int_equal(list.count, 1);
    assert_ptr_equal(list_first(&list), &b.node);

    list_push_back(&list, &a.node);
    assert_int_equal(list.count, 2);
}

static void link_again(void *arg)
{
    struct list list;
    list_init(&list);
    list_push_back(&list, arg);
    list_push_back(&list, arg);
}

static void linking_twice_aborts(void **state)
{
    (void)state;
    struct item a = {0};
    assert_true(dies(link_again, &a.node));
}

static void a_walk_may_remove_its_node(void **state)
{
    (void)state;
    struct item items[6] = {0};
    struct list list;
    list_init(&list);
    for (int i = 0; i < 6; i++) {
        items[i].number = i;
        list_push_back(&list, &items[i].node);
    }

    int seen = 0;
    LIST_EACH(&list, node)
    {
        assert_int_equal(item_of(node)->number, seen++);
        if (seen % 2 == 0)
            list_remove(&list, node);
    }

    assert_int_equal(seen, 6);
    assert_int_equal(list.count, 3);
    LIST_EACH(&list, node)
    assert_int_equal(item_of(node)->number % 2, 0);
}

static void a_walk_over_nothing_ends(void **state)
{
    (void)state;
    struct list list;
    list_init(&list);
    LIST_EACH(&list, node)
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_node_is_unlinked), cmocka_unit_test(both_ends_take_nodes),
        cmocka_unit_test(insert_after_puts_between), cmocka_unit_test(unlinking_twice_is_once),
        cmocka_unit_test(linking_twice_aborts),      cmocka_unit_test(a_walk_may_remove_its_node),
        cmocka_unit_test(a_walk_over_nothing_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
