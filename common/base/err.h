/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - the result of everything that can fail.
 *
 * Functions that can fail return `enum err`, are MUST_USE, and hand results out through pointers.
 * No errno, no -1 and no string crosses a module border: a seam translates the foreign code and
 * logs it there.  What a human must read travels beside it in a `struct problem`.
 */
#ifndef TRUNKLINE_COMMON_BASE_ERR_H
#define TRUNKLINE_COMMON_BASE_ERR_H

#include "common/base/assert.h"
#include "common/base/err_table.h"

enum err {
#define X(name, slug, api, edge, retry, fault) ERR_##name,
    ERR_TABLE(X)
#undef X
};

enum err_retry { RETRY_NEVER, RETRY_IDEMPOTENT, RETRY_ALWAYS };
enum err_fault { FAULT_NOBODY, FAULT_CLIENT, FAULT_ORIGIN, FAULT_OURS };

/* One thing that is wrong, for a person: where ("records[3].content") and what. */
struct problem {
    enum err code;
    char path[96];
    char text[192];
};

const char *err_slug(enum err err);
int err_api_status(enum err err);
int err_edge_status(enum err err);
enum err_retry err_retry(enum err err);
enum err_fault err_fault(enum err err);

/* Fills *problem (which may be NULL) and returns code, so that a check is one line:
 * `return problem_set(p, ERR_INVALID, "ttl", "must be at least %d", 60);` */
enum err problem_set(struct problem *problem, enum err code, const char *path, const char *format,
                     ...) PRINTF_LIKE(4, 5);

/* Returns early on failure; allowed only where nothing is held. */
#define TRY(expr)                   \
    do {                            \
        enum err try_err_ = (expr); \
        if (try_err_ != ERR_OK)     \
            return try_err_;        \
    } while (0)

#endif
