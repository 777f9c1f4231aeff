/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - the two clocks, and the switch that stops them for a test.
 */
#include "common/base/clock.h"

#include <stdbool.h>
#include <time.h>

#include "common/base/assert.h"

static struct {
    bool stopped;
    uint64_t mono_ms, wall_us;
} test_clock;

static uint64_t read_us(clockid_t id)
{
    struct timespec now;
    ASSERT(clock_gettime(id, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_mono_us(void)
{
    return test_clock.stopped ? test_clock.mono_ms * 1000 : read_us(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

uint64_t clock_wall_us(void)
{
    return test_clock.stopped ? test_clock.wall_us : read_us(CLOCK_REALTIME);
}

void clock_test_set(uint64_t mono_ms, uint64_t wall_us)
{
    test_clock.stopped = true;
    test_clock.mono_ms = mono_ms;
    test_clock.wall_us = wall_us;
}

void clock_test_release(void)
{
    test_clock.stopped = false;
}
