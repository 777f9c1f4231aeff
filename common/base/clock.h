/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - monotonic milliseconds for deadlines, wall time for people; replaceable in tests.
 */
#ifndef TRUNKLINE_COMMON_BASE_CLOCK_H
#define TRUNKLINE_COMMON_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since an arbitrary start; never goes back. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
/* Microseconds since 1970-01-01 UTC; may jump. */
uint64_t clock_wall_us(void);
static inline uint64_t clock_wall_s(void)
{
    return clock_wall_us() / 1000000;
}

/* Tests only: both clocks stand still at the given values until clock_test_release. */
void clock_test_set(uint64_t mono_ms, uint64_t wall_us);
void clock_test_release(void);

#endif
