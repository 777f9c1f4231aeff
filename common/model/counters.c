/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.c - the texts of the table, for people.
 */
#include "common/model/counters.h"

#include "common/base/assert.h"

static const struct {
    const char *name, *help;
} texts[COUNTER_COUNT] = {
#define X(name, unit, help) {#name, help},
    COUNTER_TABLE(X)
#undef X
};

const char *counter_name(enum counter which)
{
    ASSERT(which < COUNTER_COUNT);
    return texts[which].name;
}

const char *counter_help(enum counter which)
{
    ASSERT(which < COUNTER_COUNT);
    return texts[which].help;
}
