/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - the migrations of schema/sql as the build put them into the program.
 */
#ifndef TRUNKLINE_CONTROL_STORE_SCHEMA_H
#define TRUNKLINE_CONTROL_STORE_SCHEMA_H

#include "common/base/assert.h"

struct schema_migration {
    unsigned number; /* 1, 2, ... without gaps */
    const char *name;
    const char *sql;
};

/* In order of numbers; NULL behind the last. */
const struct schema_migration *schema_migration_at(size_t index);

#endif
