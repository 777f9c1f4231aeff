/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.c - bytes from getrandom(2).
 */
#include "common/base/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "common/base/assert.h"

void random_bytes(void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        ASSERT(got > 0);
        at += got;
        len -= (size_t)got;
    }
}

uint64_t random_below(uint64_t below)
{
    ASSERT(below > 0);
    /* 2^64 mod below values are rejected, so that the rest divides evenly. */
    uint64_t reject_below = (0 - below) % below, value;
    do
        random_bytes(&value, sizeof(value));
    while (value < reject_below);
    return value % below;
}
