/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - intrusive doubly linked list; a zeroed node is unlinked, and unlinking is idempotent,
 * so that teardown may run in any order.
 */
#ifndef TRUNKLINE_COMMON_BASE_LIST_H
#define TRUNKLINE_COMMON_BASE_LIST_H

#include <stdbool.h>

#include "common/base/assert.h"

struct list_node {
    struct list_node *next, *prev;
};

struct list {
    struct list_node head; /* circular */
    size_t count;
};

static inline void list_init(struct list *list)
{
    list->head.next = list->head.prev = &list->head;
    list->count = 0;
}

static inline bool list_linked(const struct list_node *node)
{
    return node->next != NULL;
}

static inline bool list_empty(const struct list *list)
{
    return list->count == 0;
}

static inline void list_insert_after(struct list *list, struct list_node *place,
                                     struct list_node *node)
{
    ASSERT(!list_linked(node));
    node->prev = place;
    node->next = place->next;
    place->next->prev = node;
    place->next = node;
    list->count++;
}

static inline void list_push_front(struct list *list, struct list_node *node)
{
    list_insert_after(list, &list->head, node);
}

static inline void list_push_back(struct list *list, struct list_node *node)
{
    list_insert_after(list, list->head.prev, node);
}

static inline void list_remove(struct list *list, struct list_node *node)
{
    if (!list_linked(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
    list->count--;
}

static inline struct list_node *list_first(struct list *list)
{
    return list->count ? list->head.next : NULL;
}

static inline struct list_node *list_pop_front(struct list *list)
{
    struct list_node *node = list_first(list);
    if (node)
        list_remove(list, node);
    return node;
}

/* The body may remove `node` itself. */
#define LIST_EACH(list, node)                                                    \
    for (struct list_node *node = (list)->head.next, *node##_next_ = node->next; \
         node != &(list)->head; node = node##_next_, node##_next_ = node->next)

#endif
