/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.c - allocation that never returns NULL, and care for secrets.
 */
#include "common/base/mem.h"

#include <stdlib.h>
#include <string.h>

void *mem_calloc(size_t count, size_t size_bytes)
{
    void *memory = calloc(count ? count : 1, size_bytes ? size_bytes : 1);
    ASSERT(memory != NULL);
    return memory;
}

void *mem_alloc(size_t size_bytes)
{
    void *memory = malloc(size_bytes ? size_bytes : 1);
    ASSERT(memory != NULL);
    return memory;
}

void mem_wipe(void *secret, size_t size_bytes)
{
    if (size_bytes > 0)
        explicit_bzero(secret, size_bytes);
}

int mem_equal_secret(const void *a, const void *b, size_t size_bytes)
{
    /* volatile: the compiler may not leave the loop at the first difference. */
    const volatile uint8_t *left = a, *right = b;
    uint8_t difference = 0;

    for (size_t i = 0; i < size_bytes; i++)
        difference |= (uint8_t)(left[i] ^ right[i]);
    return difference == 0;
}
