/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - allocation that never returns NULL.
 *
 * Out of memory aborts: every size that a stranger can drive is bounded by a limit first
 * (common/model/limits.h), so running out is a wrong limit, not an event to recover from.
 */
#ifndef TRUNKLINE_COMMON_BASE_MEM_H
#define TRUNKLINE_COMMON_BASE_MEM_H

#include <stdlib.h>

#include "common/base/assert.h"

/* Memory that lies in a pool is off limits: AddressSanitizer then reports who still uses it. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define MEM_POISON(ptr, size_bytes) ASAN_POISON_MEMORY_REGION((ptr), (size_bytes))
#define MEM_UNPOISON(ptr, size_bytes) ASAN_UNPOISON_MEMORY_REGION((ptr), (size_bytes))
#else
#define MEM_POISON(ptr, size_bytes) ((void)(ptr), (void)(size_bytes))
#define MEM_UNPOISON(ptr, size_bytes) ((void)(ptr), (void)(size_bytes))
#endif

/* Zeroed memory for count objects of size bytes; the caller owns it. */
MUST_USE void *mem_calloc(size_t count, size_t size_bytes);
#define mem_new(type) ((type *)mem_calloc(1, sizeof(type)))

/* Uninitialised memory. */
MUST_USE void *mem_alloc(size_t size_bytes);

/* Takes *slot (which may be NULL), frees it and leaves NULL behind. */
#define mem_free(slot)  \
    do {                \
        free(*(slot));  \
        *(slot) = NULL; \
    } while (0)

/* Overwrites a secret so that no optimiser removes it. */
void mem_wipe(void *secret, size_t size_bytes);

/* Compares two secrets of one length in constant time. */
MUST_USE int mem_equal_secret(const void *a, const void *b, size_t size_bytes);

#endif
