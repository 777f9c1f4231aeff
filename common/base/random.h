/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.h - bytes from getrandom(2); aborts where there are none.
 */
#ifndef TRUNKLINE_COMMON_BASE_RANDOM_H
#define TRUNKLINE_COMMON_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t len);
/* Uniform in [0, below); below > 0.  One system call. */
uint64_t random_below(uint64_t below);

#endif
