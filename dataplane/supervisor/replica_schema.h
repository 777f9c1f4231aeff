/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_schema.h - the migrations of schema/replica as the build put them into the program.
 */
#ifndef TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_SCHEMA_H
#define TRUNKLINE_DATAPLANE_SUPERVISOR_REPLICA_SCHEMA_H

#include "common/base/assert.h"

struct replica_schema_migration {
    unsigned number; /* 1, 2, ... without gaps */
    const char *name;
    const char *sql;
};

/* In order of numbers; NULL behind the last. */
const struct replica_schema_migration *replica_schema_migration_at(size_t index);

#endif
