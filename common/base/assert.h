/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assert.h - programmer errors stop the process, in release builds too.
 *
 * ASSERT is for our own bugs only: anything that comes from the network, a disk, a database or a
 * person is an `enum err` (err.h).  A worker that aborts is replaced by its supervisor; a worker
 * that goes on with a broken invariant may answer one tenant with another's bytes.
 *
 * TAG: an object that travels through a `void *` of a library (uv handle, nghttp2 user_data,
 * libmicrohttpd cls) starts its life with TAG_SET and is taken back with TAG_CHECK.
 */
#ifndef TRUNKLINE_COMMON_BASE_ASSERT_H
#define TRUNKLINE_COMMON_BASE_ASSERT_H

#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#define countof(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define ASSERT(cond)                                  \
    do {                                              \
        if (__builtin_expect(!(cond), 0))             \
            assert_failed(#cond, __FILE__, __LINE__); \
    } while (0)
#define UNREACHABLE() assert_failed("unreachable", __FILE__, __LINE__)

#define TAG_SET(object, value) ((object)->tag = (value))
#define TAG_CHECK(object, value) ASSERT((object) != NULL && (object)->tag == (value))

/* Prints the expression and its place as one log line, then aborts. */
_Noreturn void assert_failed(const char *expr, const char *file, int line);

#endif
